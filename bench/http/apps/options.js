/**
 * What the app of a framework is told.
 *
 * @typedef {object} AppOptions
 * @property {string} middleware its name, or `none`.
 * @property {string} store `memory`, `redis`, or `cookie` where the session is in the cookie.
 * @property {string} url of Redis.
 * @property {() => any} nextSession the data of a new session.
 */

export const SECRET = 'a secret that is long enough for everybody';
export const MAX_AGE_MS = 86_400_000;

/** Of this process alone. */
export const PREFIX = `bench-http-${process.pid}:`;
