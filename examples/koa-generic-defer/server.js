/** Loads a session only where somebody asks for it, in the manner of koa-generic-session: Koa 3, sessions in a SQLite file. */
import { text } from 'node:stream/consumers';
import { genericSession } from '@sessile/koa';
import { SqliteStore } from '@sessile/store-sqlite';
import Koa from 'koa';

// For Redis: `import { RedisStore } from '@sessile/store-redis'`, and here `new RedisStore({ url: 'redis://localhost:6379' })`.
const store = new SqliteStore({ file: process.env.SESSIONS ?? 'sessions.sqlite' });

const app = new Koa();
// Signs the cookie. A real site has its own, outside the code.
app.keys = [process.env.SESSION_SECRET ?? 'only for trying it out'];
app.use(genericSession({ store, defer: true, cookie: { maxAge: 30 * 60_000, sameSite: 'lax' } }));

const routes = {
  // Asks for no session, so the store is not asked either, whatever cookie comes along.
  'GET /about': (ctx) => {
    ctx.body = 'This page knows nobody.\n';
  },
  'GET /': async (ctx) => {
    const session = await ctx.session;
    session.views = (session.views ?? 0) + 1;
    const { views, user } = session;
    ctx.body = user === undefined ? `views: ${views}\n` : `views: ${views}, user: ${user}\n`;
  },
  'POST /login': async (ctx) => {
    const form = new URLSearchParams(await text(ctx.req));
    ctx.assert(form.get('user'), 400, 'Send the field user.');
    const { views } = await ctx.session;
    // A new id at each login: whoever knew the old one would else be logged in too. The new session is empty.
    await ctx.regenerateSession();
    const session = await ctx.session;
    Object.assign(session, { views, user: form.get('user') });
    // "Remember me": this one session lives for a month.
    if (form.has('remember')) session.cookie.maxAge = 30 * 86_400_000;
    see(ctx, '/');
  },
  'POST /logout': (ctx) => {
    ctx.session = null;
    see(ctx, '/');
  },
};

/** Sends the browser to another page, which it asks for by GET. */
function see(ctx, path) {
  ctx.status = 303;
  ctx.redirect(path);
}

app.use((ctx) => routes[`${ctx.method} ${ctx.path}`]?.(ctx));

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`Koa: http://localhost:${server.address().port}`));
