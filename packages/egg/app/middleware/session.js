// @ts-check
const session = require('@sessile/koa');

/**
 * The middleware that Egg puts around all others. Which store serves a request is asked at each one, since `app.sessionStore` may be
 * another by then.
 *
 * @param {any} options `config.session`
 * @param {any} app the application
 */
module.exports = (options, app) => session({ ...options, encrypt: byEgg(options.encrypt), store: () => options.store }, app);

/**
 * Egg's own cookies encrypt, as for egg-session: each reads what the other wrote.
 *
 * @param {boolean | { acceptPlain?: boolean } | undefined} encrypt
 * @returns {any}
 */
function byEgg(encrypt) {
  return encrypt ? { ...Object(encrypt), by: 'cookies' } : false;
}
