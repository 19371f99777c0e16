import type { Doc } from './mongo.js';

/** What is to become of a live session. */
export interface Change {
  /** As it is stored; undefined leaves it. */
  readonly value?: unknown;
  readonly ttlMs: number | 'keep';
  readonly onlyLonger: boolean;
}

/** A filter beside the id, and the update of what it matches. */
export interface Step {
  readonly where: Doc;
  readonly update: Doc | readonly Doc[];
}

/** Whose clock decides what has expired, in filters and updates of MongoDB. */
export interface Clock {
  /** Read beside what is asked for, so that {@link leftOf} can tell what is left. */
  readonly fields: Doc;
  /** Matches live sessions. */
  live(): Doc;
  /** Of an upsert. */
  write(value: unknown, ttlMs: number): Step['update'];
  /** Tried in turn until one matches; the filters match live sessions only. */
  steps(change: Change): readonly Step[];
}

const ENDS = '$expires';
const NOW = '$$NOW';

/**
 * The server's. Whatever an app stores stands under `$literal`: in a pipeline `'$_id'` would be evaluated.
 *
 * The comparison with `$$NOW` stands inside a `$cond` also because FerretDB 2.7 refuses it where an index on `expires` could serve.
 */
export const serverClock: Clock = {
  fields: { expires: 1, now: NOW },
  live: () => ({ $expr: { $cond: [{ $gt: [ENDS, null] }, { $gt: [ENDS, NOW] }, true] } }),
  write: (value, ttlMs) => pipeline({ value, ttlMs, onlyLonger: false }),
  steps: (change) => [{ where: serverClock.live(), update: pipeline(change) }],
};

function pipeline({ value, ttlMs, onlyLonger }: Change): readonly Doc[] {
  const session = value === undefined ? {} : { session: { $literal: value } };
  return [{ $set: ttlMs === 'keep' ? session : { ...session, expires: endOf(ttlMs, onlyLonger) } }];
}

/** A session without `expires` never ends, and no later end than that can be asked for. */
function endOf(ttlMs: number, onlyLonger: boolean): unknown {
  if (ttlMs === Infinity) return '$$REMOVE';
  const end = { $add: [NOW, ttlMs] };
  return onlyLonger ? { $cond: [{ $gt: [ENDS, null] }, { $max: [ENDS, end] }, '$$REMOVE'] } : end;
}

/** This process's, for servers whose updates take no pipelines or know no `$$NOW`. */
export const appClock: Clock = {
  fields: { expires: 1 },
  live: () => ({ $or: [{ expires: null }, { expires: { $gt: new Date() } }] }),
  write: (value, ttlMs) => operators({ value, ttlMs, onlyLonger: false }),
  steps(change) {
    const { ttlMs, onlyLonger } = change;
    const where = appClock.live();
    if (!onlyLonger || ttlMs === 'keep' || ttlMs === Infinity) return [{ where, update: operators(change) }];
    const nearer = { expires: { $gt: new Date(), $lt: dateIn(ttlMs) } };
    return [
      { where: nearer, update: operators(change) },
      { where, update: operators({ ...change, ttlMs: 'keep' }) },
    ];
  },
};

function operators({ value, ttlMs }: Change): Doc {
  const set = value === undefined ? {} : { session: value };
  if (ttlMs === Infinity) return value === undefined ? { $unset: { expires: '' } } : { $set: set, $unset: { expires: '' } };
  if (ttlMs !== 'keep') return { $set: { ...set, expires: dateIn(ttlMs) } };
  // An update must say something: that a field which nobody has is not there.
  return value === undefined ? { $unset: { sessile_none: '' } } : { $set: set };
}

function dateIn(ttlMs: number): Date {
  return new Date(Math.min(Date.now() + ttlMs, 8.64e15));
}

/** What is left of a document's life, in ms: Infinity without an end; 0 or less, or NaN, where it is over. */
export function leftOf({ expires, now }: { expires?: unknown; now?: Date }): number {
  if (expires === undefined || expires === null) return Infinity;
  if (!(expires instanceof Date)) return 0;
  const end = expires.getTime();
  // Later than JavaScript's last Date.
  return Number.isNaN(end) ? Infinity : end - (now?.getTime() ?? Date.now());
}
