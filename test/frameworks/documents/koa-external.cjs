// koa-session's documentation, lines 39 and 79 to 107: the default configuration; a store with three methods; a class of stores that is made
// for each request; a key of the app's own; events. The document says what they have to look like, the code is ours.
const session = require('@sessile/koa');
const Koa = require('koa');
const app = new Koa();

app.keys = ['some secret hurr'];

const sessions = new Map();
const seen = [];

const store = {
  async get(key, maxAge, { rolling }) {
    seen.push(['get', maxAge, rolling]);
    return sessions.get(key);
  },
  async set(key, sess, maxAge, { rolling, changed }) {
    seen.push(['set', maxAge, rolling, changed]);
    sessions.set(key, JSON.parse(JSON.stringify(sess)));
  },
  async destroy(key) {
    seen.push(['destroy']);
    sessions.delete(key);
  },
};

class ContextStore {
  constructor(ctx) {
    this.ctx = ctx;
  }
  async get(key) {
    this.ctx.set('x-store', 'of this request');
    return sessions.get(key);
  }
  async set(key, sess) {
    sessions.set(key, JSON.parse(JSON.stringify(sess)));
  }
  async destroy(key) {
    sessions.delete(key);
  }
}

const externalKey = {
  get: (ctx) => ctx.query.key,
  set: (ctx, value) => ctx.set('x-key', value),
};

const ways = {
  default: () => session(app),
  store: () => session({ store, prefix: 'app:' }, app),
  context: () => session({ ContextStore }, app),
  external: () => session({ store, externalKey }, app),
  hooks: () => session({ store, valid: (ctx, value) => value.views < 2, beforeSave: (ctx, sess) => (sess.saved = true) }, app),
};

app.use(ways[process.env.WAY]());
for (const event of ['session:missed', 'session:invalid', 'session:expired']) app.on(event, () => seen.push([event]));

app.use((ctx) => {
  if (ctx.path === '/forget') ctx.body = String(sessions.clear());
  else if (ctx.path === '/seen') ctx.body = { seen, keys: [...sessions.keys()] };
  else if (ctx.path === '/logout') ctx.body = String((ctx.session = null));
  else ctx.body = { views: (ctx.session.views = (ctx.session.views || 0) + 1), isNew: ctx.session.isNew, saved: ctx.session.saved };
});

const server = app.listen(process.env.PORT, () => console.log('http://localhost:' + server.address().port));
