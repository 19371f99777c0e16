import type { EventEmitter } from 'node:events';
import { type Fetched, SessionStore } from '@sessile/core';

// oxlint-disable typescript/no-explicit-any -- the shape that stores for express-session have, whoever made them and their types

/** A store for express-session: ours, or any other. */
export interface Store extends Pick<EventEmitter, 'on'> {
  get(sid: string, callback: (error: any, session?: any) => void): any;
  set(sid: string, session: any, callback?: (error?: any) => void): any;
  destroy(sid: string, callback?: (error?: any) => void): any;
  touch?(sid: string, session: any, callback?: (error?: any) => void): any;
  createSession(request: any, session: any): any;
  regenerate(request: any, callback: (error?: any) => any): any;
  generate?: ((request: never) => void) | undefined;
}

// oxlint-enable

/** What was loaded: a session of ours that is still closed, or what another store gave. */
export type Found = { fetched: Fetched } | { data: Record<string, unknown> };

export type Settle<R> = (error: unknown, result?: R) => void;

/**
 * Loads a session. Ours are fetched and left closed; a `get` that a test or an app has put on the store is asked instead.
 *
 * @param maxAgeMs of the cookie, where a session that has it may be kept alive on the way.
 * @param settle called once; perhaps before this returns.
 */
export function load(store: Store, sid: string, maxAgeMs: number | null | undefined, settle: Settle<Found | undefined>): void {
  if (fetches(store)) {
    fetch(store, sid, touchesUnopened(store) ? maxAgeMs : undefined, settle);
    return;
  }
  answered<Found | undefined>(settle, (once) =>
    store.get(sid, (error: unknown, data: unknown) => {
      if (error && (error as { code?: unknown }).code !== 'ENOENT') once(error);
      else if (error || !data) once(undefined);
      else once(undefined, { data: data as Record<string, unknown> });
    }),
  );
}

function fetches(store: object): store is SessionStore {
  return store instanceof SessionStore && store.get === SessionStore.prototype.get && store.fetch === SessionStore.prototype.fetch;
}

function fetch(store: SessionStore, sid: string, maxAgeMs: number | null | undefined, settle: Settle<Found | undefined>): void {
  let answer: ReturnType<SessionStore['fetch']>;
  try {
    answer = store.fetch(sid, maxAgeMs);
  } catch (error) {
    settle(error);
    return;
  }
  settled(answer, (error, fetched) => settle(error, fetched ? { fetched } : undefined));
}

/** Whether a session that nobody opened can be kept alive without opening it. */
export function touchesUnopened(store: Store): boolean {
  return store.touch === (SessionStore.prototype.touch as unknown);
}

/** Keeps an unopened session alive. */
export function keepAlive(fetched: Fetched, settle: Settle<void>): void {
  answered<void>(settle, (once) => settled(fetched.keepAlive(), (error) => once(error)));
}

/** Calls a method that takes a callback: an error that it throws is its answer, and a second answer is none. */
export function call(settle: Settle<void>, work: (done: (error?: unknown) => void) => void): void {
  answered<void>(settle, (once) => work((error) => once(error)));
}

/** Passes an answer on, now or later, as a callback's. */
export function settled<R>(answer: R | Promise<R>, settle: Settle<R>): void {
  if (!(answer instanceof Promise)) {
    settle(undefined, answer);
    return;
  }
  answer.then(
    // Out of the promise: what the app throws later is its own, and no rejection.
    (result) => process.nextTick(settle, undefined, result),
    (error: unknown) => process.nextTick(settle, error),
  );
}

/** Runs `work` with a callback that counts once. What `work` throws is its answer, unless it had answered before. */
function answered<R>(settle: Settle<R>, work: (once: Settle<R>) => unknown): void {
  let called = false;
  const once: Settle<R> = (error, result) => {
    if (called) return;
    called = true;
    settle(error, result);
  };
  try {
    work(once);
  } catch (error) {
    // The callback itself threw: that is the app's affair.
    if (called) throw error;
    once(error);
  }
}
