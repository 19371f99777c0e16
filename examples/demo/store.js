/**
 * Picks the store that `--store` names.
 *
 * @module
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { SessionStore } from '@sessile/core';
import { MemoryDriver } from '@sessile/store-memory';
import { SqliteStore } from '@sessile/store-sqlite';

const dataFolder = path.join(import.meta.dirname, 'data');

/** Beside this file, so that the demo finds it again whatever the working folder is. */
export const defaultStore = `sqlite:${path.relative(process.cwd(), path.join(dataFolder, 'sessions.sqlite'))}`;

/**
 * Two stores on the same sessions: they differ only in what a save does when another request saved meanwhile.
 *
 * @typedef {object} Stores
 * @property {string} name what the page calls it
 * @property {string} [file] the database, where there is one
 * @property {SessionStore} merge
 * @property {SessionStore} overwrite
 * @property {() => Promise<unknown>} close
 */

/** The second store sees the same sessions, so one of the two prunes. */
const merging = /** @type {const} */ ({ hashIds: true, conflicts: 'merge' });
const overwriting = /** @type {const} */ ({ hashIds: true, conflicts: 'overwrite', pruneEveryMs: false });

/**
 * @param {string} where `memory:` or `sqlite:<file>`
 * @returns {Stores}
 */
export function openStores(where) {
  if (where === 'memory:') return openMemory();
  const file = /^sqlite:(.+)$/.exec(where)?.[1];
  if (file === undefined || file === ':memory:') {
    throw new Error(`--store is "memory:" or "sqlite:<file>", not "${where}".`);
  }
  return openSqlite(path.resolve(file));
}

/** @returns {Stores} */
function openMemory() {
  const driver = new MemoryDriver();
  const merge = new SessionStore(driver, merging);
  const overwrite = new SessionStore(driver, overwriting);
  return { name: 'the memory of this process', merge, overwrite, close: closing(merge, overwrite) };
}

/**
 * @param {string} file
 * @returns {Stores}
 */
function openSqlite(file) {
  mkdirSync(path.dirname(file), { recursive: true });
  const merge = new SqliteStore({ file, ...merging });
  const overwrite = new SqliteStore({ file, ...overwriting });
  return { name: `the SQLite file ${path.basename(file)}`, file, merge, overwrite, close: closing(merge, overwrite) };
}

/** @param {SessionStore[]} stores */
function closing(...stores) {
  return () => Promise.all(stores.map((store) => store.close()));
}
