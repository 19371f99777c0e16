import { ttlUntil } from './lifetime.js';
import type { Tie } from './ties.js';
import { movedNearer, type Unit, unitDate, type UnitChange, unitEnd } from './unit.js';

/** A save of a session as it was asked for: a snapshot of its lifetime. */
export interface AskedLife {
  /** When it is to end: by the explicit lifetime, else by the session; ms since the epoch. */
  expiresAt: number;
  explicit: boolean;
  /** What the session says of its lifetime. */
  unit: Unit;
}

/** What a save does to the expiry. `whole`: the session's own word on its lifetime replaces what is stored. */
export interface Fate {
  ttlMs: number | 'keep';
  onlyLonger: boolean;
  whole: boolean;
}

const KEEP: Fate = { ttlMs: 'keep', onlyLonger: true, whole: false };
/** Lifetimes that differ by less are taken for the same one, counted at two moments. */
const SLACK_MS = 50;

/**
 * What a save of a loaded session does to its expiry: what the app said counts, and what a middleware merely counts anew only
 * lengthens.
 *
 * @param asked the save.
 * @param tie what was loaded; `base` is its unit.
 * @param change how the unit differs from the loaded one.
 * @param dated whether a date in the session decides: not where the `ttlMs` option is a function.
 * @returns undefined where the session is to end at once.
 * @see TTL-13 to TTL-15 in docs/contract.md
 */
export function fateOf(asked: AskedLife, tie: Tie, base: Unit, change: UnitChange, dated: boolean, resolutionMs: number): Fate | undefined {
  const now = Date.now();
  const ttlMs = ttlUntil(asked.expiresAt, resolutionMs, now);
  if (change === 'more' || shortens(asked, tie, base, change, resolutionMs, now)) {
    return ttlMs <= 0 ? undefined : { ttlMs, onlyLonger: false, whole: true };
  }
  const said = dated && unitDate(asked.unit) !== undefined && tie.expiresAt !== undefined;
  const keeps = !asked.explicit && change === 'same' && said;
  return keeps || ttlMs <= 0 ? KEEP : { ttlMs, onlyLonger: true, whole: false };
}

/** Whether the app asks for an end that is nearer than the one that it knows. */
function shortens(asked: AskedLife, tie: Tie, base: Unit, change: UnitChange, resolutionMs: number, now: number): boolean {
  if (!asked.explicit) return change === 'date' && movedNearer(base, asked.unit, tie.at, now);
  const end = endAtLoad(tie, base);
  return end === undefined || asked.expiresAt < end - SLACK_MS - resolutionMs;
}

/** Where the backend does not tell what is left, the session ends no later than it says itself. Of one tied by hand nobody knows. */
function endAtLoad(tie: Tie, base: Unit): number | undefined {
  return tie.expiresAt ?? (tie.stored === undefined ? undefined : unitEnd(base, tie.at));
}
