/**
 * What an app is made of.
 *
 * @typedef {object} Setting
 * @property {string} middleware its name; 'none' for the app alone.
 * @property {string} place 'cookie', 'memory' or 'redis'.
 * @property {string | undefined} redisUrl
 * @property {string} prefix for keys in Redis.
 * @property {() => Record<string, unknown>} newData what the next session holds after its login.
 */

export const SECRET = 'a secret that is long enough for everybody';
export const MAX_AGE_MS = 86_400_000;
