import { isDeepStrictEqual } from 'node:util';
import { type Dict, isDict, own } from './json.js';

/** The parts of a session that carry its lifetime. They merge as one value. */
export const UNIT_KEYS: ReadonlySet<string> = new Set(['cookie', '_expire', '_maxAge']);

/** Stock express-session's `resetMaxAge()` can take a few milliseconds off `originalMaxAge`: no change. */
const DRIFT_MS = 50;

/** What a session says of its own lifetime: express-session's and koa-generic-session's cookie, koa-session's fields. */
export interface Unit {
  cookie: Dict | undefined;
  _expire: unknown;
  _maxAge: unknown;
}

/** A copy of a session's unit, taken now; a cookie with `toJSON` gives what would be stored. */
export function unitOf(session: Dict): Unit {
  return { cookie: plainCookie(session['cookie']), _expire: session['_expire'], _maxAge: session['_maxAge'] };
}

function plainCookie(cookie: unknown): Dict | undefined {
  if (typeof cookie !== 'object' || cookie === null) return undefined;
  const { toJSON } = cookie as { toJSON?: unknown };
  const plain: unknown = typeof toJSON === 'function' ? toJSON.call(cookie) : cookie;
  return typeof plain === 'object' && plain !== null ? { ...plain } : undefined;
}

/** The moment at which a unit says that it ends, in ms since the epoch; undefined where it names none. */
export function unitDate(unit: Unit): number | undefined {
  const date = toMs(unit.cookie?.['expires']);
  if (date !== undefined) return date;
  return typeof unit._expire === 'number' ? unit._expire : undefined;
}

/** How long a cookie says that its session lives, by the names of all middlewares. */
export function cookieLife(cookie: Dict): unknown {
  return cookie['maxAge'] ?? cookie['maxage'] ?? cookie['originalMaxAge'];
}

/**
 * The moment at which a unit says that it ends: its date, else its lifetime counted from a moment.
 *
 * @param from ms since the epoch.
 * @returns ms since the epoch; undefined where it names neither.
 */
export function unitEnd(unit: Unit, from: number): number | undefined {
  const date = unitDate(unit);
  if (date !== undefined) return date;
  const life = (unit.cookie === undefined ? undefined : cookieLife(unit.cookie)) ?? unit._maxAge;
  return typeof life === 'number' ? from + life : undefined;
}

/** A Date or the text of one, in ms since the epoch; undefined for anything else, an invalid Date included. */
export function toMs(date: unknown): number | undefined {
  if (typeof date === 'string') return number(Date.parse(date));
  return date instanceof Date ? number(date.getTime()) : undefined;
}

function number(ms: number): number | undefined {
  return Number.isNaN(ms) ? undefined : ms;
}

/** How a unit differs from another: not at all, by its date alone, or in what it says beyond the date. */
export type UnitChange = 'same' | 'date' | 'more';

/**
 * How `mine` differs from `base`.
 *
 * @see TCH-7 and CON-11 in docs/contract.md: what is a date's move, and what a change of the cookie.
 */
export function compareUnits(base: Unit, mine: Unit): UnitChange {
  if (mine._maxAge !== base._maxAge || !sameCookie(base.cookie, mine.cookie)) return 'more';
  if (typeof mine._expire !== typeof base._expire) return 'more';
  const moved = Math.abs((unitDate(mine) ?? 0) - (unitDate(base) ?? 0));
  return moved === 0 ? 'same' : 'date';
}

function sameCookie(base: Dict | undefined, mine: Dict | undefined): boolean {
  if (base === undefined || mine === undefined) return base === mine;
  for (const key in mine) if (!sameField(key, own(base, key), mine[key])) return false;
  for (const key in base) if (!sameField(key, base[key], own(mine, key))) return false;
  return true;
}

function sameField(key: string, base: unknown, mine: unknown): boolean {
  if (base === mine || (base ?? undefined) === (mine ?? undefined)) return true;
  if (key === 'expires' || key === '_expires') return toMs(base) !== undefined && toMs(mine) !== undefined;
  if (key === 'originalMaxAge' && typeof base === 'number' && typeof mine === 'number') {
    return Math.abs(base - mine) < DRIFT_MS;
  }
  return isDeepStrictEqual(base, mine);
}

/**
 * Whether the app moved a date nearer by hand. A middleware that merely counts anew from `originalMaxAge` or `_maxAge`, as
 * each request does, did not: the session may have been given a longer life meanwhile.
 *
 * @param base the unit as it was reported.
 * @param mine the unit as it came back.
 * @param loadedAt when it was reported, ms since the epoch.
 * @param now when it came back.
 */
export function movedNearer(base: Unit, mine: Unit, loadedAt: number, now: number): boolean {
  const from = unitDate(base);
  const to = unitDate(mine);
  if (from === undefined || to === undefined || to >= from - DRIFT_MS) return false;
  const life = mine.cookie?.['originalMaxAge'] ?? mine._maxAge;
  if (typeof life !== 'number') return true;
  return to < loadedAt + life - DRIFT_MS || to > now + life + DRIFT_MS;
}

/** Writes a unit into a session. */
export function applyUnit(session: Dict, unit: Unit): void {
  const entries = { cookie: unit.cookie, _expire: unit._expire, _maxAge: unit._maxAge };
  for (const [key, value] of Object.entries(entries)) {
    if (value === undefined) delete session[key];
    else session[key] = value;
  }
}

/** Gives a session the later of two dates: that of `mine`, where it is later than its own. Whether it changed. */
export function takeLaterDate(session: Dict, mine: Unit): boolean {
  const theirs = unitOf(session);
  const date = unitDate(mine);
  const standing = unitDate(theirs);
  if (date === undefined || standing === undefined || date <= standing) return false;
  if (isDict(session['cookie']) && toMs(session['cookie']['expires']) !== undefined) {
    session['cookie']['expires'] = new Date(date).toISOString();
  }
  if (typeof session['_expire'] === 'number') session['_expire'] = mine._expire ?? date;
  return true;
}
