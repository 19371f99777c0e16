const HTTP_ONLY =
  '[@sessile/egg]: please set `config.session.httpOnly` to true. It is very dangerous if session can read by client JavaScript.';

/**
 * What the plugin does when an app starts.
 *
 * @param {any} app the application
 */
module.exports = (app) => {
  const { session } = app.config;
  if (!session.httpOnly) app.logger.warn(HTTP_ONLY);
  // The file app/middleware/session.js; before the middlewares of the app.
  app.config.coreMiddleware.push('session');

  const shown = (/** @type {unknown} */ value) => (app.config.session.logValue ? value : '');
  app.on('session:missed', (/** @type {any} */ { ctx, key }) => ctx.coreLogger.warn('[session][missed] key(%s)', key));
  for (const event of ['expired', 'invalid']) {
    app.on(`session:${event}`, (/** @type {any} */ { ctx, key, value }) => {
      ctx.coreLogger.warn(`[session][${event}] key(%s) value(%j)`, key, shown(value));
    });
  }
};
