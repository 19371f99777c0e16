import { isDeepStrictEqual } from 'node:util';
import { isPromise } from './async.js';

/** An object with string keys: a session, or a part of one. */
export type Dict = Record<string, unknown>;

/** Whether a value is an object that a merge may look into; arrays and class instances are leaves. */
export function isDict(value: unknown): value is Dict {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether a value can be a session: any object but an array or a promise. */
export function isSession(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isPromise(value);
}

/** Sets an own property whatever its name: assigning to `__proto__` would change the prototype instead. */
export function put(target: Dict, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, configurable: true, enumerable: true, writable: true });
  } else {
    target[key] = value;
  }
}

/** An own property, never an inherited one. */
export function own(target: Dict, key: string): unknown {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

/**
 * What `mine` did to `base`, done to `theirs`: the three-way merge by leaves.
 *
 * A leaf that both changed is mine. A key that they deleted does not come back because a sibling of it was changed here.
 *
 * @param base what both started from.
 * @param mine the later writer's version.
 * @param theirs what is stored by now. It is changed in place.
 * @param skip top-level keys that are left as they are.
 * @returns whether anything in `theirs` changed.
 */
export function mergeInto(base: Dict, mine: Dict, theirs: Dict, skip?: ReadonlySet<string>): boolean {
  let changed = false;
  for (const key of Object.keys(base)) {
    if (!Object.hasOwn(mine, key) && Object.hasOwn(theirs, key) && skip?.has(key) !== true) {
      delete theirs[key];
      changed = true;
    }
  }
  for (const key of Object.keys(mine)) {
    if (skip?.has(key) !== true && mergeKey(base, mine, theirs, key)) changed = true;
  }
  return changed;
}

function mergeKey(base: Dict, mine: Dict, theirs: Dict, key: string): boolean {
  const to = mine[key];
  const from = own(base, key);
  if (Object.hasOwn(base, key) && isDeepStrictEqual(from, to)) return false;
  const there = own(theirs, key);
  if (isDict(to) && (isDict(from) || from === undefined)) {
    if (isDict(there)) return mergeInto(from ?? {}, to, there);
    if (!Object.hasOwn(theirs, key)) return mergeMissing(from, to, theirs, key);
  }
  if (Object.hasOwn(theirs, key) && isDeepStrictEqual(there, to)) return false;
  put(theirs, key, to);
  return true;
}

/** They have no such object: it is new here, or they deleted it, and then only what was changed here comes back. */
function mergeMissing(from: Dict | undefined, to: Dict, theirs: Dict, key: string): boolean {
  if (from === undefined) {
    put(theirs, key, to);
    return true;
  }
  const part: Dict = {};
  if (!mergeInto(from, to, part)) return false;
  put(theirs, key, part);
  return true;
}
