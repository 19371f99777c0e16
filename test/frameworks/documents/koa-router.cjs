// The tutorial on koa-session, lines 78 to 126: its complete example. @koa/router exports its class by name since release 15.
const Koa = require('koa');
const session = require('@sessile/koa');
const { Router } = require('@koa/router');
const app = new Koa();
const router = new Router();
app.keys = ['your-session-secret'];
const CONFIG = {
  key: 'koa:sess',
  maxAge: 86400000,
  autoCommit: true,
  overwrite: true,
  httpOnly: true,
  signed: true,
  rolling: false,
  renew: false,
  secure: process.env.NODE_ENV === 'production',
};
app.use(session(CONFIG, app));
router.get('/', async (ctx) => {
  let n = ctx.session.views || 0;
  ctx.session.views = ++n;
  ctx.body = `${n} views`;
});
router.get('/set', async (ctx) => {
  ctx.session.userId = '1234';
  ctx.body = 'UserId set in session';
});
router.get('/get', async (ctx) => {
  ctx.body = `User ID: ${ctx.session.userId}`;
});
router.get('/logout', async (ctx) => {
  ctx.session = null;
  ctx.body = 'Session Destroyed';
});
router.get('/flash', async (ctx) => {
  ctx.session.flash = 'Flash Message Example';
  ctx.redirect('/');
});
router.get('/show-flash', async (ctx) => {
  const message = ctx.session.flash;
  ctx.session.flash = null;
  ctx.body = message || 'No Flash Message';
});
app.use(router.routes()).use(router.allowedMethods());
const server = app.listen(process.env.PORT, () => {
  console.log(`Server running on http://localhost:${server.address().port}`);
});
