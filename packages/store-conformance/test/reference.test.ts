import { describe, it } from 'vitest';
import { defineConformance } from '@sessile/store-conformance';
import { type Callback, ReferenceStore, type Row, type Session } from './reference-store.js';

defineConformance(
  { describe, it },
  {
    name: 'the reference store',
    create: () => new ReferenceStore(),
    second: (store: ReferenceStore) => new ReferenceStore(store.rows),
    neighbour: () => new ReferenceStore(),
    reopen: (store: ReferenceStore) => new ReferenceStore(store.rows),
    rows: (store: ReferenceStore) => store.rows.size,
    spoil: (store: ReferenceStore, sid, text) => void ((store.rows.get(sid) as Row).text = text),
    module: new URL('fixtures/target.js', import.meta.url),
  },
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
