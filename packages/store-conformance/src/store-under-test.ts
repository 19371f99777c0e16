import { setTimeout as sleep } from 'node:timers/promises';
import { within } from './time.js';
import type { Kind, Session, Target } from './types.js';

/** An answer that takes longer than this counts as none. */
const ANSWER_MS = 10_000;
const PROBE = 'sessile-conformance-probe';
const UNKNOWN_KIND = 'get() with a callback neither called it nor returned a promise (where answers come at once, say kind: "promise"): it';
const LISTING: ReadonlySet<string | symbol> = new Set(['all', 'ids', 'length', 'clear']);

// oxlint-disable-next-line typescript/no-explicit-any -- the store under test can be anything
export type RawStore = Record<string | symbol, any>;

/**
 * One promise API over any store: express-session's callbacks, koa-session's promises, or both. Where a store has both,
 * promises are used, and the checks of the CB group look at its callbacks.
 */
export class StoreUnderTest {
  /** The store itself, for checks that must see what an adapter would hide. */
  readonly raw: RawStore;
  readonly kind: Kind;
  readonly #target: Target;

  constructor(raw: RawStore, kind: Kind, target: Target) {
    this.raw = raw;
    this.kind = kind;
    this.#target = target;
  }

  /** Whether it has a method that may be asked. */
  has(method: string): boolean {
    return typeof this.raw[method] === 'function' && !Object.hasOwn(this.#target.unpromised ?? {}, method);
  }

  /** Whether what lists, counts and clears sees a change at once. */
  get listsAtOnce(): boolean {
    return !this.#target.listedAfterMs;
  }

  /** Until what lists, counts and clears sees what was done. */
  async listed(): Promise<void> {
    if (!this.listsAtOnce) await sleep(this.#target.listedAfterMs);
  }

  /** The session, or null: `undefined` is the same to every middleware, and ENOENT is to express-session. */
  async get(sid: string): Promise<Session | null> {
    try {
      return (await this.call<Session | null | undefined>('get', sid)) ?? null;
    } catch (error) {
      if (this.kind === 'callback' && isMissing(error)) return null;
      throw error;
    }
  }

  /** The session that must be there. */
  async load(sid: string): Promise<Session> {
    const session = await this.get(sid);
    if (session === null) throw new Error('get() found no session where there should be one');
    return session;
  }

  /** @param lifeMs for promise stores, which are told the lifetime; others read it from the cookie. */
  async set(sid: string, session: Session, lifeMs?: number): Promise<void> {
    await this.call('set', sid, session, ...this.#lifetime(lifeMs));
  }

  touch(sid: string, session: Session, lifeMs?: number): Promise<unknown> {
    return this.call('touch', sid, session, ...this.#lifetime(lifeMs));
  }

  async destroy(sid: string): Promise<void> {
    await this.call('destroy', sid);
  }

  length(): Promise<unknown> {
    return this.call('length');
  }

  async clear(): Promise<void> {
    await this.call('clear');
  }

  /** As sid -> session, whatever form the store chose. */
  async all(): Promise<Map<string, Session>> {
    return tabulate(await this.call<Session>('all'));
  }

  /** Calls a method the way this store is called. A synchronous throw rejects as well. */
  async call<T>(method: string | symbol, ...args: unknown[]): Promise<T> {
    if (!this.listsAtOnce && LISTING.has(method)) await this.listed();
    const work = this.kind === 'callback' ? this.#byCallback<T>(method, args) : this.#byPromise<T>(method, args);
    return within(ANSWER_MS, `${String(method)}()`, work);
  }

  async #byPromise<T>(method: string | symbol, args: unknown[]): Promise<T> {
    return this.raw[method](...args);
  }

  #byCallback<T>(method: string | symbol, args: unknown[]): Promise<T> {
    return new Promise((resolve, reject) => {
      const callback = (error: unknown, result: T) => (error ? reject(error) : resolve(result));
      const returned: unknown = this.raw[method](...args, callback);
      if (isPromise(returned)) returned.then(undefined, reject);
    });
  }

  #lifetime(lifeMs: number | undefined): number[] {
    return this.kind === 'promise' && lifeMs !== undefined ? [lifeMs] : [];
  }
}

/** Makes one store of a target ready to be checked. */
export async function adapt(target: Target, store: object): Promise<StoreUnderTest> {
  const raw = store as RawStore;
  // A driver answers at once or by a promise: nothing else of the adapter is used on it.
  if (target.kind === 'driver') return new StoreUnderTest(raw, 'promise', target);
  return new StoreUnderTest(raw, target.kind ?? (await kindOf(target, raw)), target);
}

/** Ends a store the way its target says. */
export async function end(target: Target, store: object): Promise<void> {
  if (target.destroy) return void (await target.destroy(store));
  const raw = store as RawStore;
  if (typeof raw['close'] === 'function') await Promise.resolve(raw['close']()).catch(() => undefined);
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** What express-session takes for "no session", though it came as an error. */
export function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}

function isGenerator(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'next' in value && Symbol.iterator in value;
}

const kinds = new WeakMap<Target, Promise<Kind>>();

function kindOf(target: Target, raw: RawStore): Promise<Kind> {
  const known = kinds.get(target) ?? within(ANSWER_MS, UNKNOWN_KIND, findKind(raw));
  kinds.set(target, known);
  return known;
}

/** Asks with a callback, and looks which way the answer comes. */
async function findKind(raw: RawStore): Promise<Kind> {
  const byCallback = new Promise<Kind>((resolve, reject) => {
    const returned: unknown = raw['get'](PROBE, () => resolve('callback'));
    if (isPromise(returned)) returned.then(() => setTimeout(() => resolve('promise'), 20), reject);
    if (isGenerator(returned)) reject(new Error('get() is a generator function: let the target wrap each one with co.wrap() of "co"'));
  });
  const kind = await byCallback;
  const full = typeof raw['update'] === 'function' && typeof raw['entries'] === 'function';
  return kind === 'callback' && full ? 'both' : kind;
}

/** express-session's page says array, its own store gives an object: an array is taken where its items carry their sid. */
function tabulate(found: Session): Map<string, Session> {
  return new Map(Array.isArray(found) ? found.map(entryOf) : Object.entries(found));
}

/** `[sid, session]`, or a session with its sid in it. */
function entryOf(item: Session): [string, Session] {
  if (Array.isArray(item)) return [String(item[0]), item[1]];
  return [String(item['sid'] ?? item['sessionID'] ?? item['id']), item];
}
