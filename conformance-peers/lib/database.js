import Database from 'better-sqlite3';

/**
 * Works on a file of SQLite, as another program could.
 *
 * @template T
 * @param {string} file
 * @param {(database: import('better-sqlite3').Database) => T} work
 * @returns {T}
 */
export function onFile(file, work) {
  const database = new Database(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
}
