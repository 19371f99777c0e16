import Database from 'better-sqlite3';
import sqliteStore from 'better-sqlite3-session-store';
import session from 'express-session';
import { onFile } from '../lib/database.js';
import { hideTable } from '../lib/disrupt.js';
import { newFile } from '../lib/places.js';

const SqliteStore = sqliteStore(session);
const open = (file) => new SqliteStore({ client: new Database(file), expired: { clear: true, intervalMs: 900_000 } });
const fileOf = (store) => store.client.name;

export default {
  name: 'better-sqlite3-session-store',
  create: () => open(newFile()),
  destroy: (store) => store.client.close(),
  second: (store) => open(fileOf(store)),
  reopen(store) {
    store.client.close();
    return open(fileOf(store));
  },
  spoil(store, sid, text) {
    onFile(fileOf(store), (database) => database.prepare('UPDATE sessions SET sess = ? WHERE sid = ?').run(text, sid));
  },
  rows: (store) => onFile(fileOf(store), (database) => database.prepare('SELECT count(*) FROM sessions').pluck().get()),
  disrupt: (store) => hideTable((sql) => onFile(fileOf(store), (database) => database.exec(sql)), 'sessions'),
};
