/** What a test wants is in the options of `egg.start()`. */
module.exports = class Boot {
  constructor(app) {
    this.app = app;
  }

  configWillLoad() {
    Object.assign(this.app.config.session, this.app.options.session);
  }

  didLoad() {
    this.app.sessionStore = this.app.options.store;
  }
};
