import { once } from 'node:events';
import Koa from 'koa';
import stockGeneric from 'koa-generic-session';
import koaRedis from 'koa-redis';
import { createSession } from 'koa-session';
import { genericSession, session } from '@sessile/koa';
import { MemoryStore } from '@sessile/store-memory';
import { RedisStore } from '@sessile/store-redis';
import { MAX_AGE_MS, SECRET } from './options.js';

/** @type {Record<string, (ctx: any, nextSession: () => any) => void>} */
const ROUTES = {
  '/usage': (ctx) => (ctx.body = process.cpuUsage()),
  '/login': (ctx, nextSession) => {
    Object.assign(ctx.session, nextSession(), ctx.session.cookie && { cookie: ctx.session.cookie });
    ctx.body = 'in';
  },
  '/read': (ctx) => (ctx.body = String(ctx.session?.n)),
  '/write': (ctx) => {
    if (ctx.session) ctx.session.n = (ctx.session.n ?? 0) + 1;
    ctx.body = 'written';
  },
  '/anonymous': (ctx) => (ctx.body = ctx.session?.user === undefined ? 'nobody' : 'somebody'),
  '/unseen': (ctx) => (ctx.body = 'hello'),
};

/** @param {import('./options.js').AppOptions} options @returns {Promise<number>} its port. */
export async function start({ middleware, store, url, nextSession }) {
  const app = new Koa();
  app.keys = [SECRET];
  if (middleware !== 'none') app.use(MIDDLEWARES[middleware](app, { store, url }));
  app.use((ctx) => ROUTES[ctx.path](ctx, nextSession));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** @type {Record<string, (app: any, where: { store: string, url: string }) => any>} */
const MIDDLEWARES = {
  'koa-session': (app, where) => createSession({ maxAge: MAX_AGE_MS, store: stockStore(where) }, app),
  '@sessile/koa session()': (app, where) => session({ maxAge: MAX_AGE_MS, store: ourStore(where) }, app),
  'koa-generic-session': (_app, where) => stockGeneric({ store: stockStore(where) }),
  '@sessile/koa genericSession()': (_app, where) => genericSession({ store: ourStore(where) }),
};

/** @param {{ store: string, url: string }} where */
function ourStore({ store, url }) {
  if (store === 'cookie') return undefined;
  return store === 'memory' ? new MemoryStore() : new RedisStore({ url, prefix: '' });
}

/** @param {{ store: string, url: string }} where */
function stockStore({ store, url }) {
  if (store === 'cookie') return undefined;
  return store === 'memory' ? texts() : koaRedis({ url });
}

/** koa-session has no store of its own. Its users write this one. */
function texts() {
  /** @type {Map<string, string>} */
  const sessions = new Map();
  return {
    get: async (/** @type {string} */ key) => {
      const text = sessions.get(key);
      return text === undefined ? undefined : JSON.parse(text);
    },
    set: async (/** @type {string} */ key, /** @type {object} */ data) => void sessions.set(key, JSON.stringify(data)),
    destroy: async (/** @type {string} */ key) => void sessions.delete(key),
  };
}
