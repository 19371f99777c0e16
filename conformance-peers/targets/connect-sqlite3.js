import { once } from 'node:events';
import session from 'express-session';
import { requireCompiled } from '../lib/compiled.js';
import { onFile } from '../lib/database.js';
import { hideTable } from '../lib/disrupt.js';
import { newFolder } from '../lib/places.js';

const SQLiteStore = requireCompiled('connect-sqlite3')(session);
const fileOf = (store) => store.db.filename;
const folders = new WeakMap();

async function open(dir, table = 'sessions') {
  const store = new SQLiteStore({ dir, db: 'sessions.sqlite', table });
  folders.set(store, dir);
  await once(store.client, 'connect');
  return store;
}

const close = (store) => new Promise((done) => store.db.close(done));

export default {
  name: 'connect-sqlite3',
  create: () => open(newFolder()),
  // It does not wait: sqlite3 never says that it is closed after an error in a callback, which some checks provoke.
  destroy: (store) => void store.db.close(() => undefined),
  second: (store) => open(folders.get(store)),
  neighbour: (store) => open(folders.get(store), 'neighbour'),
  async reopen(store) {
    await close(store);
    return open(folders.get(store));
  },
  spoil(store, sid, text) {
    onFile(fileOf(store), (database) => database.prepare('UPDATE sessions SET sess = ? WHERE sid = ?').run(text, sid));
  },
  rows: (store) => onFile(fileOf(store), (database) => database.prepare('SELECT count(*) FROM sessions').pluck().get()),
  disrupt: (store) => hideTable((sql) => onFile(fileOf(store), (database) => database.exec(sql)), 'sessions'),
};
