import { EventEmitter } from 'node:events';

/**
 * A session store for express-session, to be filled in.
 *
 * Each method is there and calls back, and none does what it says. The rules are on
 * https://github.com/sessile/sessile/blob/main/docs/contract.md
 *
 * To use it with express-session, extend its Store instead of EventEmitter:
 *
 *   import session from 'express-session';
 *   export class MyStore extends session.Store {
 *
 * Less work: write a driver for @sessile/core, which does all that is the same for every store.
 */
export class MyStore extends EventEmitter {
  /**
   * Reads a session.
   *
   * To do: call back with (null, session), where session is a copy of the caller's own; with (null, null) when there is
   * none, or when it has expired; with (error) when the backend failed. A failure is never "no session".
   */
  get(sid, callback) {
    answer(callback, null);
  }

  /**
   * Stores a session, whatever was stored before.
   *
   * To do: take the text of the session now (JSON.stringify), before anything is awaited: the caller may go on changing
   * it. It ends when session.cookie.expires says so; where that is missing, after a day.
   */
  set(sid, session, callback) {
    answer(callback);
  }

  /**
   * Makes a session live longer.
   *
   * To do: move its end to session.cookie.expires. Leave its data alone, and create nothing: a session that is gone
   * stays gone.
   */
  touch(sid, session, callback) {
    answer(callback);
  }

  /**
   * Ends a session.
   *
   * To do: remove it. One that is not there is no error.
   */
  destroy(sid, callback) {
    answer(callback);
  }

  /**
   * Lists the sessions.
   *
   * To do: call back with (null, sessions), an object with a session for each sid. Only those of this store that have
   * not expired.
   */
  all(callback) {
    answer(callback, {});
  }

  /**
   * Counts the sessions.
   *
   * To do: call back with (null, count), of those that all() would list.
   */
  length(callback) {
    answer(callback, 0);
  }

  /**
   * Ends all sessions.
   *
   * To do: remove those of this store, and nothing else.
   */
  clear(callback) {
    answer(callback);
  }
}

/** Calls back once and later, never before the method has returned; express-session may leave the callback out. */
function answer(callback, result) {
  if (callback) process.nextTick(callback, null, result);
}
