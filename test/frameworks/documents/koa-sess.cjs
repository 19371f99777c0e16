// koa-sess's page, lines 28 to 61: a counter in Redis. Its generator of Koa 1 is an async function here, and `this` is `ctx`.
const koa = require('koa');
const { genericSession: session } = require('@sessile/koa');
const { RedisStore } = require('@sessile/store-redis');

const app = new koa();
app.keys = ['keys', 'keykeys'];
app.use(
  session({
    store: new RedisStore(),
  }),
);

app.use(async (ctx) => {
  switch (ctx.path) {
    case '/get':
      get.call(ctx);
      break;
    case '/remove':
      remove.call(ctx);
      break;
    case '/regenerate':
      await regenerate.call(ctx);
      break;
  }
});

function get() {
  const session = this.session;
  session.count = session.count || 0;
  session.count++;
  this.body = session.count;
}

function remove() {
  this.session = null;
  this.body = 0;
}

// Of koa-generic-session, the later name: a new id, and an empty session.
async function regenerate() {
  get.call(this);
  await this.regenerateSession();
  get.call(this);
}

const server = app.listen(process.env.PORT, () => console.log('http://localhost:' + server.address().port));
