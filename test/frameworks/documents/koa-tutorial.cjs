// The tutorial on koa-session, lines 31 to 77: its parts, one of which is run at a time, on its advanced configuration.
const Koa = require('koa');
const session = require('@sessile/koa');
const app = new Koa();
app.keys = ['your-session-secret'];

const advancedConfig = {
  key: 'koa.advanced:sess',
  maxAge: 3600000, // 1 hour
  autoCommit: true,
  overwrite: true,
  httpOnly: true,
  signed: true,
  rolling: true, // force a session identifier cookie to be set on every response
  secure: process.env.NODE_ENV === 'production', // secure cookie in production environment
};

app.use(session(advancedConfig, app));

const parts = {
  access: async (ctx) => {
    if (ctx.session.isNew) {
      ctx.session.userId = '1234';
      ctx.session.role = 'admin';
    }
    ctx.body = `User ID: ${ctx.session.userId}, Role: ${ctx.session.role}`;
  },
  destroy: async (ctx) => {
    if (ctx.path === '/logout') {
      ctx.session = null;
      ctx.body = 'Session Destroyed';
    }
  },
  regenerate: async (ctx) => {
    if (ctx.path === '/secure' && ctx.session.userId) {
      ctx.session.regenerateId();
      ctx.body = 'Session ID Regenerated';
    }
  },
  flash: async (ctx) => {
    if (ctx.path === '/flash') {
      ctx.session.flash = 'Flash Message Example';
      ctx.redirect('/');
    } else if (ctx.session.flash) {
      const message = ctx.session.flash;
      ctx.session.flash = null;
      ctx.body = message;
    } else {
      ctx.body = 'No Flash Message';
    }
  },
};

app.use(parts[process.env.PART]);

const server = app.listen(process.env.PORT, () => console.log('http://localhost:' + server.address().port));
