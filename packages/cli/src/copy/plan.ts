import type { Conflicts } from '../args.js';

/** A version of a session. */
export interface Version {
  readonly fingerprint: Buffer;
  /** Ms since 1970; undefined where nothing tells. */
  readonly endsAt: number | undefined;
}

/** What this copy knows of having put it into the target. */
export interface Known extends Version {
  readonly endsAt: number;
  readonly before: Buffer | undefined;
}

/**
 * What is to become of a session in the target.
 *
 * `put`: nothing is there. `replace`: another version is. `lengthen`, `shorten`: the same data has another end. `same`: nothing is to
 * be done. `kept`: the target's own version stays. `ended`: it ended in the target, and stays so.
 */
export type Plan = 'put' | 'replace' | 'lengthen' | 'shorten' | 'same' | 'kept' | 'ended';

/** What a plan is made by. */
export interface Rules {
  readonly conflicts: Conflicts;
  /** Ends that are nearer to each other are the same: clocks, ways and whole seconds. */
  readonly toleranceMs: number;
  /** Where the target's end lies further than this from the one that this copy set, somebody has used the session there. */
  readonly usedMs: number;
}

/**
 * Decides over one session.
 *
 * What this copy put there may be changed by it again; what the target did itself since then, it may not, unless told. So a user who
 * is at work in the target loses nothing, and one who logged out there stays logged out.
 *
 * @param source as it is in the source.
 * @param target as it is in the target; undefined where there is none.
 * @param known what this copy put there; undefined where it put nothing.
 */
export function planFor(
  source: Version & { endsAt: number },
  target: Version | undefined,
  known: Known | undefined,
  rules: Rules,
  now: number,
): Plan {
  if (target === undefined) return isGone(known, rules, now) ? 'ended' : 'put';
  if (source.fingerprint.equals(target.fingerprint)) return planForEnd(source.endsAt, target, known, rules);
  if (isOurs(target, known)) return 'replace';
  if (rules.conflicts === 'overwrite') return 'replace';
  const isLater = target.endsAt !== undefined && isAfter(source.endsAt, target.endsAt, rules.toleranceMs);
  return rules.conflicts === 'later' && isLater ? 'replace' : 'kept';
}

/** It was put there, should live, and does not: somebody ended it. */
function isGone(known: Known | undefined, { conflicts, toleranceMs }: Rules, now: number): boolean {
  return known !== undefined && known.before === undefined && known.endsAt > now + toleranceMs && conflicts !== 'overwrite';
}

/**
 * The same data: an end only ever moves away, unless it is the one that this copy set. Where the target does not tell, what this copy
 * set is believed.
 */
function planForEnd(endsAt: number, target: Version, known: Known | undefined, rules: Rules): Plan {
  const there = target.endsAt ?? known?.endsAt;
  if (there === undefined || isAfter(endsAt, there, rules.toleranceMs)) return 'lengthen';
  return isUnused(target, known, rules) && isAfter(there, endsAt, rules.toleranceMs) ? 'shorten' : 'same';
}

/** Whether what stands in the target is what this copy put there, or, where it was killed in between, found there. */
export function isOurs(target: Version, known: Known | undefined): boolean {
  return known !== undefined && (target.fingerprint.equals(known.fingerprint) || known.before?.equals(target.fingerprint) === true);
}

/** Whether nobody but this copy has set the end that it has in the target. Where the target does not tell, it has to be believed. */
export function isUnused({ endsAt }: Version, known: Known | undefined, { usedMs }: Rules): boolean {
  return known !== undefined && (endsAt === undefined || isNear(endsAt, known.endsAt, usedMs));
}

/** Two that never end are near to each other. */
export function isNear(one: number, two: number, toleranceMs: number): boolean {
  return one === two || Math.abs(one - two) <= toleranceMs;
}

function isAfter(one: number, two: number, toleranceMs: number): boolean {
  return one > two && !isNear(one, two, toleranceMs);
}
