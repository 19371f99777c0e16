import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileStore } from '@sessile-example/store-file';
import { hideFolder } from '../lib/disrupt.js';
import { newFolder } from '../lib/places.js';

const folders = new WeakMap();
const folderOf = (store) => folders.get(store);
const fileOf = (store, sid) => join(folderOf(store), `${createHash('sha256').update(sid).digest('hex')}.session`);

function open(folder) {
  const store = new FileStore({ folder });
  folders.set(store, folder);
  return store;
}

export default {
  name: "Sessile's FileStore (example)",
  create: () => open(newFolder()),
  second: (store) => open(folderOf(store)),
  neighbour: () => open(newFolder()),
  async reopen(store) {
    await store.close();
    return open(folderOf(store));
  },
  spoil(store, sid, text) {
    const [head] = readFileSync(fileOf(store, sid), 'utf8').split('\n');
    writeFileSync(fileOf(store, sid), `${head}\n${text}`);
  },
  rows: (store) => readdirSync(folderOf(store)).filter((name) => name.endsWith('.session')).length,
  disrupt: (store) => hideFolder(folderOf(store)),
};
