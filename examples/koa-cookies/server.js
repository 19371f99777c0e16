/** A basket that is kept in the visitor's cookie, with no store at all: Koa 3. */
import { text } from 'node:stream/consumers';
import { session } from '@sessile/koa';
import Koa from 'koa';

const app = new Koa();
// They sign the cookie: the first one signs, all verify. A new key goes to the front; an old one goes away when no cookie lives that it has signed.
app.keys = (process.env.SESSION_SECRET ?? 'only for trying it out').split(',');
// Anybody can read what is in the cookie; nobody can change it. Browsers take 4096 bytes, so it is a place for little.
app.use(session({ key: 'basket', maxAge: 7 * 86_400_000, sameSite: 'lax' }, app));

const routes = {
  'GET /': (ctx) => {
    ctx.session.views = (ctx.session.views ?? 0) + 1;
    const { views, items = [], flash } = ctx.session;
    // Shown once: the session is saved without it.
    delete ctx.session.flash;
    ctx.body = `${flash === undefined ? '' : `${flash}\n`}views: ${views}, basket: ${items.length === 0 ? 'nothing' : items.join(', ')}\n`;
  },
  'POST /basket': async (ctx) => {
    const item = new URLSearchParams(await text(ctx.req)).get('item');
    const { items = [] } = ctx.session;
    ctx.assert(item, 400, 'Send the field item.');
    ctx.assert(items.length < 20, 409, 'The basket is full.');
    ctx.session.items = [...items, item.slice(0, 40)];
    ctx.session.flash = `Added ${item.slice(0, 40)}.`;
    see(ctx, '/');
  },
  'POST /empty': (ctx) => {
    // Takes the cookie away.
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
