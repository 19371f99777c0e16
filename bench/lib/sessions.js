import { createHash } from 'node:crypto';
import session from 'express-session';

/** How long a session lives when it is set or touched. */
export const TTL_MS = 86_400_000;
/** What a session's JSON takes. */
const SESSION_BYTES = 991;

let made = 0;

/**
 * Ids that nobody has seen: 32 random-looking characters as express-session makes them, the same in every run.
 *
 * @param {number} count
 * @returns {string[]}
 */
export function freshSids(count) {
  return Array.from({ length: count }, () => sid(`${(made += 1)}`));
}

/** @param {string} seed */
function sid(seed) {
  return createHash('sha256').update(seed).digest().subarray(0, 24).toString('base64url');
}

/** What a middleware holds: an instance that is filled key by key, as express-session's Session is. */
// oxlint-disable-next-line typescript/no-extraneous-class -- its shape is the point
class HeldSession {
  /**
   * @param {object} held
   * @param {object} data
   */
  constructor(held, data) {
    this.cookie = held;
    Object.assign(this, data);
  }
}

/** The sessions that stand in every store during the single operations. */
export class Pool {
  #data;
  #touched;

  /** @param {number} size */
  constructor(size) {
    const indices = Array.from({ length: size }, (_, index) => index);
    this.size = size;
    this.sids = indices.map((index) => sid(`pool ${index}`));
    this.missing = indices.map((index) => sid(`missing ${index}`));
    this.#data = indices.map(dataOf);
    this.#touched = this.#data.map((data) => ({ ...data, cookie: cookie() }));
  }

  /**
   * A session as a request ends with it: a fresh object whose cookie lives for a day from now.
   *
   * @param {number} index
   */
  session(index) {
    return new HeldSession(cookie(), this.#data[index % this.size]);
  }

  /**
   * A session to touch: its cookie's date was moved to a day from now.
   *
   * @param {number} index
   */
  touched(index) {
    return renewed(this.#touched[index % this.size]);
  }
}

/**
 * Moves the cookie's date, as middlewares do at each request.
 *
 * @param {any} session
 */
export function renewed(session) {
  session.cookie.expires = new Date(Date.now() + TTL_MS);
  return session;
}

/**
 * A session for the bulk part: its cookie is express-session's own, whose `maxAge` some stores read.
 *
 * @param {number} index
 * @param {number} ttlMs
 */
export function bulkSession(index, ttlMs) {
  return { cookie: new session.Cookie({ maxAge: ttlMs }), ...dataOf(index) };
}

/** What `Cookie.toJSON()` of express-session gives. */
function cookie() {
  return {
    originalMaxAge: TTL_MS,
    partitioned: undefined,
    priority: undefined,
    expires: new Date(Date.now() + TTL_MS),
    secure: true,
    httpOnly: true,
    domain: undefined,
    path: '/',
    sameSite: 'lax',
  };
}

/** @param {number} index */
function dataOf(index) {
  const id = 100_000 + index;
  const data = {
    userId: id,
    views: 1,
    user: { name: `Ada Lovelace ${id}`, email: `ada.${id}@example.org`, roles: ['reader', 'editor'], active: true },
    csrfToken: sid(`token ${index}`),
    preferences: { theme: 'dark', language: 'en-GB', zone: 'Europe/Berlin', pageSize: 50, beta: false },
    cart: [1, 2, 3].map((line) => ({ sku: `sku-${id}-${line}`, title: 'A thing that one buys', count: line, cents: 1999 * line })),
    flash: { info: ['Your changes were saved.'] },
    recent: Array.from({ length: 8 }, (_, page) => `/articles/${id}/page-${page}`),
    note: '',
  };
  data.note = 'x'.repeat(SESSION_BYTES - JSON.stringify({ cookie: cookie(), ...data }).length);
  return data;
}
