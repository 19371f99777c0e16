import { StoreError } from './errors.js';
import type { Dict } from './json.js';
import { cookieLife } from './unit.js';

/** One day: what a session without a lifetime of its own gets. */
export const DAY_MS = 86_400_000;
/** The last moment that a Date can name. What lies past it never ends. */
export const LAST_DATE_MS = 8.64e15;

/** The `ttlMs` option: milliseconds, or a function of the session. */
export type TtlOption = number | ((session: Dict) => number | null | undefined);

/**
 * The explicit lifetime among a method's arguments.
 *
 * @param value milliseconds; `undefined`, `null` and koa-session's `'session'` count as none.
 * @throws StoreError ERR_STORE_INVALID_ARGUMENT for NaN and for anything else.
 * @see TTL-11 in docs/contract.md
 */
export function explicitTtl(value: unknown): number | undefined {
  if (value === undefined || value === null || value === 'session') return undefined;
  if (typeof value === 'number') return checked(value, 'the ttlMs argument');
  throw invalid(`the ttlMs argument is ${typeof value === 'string' ? 'a string' : `a ${typeof value}`}`);
}

/**
 * When a session ends, by the first of: the explicit lifetime, the `ttlMs` function, the session's cookie, koa-session's
 * fields, the `ttlMs` number.
 *
 * @param explicit milliseconds from `now`, or undefined.
 * @param session the session, or undefined for a touch without one.
 * @param option the `ttlMs` option.
 * @param now ms since the epoch.
 * @returns ms since the epoch, which may be past; `Infinity` for never.
 * @throws StoreError ERR_STORE_INVALID_ARGUMENT when the lifetime is NaN or an invalid Date.
 * @see TTL-18 in docs/contract.md
 */
export function expiryOf(explicit: number | undefined, session: Dict | undefined, option: TtlOption, now: number): number {
  if (explicit !== undefined) return bounded(now + explicit);
  if (typeof option === 'function') {
    const ttl = session === undefined ? undefined : option(session);
    if (ttl !== undefined && ttl !== null) return bounded(now + checked(ttl, 'what the ttlMs function returned'));
  }
  const own = session === undefined ? undefined : sessionExpiry(session, now);
  return bounded(own ?? now + (typeof option === 'number' ? option : DAY_MS));
}

function sessionExpiry(session: Dict, now: number): number | undefined {
  const cookie = session['cookie'];
  if (typeof cookie === 'object' && cookie !== null) {
    const ends = cookieExpiry(cookie as Dict, now);
    if (ends !== undefined) return ends;
  }
  const { _expire, _maxAge } = session;
  if (typeof _expire === 'number') return checked(_expire, "the session's _expire");
  return typeof _maxAge === 'number' ? now + checked(_maxAge, "the session's _maxAge") : undefined;
}

function cookieExpiry(cookie: Dict, now: number): number | undefined {
  const { expires } = cookie;
  if (expires instanceof Date) return checked(expires.getTime(), 'cookie.expires');
  if (typeof expires === 'string') return checked(Date.parse(expires), 'cookie.expires');
  if (typeof expires === 'number') return checked(expires, 'cookie.expires');
  const ttl = cookieLife(cookie);
  return typeof ttl === 'number' ? now + checked(ttl, 'cookie.maxAge') : undefined;
}

function checked(ms: number, what: string): number {
  if (typeof ms !== 'number') throw invalid(`${what} is a ${typeof ms}`);
  if (Number.isNaN(ms)) throw invalid(`${what} is not a number or no valid date`);
  return ms;
}

function bounded(expiresAt: number): number {
  return expiresAt > LAST_DATE_MS ? Infinity : expiresAt;
}

function invalid(given: string): StoreError {
  return new StoreError(
    'ERR_STORE_INVALID_ARGUMENT',
    `A lifetime is a number of milliseconds, but ${given}. Pass milliseconds, Infinity for a session that never ends, or nothing for the default.`,
  );
}

/**
 * What is left until `expiresAt`, rounded up to what the backend can count in.
 *
 * @returns 0 or less when it is past; else a multiple of `resolutionMs`, at least one of them; or `Infinity`.
 */
export function ttlUntil(expiresAt: number, resolutionMs: number, now: number): number {
  const left = expiresAt - now;
  if (left <= 0 || left === Infinity) return left;
  return Math.ceil(left / resolutionMs) * resolutionMs;
}
