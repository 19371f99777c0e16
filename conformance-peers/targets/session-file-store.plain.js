import session from 'express-session';
import fileStore from 'session-file-store';
import { newFolder } from '../lib/places.js';

const FileStore = fileStore(session);

export default {
  name: 'session-file-store',
  create: () => new FileStore({ path: newFolder(), logFn() {} }),
  destroy: (store) => clearInterval(store.options.reapIntervalObject),
};
