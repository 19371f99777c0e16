import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import session from 'express-session';
import fileStore from 'session-file-store';
import { hideFolder } from '../lib/disrupt.js';
import { newFolder } from '../lib/places.js';

/** The key that it adds is asked about on the store as it is, and would fail nearly every other check too: it is taken off here. */
class FileStore extends fileStore(session) {
  get(sid, callback) {
    super.get(sid, (error, found) => callback(error, withoutMark(found)));
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
