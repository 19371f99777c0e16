// @ts-check
const session = require('@sessile/koa');

/**
 * The middleware that Egg puts around all others. Which store serves a request is asked at each one, since `app.sessionStore` may be
 * another by then.
 *
 * @param {any} options `config.session`
 * @param {any} app the application
 */
module.exports = (options, app) => {
  // `true` is Egg's own encryption, which egg-session reads and writes too.
  const encrypt = options.encrypt === true ? 'cookies' : options.encrypt;
  return session({ ...options, encrypt, store: () => options.store }, app);
};
