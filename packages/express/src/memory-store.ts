import { inherits } from 'node:util';
import { Store } from './store.js';

interface Stored {
  cookie?: { expires?: string | null };
}

/** Sessions in this process, as texts. For development: it never removes what nobody asks for again. */
export interface MemoryStore extends Store {
  /** The stored texts by session id. */
  sessions: Record<string, string>;
  all(callback?: (error: unknown, sessions: Record<string, object>) => void): void;
  length(callback: (error: unknown, length?: number) => void): void;
  clear(callback?: (error?: unknown) => void): void;
}

interface MemoryStoreConstructor {
  new (): MemoryStore;
  (this: unknown): MemoryStore;
  readonly prototype: MemoryStore;
}

/** express-session's store of the same name: it loses all sessions when the process ends, and serves one process. */
export const MemoryStore: MemoryStoreConstructor = function (this: unknown): MemoryStore | void {
  if (!(this instanceof MemoryStore)) return new MemoryStore();
  Store.call(this);
  this.sessions = Object.create(null) as Record<string, string>;
} as unknown as MemoryStoreConstructor;

inherits(MemoryStore, Store);

Object.assign(MemoryStore.prototype, {
  all(this: MemoryStore, callback) {
    const sessions = Object.create(null) as Record<string, object>;
    for (const sid of Object.keys(this.sessions)) {
      const session = live(this, sid);
      if (session !== undefined) sessions[sid] = session;
    }
    if (callback) setImmediate(callback, null, sessions);
  },

  clear(this: MemoryStore, callback) {
    this.sessions = Object.create(null) as Record<string, string>;
    if (callback) setImmediate(callback);
  },

  destroy(this: MemoryStore, sid, callback) {
    delete this.sessions[sid];
    if (callback) setImmediate(callback);
  },

  get(this: MemoryStore, sid, callback) {
    setImmediate(callback, null, live(this, sid));
  },

  set(this: MemoryStore, sid, session, callback) {
    this.sessions[sid] = JSON.stringify(session);
    if (callback) setImmediate(callback);
  },

  length(this: MemoryStore, callback) {
    this.all((error, sessions) => callback(error ?? null, Object.keys(sessions).length));
  },

  touch(this: MemoryStore, sid, session: Stored, callback) {
    const stored = live(this, sid);
    if (stored !== undefined) this.sessions[sid] = JSON.stringify({ ...stored, cookie: session.cookie });
    if (callback) setImmediate(callback);
  },
} satisfies Partial<MemoryStore>);

/** A session that has not expired; one that has is removed. */
function live(store: MemoryStore, sid: string): Stored | undefined {
  const text = store.sessions[sid];
  if (text === undefined) return undefined;
  const session = JSON.parse(text) as Stored;
  const expires = session.cookie?.expires;
  if (!expires || new Date(expires).getTime() > Date.now()) return session;
  delete store.sessions[sid];
  return undefined;
}
