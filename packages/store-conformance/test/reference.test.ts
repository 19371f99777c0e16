import { describe, it } from 'vitest';
import { checks, defineConformance } from '@sessile/store-conformance';
import { type Callback, ReferenceStore, type Session } from './reference-store.js';
import { targetOf } from './reference-target.js';

const reference = targetOf('the reference store');

// Its sessions are plain objects without express-session's methods, and it ties objects alone, where koa-session has a ctx.
const withoutMiddleware = checks.filter(({ needs = [] }) => !needs.includes('express-session') && !needs.includes('koa-session'));

defineConformance(
  { describe, it },
  { ...reference, module: new URL('fixtures/target.js', import.meta.url) },
  { checks: withoutMiddleware },
);

/** What express-session knows of a store, and nothing else. */
class CallbackStore {
  readonly #inner = new ReferenceStore();

  get(sid: string, callback: Callback): void {
    this.#inner.get(sid, callback);
  }

  set(sid: string, session: Session, callback: Callback = ignore): void {
    this.#inner.set(sid, session, callback);
  }

  touch(sid: string, session: Session, callback: Callback = ignore): void {
    this.#inner.touch(sid, session, undefined, callback);
  }

  destroy(sid: string, callback: Callback = ignore): void {
    this.#inner.destroy(sid, callback);
  }

  all(callback: Callback): void {
    this.#inner.all((error, found) => callback(error, error ? undefined : Object.entries(found as Session)));
  }

  length(callback: Callback): void {
    this.#inner.length(callback);
  }

  clear(callback: Callback = ignore): void {
    this.#inner.clear(callback);
  }
}

function ignore(): void {}

defineConformance({ describe, it }, { name: 'a store with callbacks alone', create: () => new CallbackStore() });

/** What koa-session knows of a store. */
class PromiseStore {
  readonly #inner = new ReferenceStore();

  async get(key: string, _maxAge?: unknown, options?: object): Promise<unknown> {
    return this.#inner.get(key, undefined, options);
  }

  async set(key: string, session: Session, maxAge?: unknown, options?: object): Promise<void> {
    await this.#inner.set(key, session, maxAge, options);
  }

  async destroy(key: string): Promise<void> {
    await this.#inner.destroy(key);
  }
}

defineConformance({ describe, it }, { name: 'a store with promises alone', create: () => new PromiseStore() });
