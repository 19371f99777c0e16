// @ts-check
const HTTP_ONLY =
  '[@sessile/egg]: please set `config.session.httpOnly` to true. It is very dangerous if session can read by client JavaScript.';

/** What the plugin does when an app starts. */
module.exports = class SessionBoot {
  /** @param {any} app the application */
  constructor(app) {
    this.app = app;
  }

  /** Puts app/middleware/session.js before the middlewares of other plugins, such as that of security, and of the app. */
  configWillLoad() {
    this.app.config.coreMiddleware.push('session');
  }

  /** After the app had its turn to change the configuration. */
  configDidLoad() {
    const { app } = this;
    if (!app.config.session.httpOnly) app.logger.warn(HTTP_ONLY);
    app.on('session:missed', (/** @type {any} */ { ctx, key }) => ctx.coreLogger.warn('[session][missed] key(%s)', key));
    for (const event of ['expired', 'invalid']) {
      app.on(`session:${event}`, (/** @type {any} */ { ctx, key, value }) => {
        const shown = app.config.session.logValue ? value : '';
        ctx.coreLogger.warn(`[session][${event}] key(%s) value(%j)`, key, shown);
      });
    }
  }
};
