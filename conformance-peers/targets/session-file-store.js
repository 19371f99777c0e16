import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import session from 'express-session';
import fileStore from 'session-file-store';
import { hideFolder } from '../lib/disrupt.js';
import { newFolder } from '../lib/places.js';

/** Two of its ways are asked of the store as it is, and would fail nearly every other check too: they are taken off here. */
class FileStore extends fileStore(session) {
  get(sid, callback) {
    // As express-session itself, which takes ENOENT for "no session".
    super.get(sid, (error, found) => (error?.code === 'ENOENT' ? callback(null, null) : callback(error, withoutMark(found))));
  }
}

function withoutMark(found) {
  if (typeof found !== 'object' || found === null) return found;
  const { __lastAccess, ...own } = found;
  return own;
}

const open = (path) => new FileStore({ path, logFn() {} });
const folderOf = (store) => store.options.path;

export default {
  name: 'session-file-store',
  create: () => open(newFolder()),
  destroy: (store) => clearInterval(store.options.reapIntervalObject),
  second: (store) => open(folderOf(store)),
  neighbour: () => open(newFolder()),
  reopen: (store) => open(folderOf(store)),
  spoil: (store, sid, text) => writeFileSync(join(folderOf(store), `${sid}.json`), text),
  rows: (store) => readdirSync(folderOf(store)).filter((name) => name.endsWith('.json')).length,
  disrupt: (store) => hideFolder(folderOf(store)),
};
