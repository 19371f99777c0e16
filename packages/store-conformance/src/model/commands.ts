/**
 * Random histories, as data: what fast-check makes, shrinks and makes again from its seed.
 *
 * @module
 */
import * as fc from 'fast-check';
import type { OptionalMethod, Session } from '../types.js';
import type { Patch } from './reference.js';

/** Few, so that calls meet; odd, since every text is a sid. */
export const SIDS: readonly string[] = ['a', 'b', 'A', '__proto__', "it's 50%", '../a', '漢😀'];
const PLAIN_SIDS = 2;
const KEYS: readonly string[] = ['k', 'n', '', 'a.b', '$set', '__proto__', 'constructor', '😀'];
const TEXTS: readonly string[] = ['', '__proto__', "'; --", '\u2028', '😀', 'null'];

/** What a client does. `wait` lets every short life end; `pause` lets what is under way get on. */
export type Action =
  | { readonly do: 'put'; readonly sid: string; readonly data: Session; readonly brief: boolean }
  | { readonly do: 'touch'; readonly sid: string; readonly brief: boolean }
  | { readonly do: 'get' | 'destroy' | 'count'; readonly sid: string }
  /** Of `save`: what the client holds is changed and saved; nothing is done where it holds nothing. */
  | { readonly do: 'save' | 'update'; readonly sid: string; readonly patch: Patch }
  | { readonly do: 'all' | 'ids' | 'length' | 'clear' | 'wait' | 'pause' };

export type Deed = Action['do'];

export interface Step {
  /** Which of several store objects does it, and what it has loaded. */
  readonly client: number;
  readonly action: Action;
}

/** What a store need not have for what is done. */
export const NEEDED: Readonly<Partial<Record<Deed, OptionalMethod>>> = {
  touch: 'touch',
  save: 'tie',
  update: 'update',
  count: 'update',
  all: 'all',
  ids: 'ids',
  length: 'length',
  clear: 'clear',
};

/** How often each is done, in parts. */
export type Weights = Readonly<Partial<Record<Deed, number>>>;

export interface Shape {
  readonly weights: Weights;
  readonly clients: number;
  readonly sids: readonly string[];
  /** May lives be short? */
  readonly brief: boolean;
  readonly maxSteps: number;
}

/** Histories of a shape. */
export function histories({ weights, clients, sids, brief, maxSteps }: Shape): fc.Arbitrary<Step[]> {
  const often = { weight: 4, arbitrary: fc.constantFrom(...sids.slice(0, PLAIN_SIDS)) };
  const sid = fc.oneof(often, { weight: 1, arbitrary: fc.constantFrom(...sids) });
  const actions = Object.entries(weights).map(([deed, weight]) => ({ weight, arbitrary: actionOf(deed as Deed, sid, brief) }));
  const step = fc.record({ client: fc.nat(clients - 1), action: fc.oneof(...actions) }, { noNullPrototype: true });
  return fc.array(step, { minLength: 1, maxLength: maxSteps, size: 'max' });
}

function actionOf(deed: Deed, sid: fc.Arbitrary<string>, mayBeBrief: boolean): fc.Arbitrary<Action> {
  const brief = mayBeBrief ? fc.boolean() : fc.constant(false);
  if (deed === 'put') return fc.tuple(sid, data, brief).map(([key, value, short]) => ({ do: deed, sid: key, data: value, brief: short }));
  if (deed === 'touch') return fc.tuple(sid, brief).map(([key, short]) => ({ do: deed, sid: key, brief: short }));
  if (deed === 'get' || deed === 'destroy' || deed === 'count') return sid.map((key) => ({ do: deed, sid: key }));
  if (deed === 'save' || deed === 'update') return fc.tuple(sid, change).map(([key, patch]) => ({ do: deed, sid: key, patch }));
  return fc.constant({ do: deed });
}

/** What JSON holds, in one piece: two saves that change it cannot merge. */
const leaf = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(...TEXTS, true, null), fc.array(fc.nat(3), { maxLength: 2 }));
const key = fc.constantFrom(...KEYS);
const change: fc.Arbitrary<Patch> = fc.array(fc.tuple(key, fc.option(leaf, { nil: undefined, freq: 4 })), { minLength: 1, maxLength: 2 });

/** Leaves under the keys that are saved and updated, and anything at all under `v`. */
const data: fc.Arbitrary<Session> = fc
  .tuple(
    fc.array(fc.tuple(key, leaf), { maxLength: 3 }),
    fc.option(fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' }), { nil: undefined, freq: 2 }),
  )
  .map(([leaves, value]) => Object.fromEntries(value === undefined ? leaves : [...leaves, ['v', value]]));

/** A store without ties may refuse them. */
export function isOdd(sid: string): boolean {
  return SIDS.indexOf(sid) >= PLAIN_SIDS;
}
