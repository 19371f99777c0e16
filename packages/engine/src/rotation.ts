import { isDeepStrictEqual } from 'node:util';
import type { SessionData, SessionStore } from '@sessile/core';

const GRACE_MS = 30_000;

/** What a session notes of its ids. */
interface Marks {
  /** When it got its id, ms since the epoch. */
  rotatedAt?: unknown;
  /** Under an old id: the new one. */
  rotatedTo?: unknown;
  /** Until when the old id is good. The session itself may be kept longer: requests that loaded it before have touched it. */
  rotatedUntil?: unknown;
}

/** Where a session keeps its marks, and the rest that is not its data. */
export interface MarkPlace {
  read(session: SessionData): Marks;
  /** Adds marks. @param endsAt where the session is to end with them, ms since the epoch. */
  write(session: SessionData, marks: Marks, endsAt?: number): void;
  isData(key: string): boolean;
}

/** Where sessions have a cookie in them. */
const IN_COOKIE: MarkPlace = {
  read: (session) => (session['cookie'] as Marks | undefined) ?? {},
  write(session, marks, endsAt) {
    const expires = endsAt === undefined ? {} : { expires: new Date(endsAt).toISOString() };
    session['cookie'] = { ...session['cookie'], ...marks, ...expires };
  },
  isData: (key) => key !== 'cookie',
};

/** Where a session went whose id was changed. */
export function successorOf(data: SessionData, place = IN_COOKIE): string | undefined {
  const next = place.read(data).rotatedTo;
  return typeof next === 'string' ? next : undefined;
}

/** Whether an old id no longer leads to the new one. */
export function isPastGrace(data: SessionData, place = IN_COOKIE): boolean {
  const until = place.read(data).rotatedUntil;
  return typeof until === 'number' && until <= Date.now();
}

/**
 * Gives a session a new id. The old one leads to the new one for `graceMs` more, since requests that are under way still send it.
 *
 * Of several requests that do so at once one wins, and the others are told its id.
 *
 * @returns the id that the session has now; undefined where it is gone.
 */
export async function rotate(
  store: SessionStore,
  oldId: string,
  newId: string,
  graceMs = GRACE_MS,
  place = IN_COOKIE,
): Promise<string | undefined> {
  const copy = await store.get(oldId);
  if (copy === null) return undefined;
  const standing = successorOf(copy, place);
  if (standing !== undefined) return standing;
  // The new one is there before the old one leads to it.
  await store.set(newId, renewed(copy, place));
  const until = Date.now() + graceMs;
  const claimed = await store.update(oldId, (session) => {
    if (successorOf(session, place) === undefined) place.write(session, { rotatedTo: newId, rotatedUntil: until }, until);
  });
  const winner = claimed === null ? undefined : successorOf(claimed, place);
  if (winner !== newId) await store.destroy(newId);
  // Saved between the copy and the claim.
  else if (claimed !== null) await apply(store, newId, copy, claimed, place);
  return winner;
}

function renewed(session: SessionData, place: MarkPlace): SessionData {
  const copy = { ...session };
  place.write(copy, { rotatedAt: Date.now() });
  return copy;
}

/**
 * Does to the session under its new id what a request did that still had the old one.
 *
 * @param before what it loaded.
 * @param after what it left.
 */
export async function apply(
  store: SessionStore,
  id: string,
  before: SessionData,
  after: SessionData,
  place: MarkPlace = IN_COOKIE,
): Promise<void> {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => place.isData(key));
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
