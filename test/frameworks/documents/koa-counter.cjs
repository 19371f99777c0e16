// koa-session's documentation, lines 18 to 51: a view counter in a signed cookie.
const session = require('@sessile/koa');
const Koa = require('koa');
const app = new Koa();

app.keys = ['some secret hurr'];

const CONFIG = {
  key: 'koa:sess' /** (string) cookie key (default is koa:sess) */,
  /** (number || 'session') maxAge in ms (default is 1 days) */
  /** 'session' will result in a cookie that expires when session/browser is closed */
  /** Warning: If a session cookie is stolen, this cookie will never expire */
  maxAge: 86400000,
  autoCommit: true /** (boolean) automatically commit headers (default true) */,
  overwrite: true /** (boolean) can overwrite or not (default true) */,
  httpOnly: true /** (boolean) httpOnly or not (default true) */,
  signed: true /** (boolean) signed or not (default true) */,
  rolling: false /** (boolean) Force a session identifier cookie to be set on every response. */,
  renew: false /** (boolean) renew session when session is nearly expired, so we can always keep user logged in. */,
};

app.use(session(CONFIG, app));
// or if you prefer all default config, just use => app.use(session(app));

app.use((ctx) => {
  // ignore favicon
  if (ctx.path === '/favicon.ico') return;

  let n = ctx.session.views || 0;
  ctx.session.views = ++n;
  ctx.body = n + ' views';
});

const server = app.listen(process.env.PORT, () => console.log('listening on http://localhost:' + server.address().port));
