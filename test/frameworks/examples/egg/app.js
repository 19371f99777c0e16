const { SqliteStore } = require('@sessile/store-sqlite');

module.exports = (app) => {
  app.sessionStore = new SqliteStore({ file: './sessions.sqlite' });
  app.beforeClose(() => app.sessionStore.close());
};
