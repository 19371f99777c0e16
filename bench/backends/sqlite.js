import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from '@sessile/store-sqlite';
import Database from 'better-sqlite3';
import peerOf from 'better-sqlite3-session-store';
import session from 'express-session';
import { callbackStore, ourStore } from '../lib/contestant.js';

/** @typedef {import('../lib/contestant.js').Subject} Subject */

let folder = '';
let files = 0;

function freshFile() {
  return join(folder, `${(files += 1)}.sqlite`);
}

/**
 * The least that a store in SQLite has to do. No index on the expiry: it halves the speed of writes.
 *
 * @returns {Subject}
 */
function openRaw() {
  const database = new Database(freshFile());
  inWal(database);
  database.exec('CREATE TABLE sessions (sid TEXT NOT NULL PRIMARY KEY, payload TEXT NOT NULL, expires_at INTEGER NOT NULL)');
  return { ...singleVerbs(database), ...bulkVerbs(database), together: inTransaction(database), close: () => database.close() };
}

/** @param {Database.Database} database */
function singleVerbs(database) {
  const get = database.prepare('SELECT payload FROM sessions WHERE sid = ? AND expires_at > ?');
  const set = database.prepare(
    `INSERT INTO sessions (sid, payload, expires_at) VALUES (?, ?, ?)
     ON CONFLICT (sid) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`,
  );
  const touch = database.prepare('UPDATE sessions SET expires_at = ? WHERE sid = ? AND expires_at > ?');
  const destroy = database.prepare('DELETE FROM sessions WHERE sid = ?');
  return {
    get: async (/** @type {string} */ sid) => {
      const row = /** @type {{ payload: string } | undefined} */ (get.get(sid, Date.now()));
      return row === undefined ? null : JSON.parse(row.payload);
    },
    set: async (/** @type {string} */ sid, /** @type {any} */ data) => {
      set.run(sid, JSON.stringify(data), data.cookie.expires.getTime());
    },
    touch: async (/** @type {string} */ sid, /** @type {any} */ data) =>
      touch.run(data.cookie.expires.getTime(), sid, Date.now()).changes === 1,
    destroy: async (/** @type {string} */ sid) => {
      destroy.run(sid);
    },
  };
}

/** @param {Database.Database} database */
function bulkVerbs(database) {
  const length = database.prepare('SELECT COUNT(*) FROM sessions WHERE expires_at > ?').pluck();
  const ids = database.prepare('SELECT sid FROM sessions WHERE expires_at > ?').pluck();
  const all = database.prepare('SELECT sid, payload FROM sessions WHERE expires_at > ?').raw();
  const prune = database.prepare('DELETE FROM sessions WHERE expires_at <= ?');
  const clear = database.prepare('DELETE FROM sessions');
  return {
    length: async () => /** @type {number} */ (length.get(Date.now())),
    ids: async () => /** @type {string[]} */ (ids.all(Date.now())),
    all: async () => Object.fromEntries(all.all(Date.now()).map(([sid, payload]) => [sid, JSON.parse(payload)])),
    walk: async (/** @type {(session: any) => void} */ visit) => {
      for (const [, payload] of all.iterate(Date.now())) visit(JSON.parse(payload));
    },
    prune: async () => prune.run(Date.now()),
    clear: async () => clear.run(),
  };
}

/** @param {Database.Database} database */
function inWal(database) {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
}

/** @param {Database.Database} database */
function inTransaction(database) {
  return async (/** @type {() => Promise<void>} */ work) => {
    database.exec('BEGIN');
    await work();
    database.exec('COMMIT');
  };
}

const Peer = class extends peerOf(session) {
  /** It would prune from a timer that nothing can stop. */
  startInterval() {}
};

/**
 * @param {boolean} wal whether the user has set WAL and NORMAL, which its README does not.
 * @returns {Subject}
 */
function openPeer(wal) {
  const client = new Database(freshFile());
  if (wal) inWal(client);
  const store = new Peer({ client });
  return callbackStore(store, {
    prune: async () => store.clearExpiredSessions(),
    together: inTransaction(client),
    close: () => client.close(),
  });
}

const WRITES = ['set-new', 'set-overwrite', 'touch', 'get+touch', 'get+set', 'destroy'];

/** @type {import('../lib/contestant.js').Backend} */
export default {
  name: 'sqlite',
  raw: 'better-sqlite3, statements prepared once, WAL, synchronous=NORMAL, no expiry index; async functions',
  packages: ['@sessile/core', '@sessile/store-sqlite', 'better-sqlite3', 'better-sqlite3-session-store', 'express-session'],
  contestants: [
    { name: 'raw', kind: 'raw', open: openRaw, bulk: true },
    { name: 'raw again', kind: 'again', open: openRaw, bulk: true },
    { name: '@sessile/store-sqlite', kind: 'ours', open: () => ourStore(new SqliteStore({ file: freshFile() })), bulk: true },
    { name: 'better-sqlite3-session-store', kind: 'peer', open: () => openPeer(false), bulk: true },
    { name: 'the same, user sets WAL + NORMAL', kind: 'peer', open: () => openPeer(true) },
  ],
  aims: [
    { ops: ['get-hit', 'get-miss', ...WRITES], concurrency: 1, atLeast: 0.9 },
    { ops: WRITES, concurrency: 64, atLeast: 1.1 },
  ],
  setUp: () => {
    folder = mkdtempSync(join(tmpdir(), 'sessile-bench-'));
  },
  tearDown: () => rmSync(folder, { recursive: true, force: true }),
};
