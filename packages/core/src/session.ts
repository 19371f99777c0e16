import { Cookie, reviveCookie } from './cookie.js';
import { type Dict, put } from './json.js';

type Done = (error?: unknown) => void;

/** Where the engine keeps what it knows of a request's session: a property of the request. */
export const VISIT: unique symbol = Symbol.for('sessile.visit') as never;

/** What a Session tells the engine that serves its request. Other middlewares have none, and see for themselves. */
export interface SessionObserver {
  /** It is about to be saved, as it is now. What this throws is the answer of the save. */
  saving(session: Session): void;
  /** It was loaded again: `request.session` is what is stored now. */
  reloaded(): void;
  /** It is about to be destroyed. */
  destroying(): void;
  /** `request.session` is new, and holds what its forerunner held. */
  kept(): void;
}

/** What a Session needs of its request. */
export interface SessionRequest {
  [VISIT]?: SessionObserver | undefined;
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
 * The object that `req.session` is: method for method as express-session's own class. Only the data and `cookie` are
 * enumerable.
 *
 * `save`, `reload`, `destroy` and `regenerate` return the session where they are given a callback, else a promise. A promise that
 * nobody waits for fails in silence, as these methods without a callback always did.
 */
export class Session {
  declare cookie: Cookie;
  readonly #id: string;
  readonly #req: SessionRequest;

  /**
   * @param request the request that it belongs to.
   * @param data what the store gave; names of methods in it are left out.
   */
  constructor(request: SessionRequest, data?: Dict) {
    this.#req = request;
    this.#id = request.sessionID;
    if (typeof data !== 'object' || data === null) return;
    for (const key of Object.keys(data)) {
      // In its place among the others: a save of what did not change gives the same text.
      if (key === 'cookie') this.cookie = reviveCookie(data[key]);
      else if (!RESERVED.has(key)) put(this as unknown as Dict, key, data[key]);
    }
    this.cookie ??= new Cookie();
  }

  /** The session's id; `request.sessionID` when it was made. */
  get id(): string {
    return this.#id;
  }

  get req(): SessionRequest {
    return this.#req;
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
  save(): Promise<void>;
  save(callback: Done | undefined): this;
  save(callback?: Done): this | Promise<void> {
    return answer(this, callback, (done) => {
      try {
        this.req[VISIT]?.saving(this);
      } catch (refused) {
        return done(refused);
      }
      this.req.sessionStore.set(this.id, this, done);
    });
  }

  /** Loads the session again and puts it at `req.session`. Error `failed to load session` when it is gone. */
  reload(): Promise<void>;
  reload(callback: Done): this;
  reload(callback?: Done): this | Promise<void> {
    return answer(this, callback, (done) => {
      const { req } = this;
      const store = req.sessionStore;
      store.get(this.id, (error, session) => {
        if (error) return done(error);
        if (!session) return done(new Error('failed to load session'));
        store.createSession(req, session);
        req[VISIT]?.reloaded();
        done();
      });
    });
  }

  /** Logs out: `req.session` is gone at once, the stored session when the answer comes. */
  destroy(): Promise<void>;
  destroy(callback: Done | undefined): this;
  destroy(callback?: Done): this | Promise<void> {
    return answer(this, callback, (done) => {
      this.req[VISIT]?.destroying();
      delete this.req.session;
      this.req.sessionStore.destroy(this.id, done);
    });
  }

  /**
   * Replaces the session by a new one with a new id: at each login, or whoever knew the old id is logged in too.
   *
   * @param options `keep: true` takes the data along. Default: a new session is empty.
   */
  regenerate(options?: { keep?: boolean }): Promise<void>;
  regenerate(callback: Done): this;
  regenerate(options: { keep?: boolean }, callback: Done): this;
  regenerate(first?: { keep?: boolean } | Done, second?: Done): this | Promise<void> {
    const callback = typeof first === 'function' ? first : second;
    const kept = typeof first === 'object' && first.keep === true ? { ...(this as unknown as Dict) } : undefined;
    return answer(this, callback, (done) => {
      const { req } = this;
      req.sessionStore.regenerate(req, (error) => {
        if (kept !== undefined && req.session) keep(req, kept);
        done(error);
      });
    });
  }
}

/** The session where there is a callback, else a promise. */
function answer<S>(session: S, callback: Done | undefined, work: (done: Done) => void): S | Promise<void> {
  if (typeof callback === 'function') {
    work(callback);
    return session;
  }
  const settled = new Promise<void>((resolve, reject) => work((error) => (error ? reject(asError(error)) : resolve())));
  settled.catch(() => {});
  return settled;
}

/** Puts the data of a session into its successor, which has a cookie of its own; its lifetime goes on. */
function keep(request: SessionRequest, { cookie, ...data }: Dict): void {
  const session = request.session as Session;
  for (const key of Object.keys(data)) put(session as unknown as Dict, key, data[key]);
  const { originalMaxAge, createdAt } = cookie as Cookie;
  session.cookie.originalMaxAge = originalMaxAge;
  session.resetMaxAge();
  if (createdAt !== undefined) session.cookie.createdAt = createdAt;
  request[VISIT]?.kept();
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

const RESERVED: ReadonlySet<string> = new Set(
  [...Object.getOwnPropertyNames(Session.prototype), 'req', 'id', 'cookie'].filter((name) => name !== 'constructor'),
);
