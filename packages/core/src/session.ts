import type { Cookie } from './cookie.js';
import { reviveCookie } from './cookie.js';
import { type Dict, put } from './json.js';

type Done = (error?: unknown) => void;

/** What a Session needs of its request. */
export interface SessionRequest {
  sessionID: string;
  sessionStore: {
    get(sid: string, callback: (error: unknown, session?: Dict | null) => void): void;
    set(sid: string, session: object, callback: Done): void;
    destroy(sid: string, callback?: Done): void;
    regenerate(request: SessionRequest, callback: Done): void;
    createSession(request: SessionRequest, session: Dict): unknown;
  };
  session?: unknown;
}

/**
 * The object that `req.session` is when express-session loads a session from one of our stores: method for method as its
 * own class. Only the data and `cookie` are enumerable.
 */
export class Session {
  declare readonly id: string;
  declare readonly req: SessionRequest;
  declare cookie: Cookie;

  /**
   * @param request the request that it belongs to.
   * @param data what the store gave; names of methods in it are left out.
   */
  constructor(request: SessionRequest, data: Dict) {
    Object.defineProperty(this, 'req', { value: request });
    Object.defineProperty(this, 'id', { value: request.sessionID });
    for (const key of Object.keys(data)) {
      // In its place among the others: a save of what did not change gives the same text.
      if (key === 'cookie') this.cookie = reviveCookie(data[key]);
      else if (!RESERVED.has(key)) put(this as unknown as Dict, key, data[key]);
    }
    this.cookie ??= reviveCookie(undefined);
  }

  /** Counts the lifetime anew from `cookie.originalMaxAge`. */
  touch(): this {
    return this.resetMaxAge();
  }

  /** As {@link touch}. */
  resetMaxAge(): this {
    this.cookie.maxAge = this.cookie.originalMaxAge;
    return this;
  }

  /** Saves now rather than at the end of the request. */
  save(callback: Done = () => {}): this {
    this.req.sessionStore.set(this.id, this, callback);
    return this;
  }

  /** Loads the session again and puts it at `req.session`. Error `failed to load session` when it is gone. */
  reload(callback: Done): this {
    const { req } = this;
    const store = req.sessionStore;
    store.get(this.id, (error, session) => {
      if (error) return callback(error);
      if (!session) return callback(new Error('failed to load session'));
      store.createSession(req, session);
      callback();
    });
    return this;
  }

  /** Logs out: `req.session` is gone at once, the stored session when the callback comes. */
  destroy(callback?: Done): this {
    delete this.req.session;
    this.req.sessionStore.destroy(this.id, callback);
    return this;
  }

  /** Replaces the session by a new one with a new id. */
  regenerate(callback: Done): this {
    this.req.sessionStore.regenerate(this.req, callback);
    return this;
  }
}

const RESERVED: ReadonlySet<string> = new Set(
  [...Object.getOwnPropertyNames(Session.prototype), 'req', 'id', 'cookie'].filter((name) => name !== 'constructor'),
);
