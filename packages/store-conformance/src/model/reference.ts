/**
 * What a store must answer: the whole of it, for one sid. A state and a call give the states that may follow; none of
 * them means that the answer was wrong.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import type { Session } from '../types.js';

/** Leaves to set, or to delete where the value is undefined. */
export type Patch = readonly (readonly [key: string, value: unknown])[];

/** What a call asks of one sid. */
export type Operation =
  | { readonly op: 'put'; readonly data: Session; readonly lifeMs: number }
  | { readonly op: 'get' }
  | { readonly op: 'list' }
  | { readonly op: 'touch'; readonly lifeMs: number }
  | { readonly op: 'destroy' }
  /** A save of what was loaded: it writes what changed since. */
  | { readonly op: 'save'; readonly patch: Patch }
  | { readonly op: 'update'; readonly patch: Patch }
  | { readonly op: 'count' };

/** When a session ends: not before the first of two moments, and not after the last. */
export interface Ends {
  readonly first: number;
  readonly last: number;
}

/** Undefined: the store does not say. */
export type Answer = { readonly value: unknown } | { readonly error: Error };

/** An operation that was made, between two moments of two clocks. */
export interface Call {
  readonly sid: string;
  readonly operation: Operation;
  readonly answer: Answer;
  /** By the store's clock. */
  readonly askedAt: number;
  readonly answeredAt: number;
  /** By a counter that no two events share: which of two calls was over before the other began. */
  readonly begun: number;
  readonly ended: number;
  /** What it makes the session's end, where it says so. */
  readonly ends?: Ends;
  /** The store may refuse it by an error, and then it changes nothing. */
  readonly refusable?: boolean;
}

/** No session, or one with its data beside the cookie. */
export type State = (Ends & { readonly data: Session }) | null;

/** The states that a call may leave, given its answer. None: no correct store answers so. */
export function next(state: State, call: Call): State[] {
  const { answer } = call;
  if ('error' in answer) return call.refusable ? [state] : [];
  return possible(state, call)
    .map((before) => outcome(before, call))
    .flatMap((after) => (agrees(after.answer, answer.value) ? [after.state] : []));
}

/** What the store may answer in this state. */
export function expected(state: State, call: Call): unknown[] {
  return possible(state, call).map((before) => outcome(before, call).answer);
}

/** Whether the session lives at that moment. Nobody can tell where its end lies between question and answer. */
function possible(state: State, { askedAt, answeredAt }: Call): State[] {
  if (state === null || askedAt > state.last) return [null];
  return answeredAt < state.first ? [state] : [state, null];
}

interface Outcome {
  readonly state: State;
  /** Undefined: anything. */
  readonly answer?: unknown;
}

function outcome(before: State, { operation, ends }: Call): Outcome {
  if (operation.op === 'destroy') return { state: null };
  if (operation.op === 'put') return { state: ends ? { data: operation.data, ...ends } : null };
  if (before === null) return { state: null, answer: MISSING[operation.op] };
  const { data } = before;
  if (operation.op === 'get') return { state: before, answer: data };
  if (operation.op === 'list') return { state: before, answer: true };
  if (operation.op === 'touch') return { state: { ...before, ...ends }, answer: true };
  const changed = operation.op === 'count' ? counted(data) : patched(data, operation.patch);
  return { state: { ...before, data: changed }, answer: operation.op === 'save' ? undefined : changed };
}

const MISSING = { get: null, list: false, touch: false, save: undefined, update: null, count: null } as const;

/** A store that does not say whether it touched something answers undefined. */
function agrees(right: unknown, given: unknown): boolean {
  if (right === undefined || (typeof right === 'boolean' && given === undefined)) return true;
  return isDeepStrictEqual(right, given);
}

/** Keys are set as data, `__proto__` too. */
export function patched(data: Session, patch: Patch): Session {
  const entries = new Map(Object.entries(data));
  for (const [key, value] of patch) {
    if (value === undefined) entries.delete(key);
    else entries.set(key, value);
  }
  return Object.fromEntries(entries);
}

/** One more under `n`, whatever was there. */
export function counted(data: Session): Session {
  const n: unknown = Object.hasOwn(data, 'n') ? data['n'] : 0;
  return { ...data, n: (typeof n === 'number' ? n : 0) + 1 };
}
