import assert from 'node:assert/strict';
import { dataOf } from './sessions.js';
import { isPromise, type StoreUnderTest } from './store-under-test.js';
import { deferred, quiet, within } from './time.js';
import type { Trial } from './trial.js';
import type { Session } from './types.js';

/** A clock may differ by this much from the one that made a date. */
const TOLERANCE_MS = 2;
const EVERY_MS = 20;
const ANSWER_MS = 10_000;

/** The session is there and holds exactly this beside its cookie. */
export async function expectData(store: StoreUnderTest, sid: string, data: Session, what: string): Promise<void> {
  const session = await store.get(sid);
  assert.deepEqual(session && dataOf(session), data, what);
}

/** There is no session. */
export async function expectGone(store: StoreUnderTest, sid: string, what: string): Promise<void> {
  assert.equal(await store.get(sid), null, what);
}

/** There is a session, whatever it holds. */
export async function expectThere(store: StoreUnderTest, sid: string, what: string): Promise<void> {
  refuseNone(await store.get(sid), 'a session', 'no session', what);
}

/** Fails in words: what `assert` says of null is "expected null, got null". */
export function refuseNone(value: unknown, expected: string, got: string, what: string): void {
  if (value === null || value === undefined) throw new assert.AssertionError({ message: what, expected, actual: got });
}

/** The error that the work ends with. It must be an Error, and must not be a success. */
export async function rejection(work: Promise<unknown>, what: string): Promise<Error & { code?: string }> {
  const outcome = await work.then(
    () => 'success',
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof Error, `${what}: an Error was expected, and it was ${String(outcome)}`);
  return outcome;
}

/** The error of a store built on `@sessile/core`: one of its codes. */
export async function storeError(work: Promise<unknown>, code: string, what: string): Promise<Error> {
  const error = await rejection(work, what);
  assert.equal(error.code, code, `the code of the error: ${what}`);
  return error;
}

/** When a session was born: some time between two moments. */
export interface Birth {
  readonly from: number;
  readonly to: number;
}

/** Runs what gives a session its life, and notes when. */
export async function birth(t: Trial, work: () => Promise<unknown>): Promise<Birth> {
  const from = t.clock.now();
  await work();
  return { from, to: t.clock.now() };
}

/**
 * Reads until the session is gone. Early is what was missing in an answer that came before its end; late is what was
 * there in an answer that was asked for after it: so a slow machine never makes a correct store fail.
 */
export async function expectLife(t: Trial, sid: string, born: Birth, lifeMs: number, what: string): Promise<void> {
  const ends = { first: born.from + lifeMs - TOLERANCE_MS, last: born.to + lifeMs + t.resolutionMs + TOLERANCE_MS };
  for (;;) {
    const askedAt = t.clock.now();
    const there = (await t.store.get(sid)) !== null;
    if (!there) return assert.ok(t.clock.now() >= ends.first, `${what}: gone ${ends.first - t.clock.now()} ms early`);
    assert.ok(askedAt <= ends.last, `${what}: still there more than ${t.resolutionMs} ms after its end`);
    await t.clock.pass(EVERY_MS);
  }
}

/** Waits until a session of this life must be gone, without reading it. */
export function passLife(t: Trial, born: Birth, lifeMs: number): Promise<void> {
  return t.clock.passUntil(born.to + lifeMs + t.resolutionMs + TOLERANCE_MS + 1);
}

/** Lives to try, for steps that must be done while a session lives. */
const LIVES_MS: readonly number[] = [300, 1500, 7000];
/** For stores that may count whole seconds: one is left after all rounding. */
const COARSE_LIVES_MS: readonly number[] = [3000, 8000];
/** A lifetime rounded down, on a clock that stands still for a second at a time. */
const LOST_MS = 2000;

/** How much earlier than its lifetime a session may go without being blamed by a check of another rule. */
export function earlyMs(t: Trial): number {
  return t.isCoarse ? LOST_MS : TOLERANCE_MS;
}

/**
 * Runs the steps that must be done while a session of a short life lives, and then waits until that life must be over. A
 * machine that was too slow for the steps gets another try, with a longer life.
 *
 * @returns the sid that the steps were given.
 */
export async function outlive(t: Trial, steps: (sid: string, lifeMs: number) => Promise<unknown>): Promise<string> {
  const lives = t.isCoarse ? COARSE_LIVES_MS : LIVES_MS;
  for (const lifeMs of lives) {
    const sid = t.sid();
    const from = t.clock.now();
    const failed = await steps(sid, lifeMs).then(() => undefined, asFailure);
    const to = t.clock.now();
    const inTime = to < from + lifeMs - earlyMs(t);
    if (failed && inTime) throw failed.cause;
    if (!failed && inTime) return passLife(t, { from, to }, lifeMs).then(() => sid);
  }
  throw new Error(`the steps of this check took too long for a life of ${lives.at(-1)} ms`);
}

function asFailure(cause: unknown): { cause: unknown } {
  return { cause };
}

/** What a call with a callback did. */
export interface Observation {
  /** The arguments of each call of the callback. */
  readonly calls: unknown[][];
  /** The callback was called before the method returned. */
  early: boolean;
  threw?: unknown;
  returned?: unknown;
  /** What the returned promise was rejected with. */
  rejected?: unknown;
}

/** Calls a method with a callback, and watches for a while after the first answer. */
export async function observe(store: StoreUnderTest, method: string, ...args: unknown[]): Promise<Observation> {
  const seen: Observation = { calls: [], early: false };
  const first = deferred<void>();
  let returned = false;
  const callback = (...answer: unknown[]): void => {
    seen.calls.push(answer);
    seen.early ||= !returned;
    first.resolve();
  };
  try {
    seen.returned = store.raw[method](...args, callback);
    if (isPromise(seen.returned)) seen.returned.then(undefined, (error: unknown) => (seen.rejected = error));
  } catch (error) {
    seen.threw = error;
    first.resolve();
  }
  returned = true;
  await within(ANSWER_MS, `${method}() with a callback`, first.promise);
  await quiet();
  return seen;
}
