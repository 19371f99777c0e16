const { SqliteStore } = require('@sessile/store-sqlite');

module.exports = (app) => {
  // For Redis, with the plugin egg-redis: `new RedisStore({ client: app.redis, prefix: '' })` of @sessile/store-redis.
  app.sessionStore = new SqliteStore({ file: process.env.SESSIONS ?? 'sessions.sqlite' });
  app.beforeClose(() => app.sessionStore.close());
};
