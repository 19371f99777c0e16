// koa-sess's page, lines 63 to 117: its options and defaults, the session that is asked for by `defer`, the cookie of one session, and a store that
// reports its status. The page says what there is, the code is ours; `yield this.session` of Koa 1 is `await ctx.session`.
const { EventEmitter } = require('node:events');
const koa = require('koa');
const { genericSession: session } = require('@sessile/koa');

class Store extends EventEmitter {
  sessions = new Map();
  seen = [];

  async get(sid) {
    this.seen.push(['get']);
    return this.sessions.get(sid);
  }

  // A thunk, as the page allows.
  set(sid, sess, ttl) {
    return (done) => {
      this.seen.push(['set', sid.slice(0, 9), ttl]);
      this.sessions.set(sid, JSON.parse(JSON.stringify(sess)));
      done();
    };
  }

  *destroy(sid) {
    this.seen.push(['destroy']);
    yield Promise.resolve(this.sessions.delete(sid));
  }
}

const store = new Store();
const app = new koa();
app.keys = ['keys', 'keykeys'];
app.use(session({ store, defer: true, compat: 'koa-sess', reconnectTimeout: 60_000 }));

const pages = {
  '/idle': async () => 'idle',
  '/get': async (ctx) => {
    const sess = await ctx.session;
    sess.count = (sess.count || 0) + 1;
    return sess.count;
  },
  '/remember': async (ctx) => {
    const sess = await ctx.session;
    sess.cookie.maxage = 3_600_000;
    return sess.count;
  },
  '/remove': async (ctx) => {
    ctx.session = null;
    return 0;
  },
};

app.use(async (ctx) => {
  ctx.body = await pages[ctx.path](ctx);
});

const control = new koa();
control.use((ctx) => {
  if (ctx.path !== '/seen') store.emit(ctx.path.slice(1));
  ctx.body = store.seen.splice(0);
});
// What a test looks at, beside the app: requests of the app wait while its store is away.
const side = control.listen(0, () => {
  const server = app.listen(process.env.PORT, () => {
    console.log('http://localhost:' + server.address().port);
    console.log('side: http://localhost:' + side.address().port);
  });
});
