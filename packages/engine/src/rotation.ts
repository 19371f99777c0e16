import { isDeepStrictEqual } from 'node:util';
import type { SessionData, SessionStore } from '@sessile/core';

const GRACE_MS = 30_000;

/** What stands in the cookie under an old id. */
interface Moved {
  rotatedTo?: unknown;
  /** Ms since the epoch. The session itself may be kept longer: requests that loaded it before have touched it. */
  rotatedUntil?: unknown;
}

/** Where a session went whose id was changed. */
export function successorOf(data: SessionData): string | undefined {
  const next = (data['cookie'] as Moved | undefined)?.rotatedTo;
  return typeof next === 'string' ? next : undefined;
}

/** Whether an old id no longer leads to the new one. */
export function isPastGrace(data: SessionData): boolean {
  const until = (data['cookie'] as Moved | undefined)?.rotatedUntil;
  return typeof until === 'number' && until <= Date.now();
}

/**
 * Gives a session a new id. The old one leads to the new one for `graceMs` more, since requests that are under way still send it.
 *
 * Of several requests that do so at once one wins, and the others are told its id.
 *
 * @returns the id that the session has now; undefined where it is gone.
 */
export async function rotate(store: SessionStore, oldId: string, newId: string, graceMs = GRACE_MS): Promise<string | undefined> {
  const copy = await store.get(oldId);
  if (copy === null) return undefined;
  const standing = successorOf(copy);
  if (standing !== undefined) return standing;
  // The new one is there before the old one leads to it.
  await store.set(newId, renewed(copy));
  const now = Date.now();
  const claimed = await store.update(oldId, (session) => claim(session, newId, now + graceMs));
  const winner = claimed === null ? undefined : successorOf(claimed);
  if (winner !== newId) await store.destroy(newId);
  // Saved between the copy and the claim.
  else if (claimed !== null && !sameData(claimed, copy)) await apply(store, newId, copy, claimed);
  return winner;
}

function renewed(session: SessionData): SessionData {
  return { ...session, cookie: { ...session['cookie'], rotatedAt: Date.now() } };
}

function claim(session: SessionData, newId: string, until: number): void {
  if (successorOf(session) !== undefined) return;
  session['cookie'] = { ...session['cookie'], rotatedTo: newId, rotatedUntil: until, expires: new Date(until).toISOString() };
}

function sameData(a: SessionData, b: SessionData): boolean {
  return isDeepStrictEqual({ ...a, cookie: undefined }, { ...b, cookie: undefined });
}

/**
 * Does to the session under its new id what a request did that still had the old one.
 *
 * @param before what it loaded.
 * @param after what it left.
 */
export async function apply(store: SessionStore, id: string, before: SessionData, after: SessionData): Promise<void> {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => key !== 'cookie');
  const changed = keys.filter((key) => !isDeepStrictEqual(before[key], after[key]));
  if (changed.length === 0) return;
  await store.update(id, (session) => {
    for (const key of changed) {
      if (Object.hasOwn(after, key))
        Object.defineProperty(session, key, { value: after[key], configurable: true, enumerable: true, writable: true });
      else delete session[key];
    }
  });
}
