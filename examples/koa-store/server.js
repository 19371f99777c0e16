/** Counts the visits of each visitor, who may log in and out: Koa 3, sessions in a SQLite file. */
import { text } from 'node:stream/consumers';
import { session } from '@sessile/koa';
import { SqliteStore } from '@sessile/store-sqlite';
import Koa from 'koa';

// For Redis: `import { RedisStore } from '@sessile/store-redis'`, and here `new RedisStore({ url: 'redis://localhost:6379' })`.
const store = new SqliteStore({ file: process.env.SESSIONS ?? 'sessions.sqlite' });

const app = new Koa();
// Signs the cookie. A real site has its own, outside the code.
app.keys = [process.env.SESSION_SECRET ?? 'only for trying it out'];
// A session ends half an hour after its last request: `rolling` begins its life anew with each.
app.use(session({ store, maxAge: 30 * 60_000, rolling: true, sameSite: 'lax' }, app));

const routes = {
  'GET /': (ctx) => {
    ctx.session.views = (ctx.session.views ?? 0) + 1;
    const { views, user } = ctx.session;
    ctx.body = user === undefined ? `views: ${views}\n` : `views: ${views}, user: ${user}\n`;
  },
  'POST /login': async (ctx) => {
    const user = new URLSearchParams(await text(ctx.req)).get('user');
    ctx.assert(user, 400, 'Send the field user.');
    // A new id at each login: whoever knew the old one would else be logged in too. The data stay.
    await ctx.session.regenerate();
    ctx.session.user = user;
    see(ctx, '/');
  },
  'POST /logout': (ctx) => {
    // Ends it on the server, too: a copy of the cookie opens nothing.
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
