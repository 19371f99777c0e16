import { EventEmitter } from 'node:events';
import { inherits } from 'node:util';
import { Cookie, Session, type SessionData, type SessionRequest } from '@sessile/core';

type Done = (error?: unknown) => void;

// oxlint-disable typescript/no-explicit-any -- so that stores written for the types of express-session fit

/** The base class of stores for express-session. */
export interface Store extends EventEmitter {
  get(sid: string, callback: (error: any, session?: any) => void): any;
  set(sid: string, session: any, callback?: (error?: any) => void): any;
  destroy(sid: string, callback?: (error?: any) => void): any;
  touch?(sid: string, session: any, callback?: (error?: any) => void): any;
  all?(callback: (error: any, sessions?: any) => void): any;
  length?(callback: (error: any, length?: any) => void): any;
  clear?(callback?: (error?: any) => void): any;
  /** Set by the middleware: makes a new session for a request. */
  generate?: ((request: any) => void) | undefined;
  /** Destroys the session of a request and makes a new one. */
  regenerate(request: any, callback: (error?: any) => any): void;
  /** Loads a session outside a request. */
  load(sid: string, callback: (error: any, session?: any) => any): void;
  /** Makes `request.session` of what `get` gave. */
  createSession(request: any, session: any): any;
}

// oxlint-enable

interface StoreConstructor {
  // No abstract methods: a store by hand may put them on its prototype.
  new (): Store;
  (this: unknown): Store;
  readonly prototype: Store;
}

/**
 * The base class of stores for express-session. As there it is a function, so that stores of all ages may inherit from it: by
 * `class extends`, or by `Store.call(this)` and `util.inherits`.
 */
export const Store: StoreConstructor = function (this: unknown): Store | void {
  if (!(this instanceof Store)) return new Store();
  EventEmitter.call(this as never);
} as unknown as StoreConstructor;

inherits(Store, EventEmitter);

Store.prototype.regenerate = function regenerate(this: Store, request: SessionRequest, callback: Done) {
  this.destroy(request.sessionID, (error) => {
    this.generate?.(request);
    callback(error);
  });
};

Store.prototype.load = function load(this: Store, sid, callback) {
  this.get(sid, (error, data: SessionData | null | undefined) => {
    if (error) callback(error);
    else if (!data) callback(undefined);
    else callback(null, this.createSession({ sessionID: sid, sessionStore: this }, data));
  });
};

Store.prototype.createSession = function createSession(request: SessionRequest, data: SessionData) {
  const session = new Session(request, data);
  request.session = session;
  return session;
};

export { Cookie, Session };
