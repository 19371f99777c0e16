/**
 * The secret that signs the session cookie.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A restart must not log anybody out, so the secret is kept in a file beside the database. `SESSION_SECRET` goes before.
 *
 * @param {string} [database] without one the sessions end with the process, and so may the secret
 * @returns {string}
 */
export function sessionSecret(database) {
  if (process.env.SESSION_SECRET) return process.env.SESSION_SECRET;
  const fresh = randomBytes(32).toString('base64url');
  if (database === undefined) return fresh;
  return keep(`${database}.secret`, fresh);
}

/**
 * @param {string} file
 * @param {string} fresh
 */
function keep(file, fresh) {
  try {
    // `wx` never replaces a file: of two processes that start together, the second reads what the first wrote.
    writeFileSync(file, fresh, { flag: 'wx', mode: 0o600 });
    return fresh;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return readFileSync(file, 'utf8');
  }
}
