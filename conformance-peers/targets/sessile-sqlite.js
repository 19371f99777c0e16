import { SqliteStore } from '@sessile/store-sqlite';
import { onFile } from '../lib/database.js';
import { hideTable } from '../lib/disrupt.js';
import { newFile } from '../lib/places.js';

const files = new WeakMap();
const fileOf = (store) => files.get(store);

function open(file, table = 'sessile_sessions') {
  const store = new SqliteStore({ file, table });
  files.set(store, file);
  return store;
}

export default {
  name: "Sessile's SqliteStore",
  create: () => open(newFile()),
  second: (store) => open(fileOf(store)),
  neighbour: (store) => open(fileOf(store), 'neighbour'),
  async reopen(store) {
    await store.close();
    return open(fileOf(store));
  },
  spoil(store, sid, text) {
    onFile(fileOf(store), (database) => database.prepare('UPDATE sessile_sessions SET payload = ? WHERE key = ?').run(text, sid));
  },
  rows: (store) => onFile(fileOf(store), (database) => database.prepare('SELECT count(*) FROM sessile_sessions').pluck().get()),
  disrupt: (store) => hideTable((sql) => onFile(fileOf(store), (database) => database.exec(sql)), 'sessile_sessions'),
};
