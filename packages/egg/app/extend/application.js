// @ts-check
const assert = require('node:assert');

const VERBS = ['get', 'set', 'destroy'];

/** @type {ThisType<any> & { sessionStore: any }} Egg adds it to each application. */
module.exports = {
  /** Where sessions are kept; undefined: in the cookie. */
  get sessionStore() {
    return this.config.session.store;
  },

  /**
   * Counts from the next request on.
   *
   * @param store with `get`, `set` and `destroy`, which may be generator functions; a class that is made with the app; or null: from
   *   now on sessions are kept in the cookie
   * @throws AssertionError for what is no store
   */
  set sessionStore(store) {
    const { session, env } = this.config;
    if (session.store && env !== 'unittest') this.logger.warn('[@sessile/egg] sessionStore already exists and will be overwrite');
    session.store = store ? checked(this, store) : undefined;
  },
};

/**
 * @param {any} app
 * @param {any} given
 */
function checked(app, given) {
  const store = typeof given === 'function' ? new given(app) : given;
  for (const verb of VERBS) {
    assert(typeof store[verb] === 'function', `store.${verb} must be function`);
    if (isGenerator(store[verb])) store[verb] = app.toAsyncFunction(store[verb]);
  }
  return store;
}

/** @param {Function} verb */
function isGenerator(verb) {
  return verb.constructor.name === 'GeneratorFunction';
}
