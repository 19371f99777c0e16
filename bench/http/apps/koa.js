import Koa from 'koa';
import stockGeneric from 'koa-generic-session';
import koaRedis from 'koa-redis';
import stock from 'koa-session';
import { genericSession, session } from '@sessile/koa';
import { MemoryStore } from '@sessile/store-memory';
import { RedisStore } from '@sessile/store-redis';
import { MAX_AGE_MS, SECRET } from './setting.js';

/** @typedef {import('./setting.js').Setting} Setting */

/** A store as users of koa-session write it: it has none of its own. */
class TextStore {
  /** @type {Map<string, string>} */
  #texts = new Map();

  /** @param {string} key */
  get(key) {
    const text = this.#texts.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /**
   * @param {string} key
   * @param {object} data
   */
  set(key, data) {
    this.#texts.set(key, JSON.stringify(data));
  }

  /** @param {string} key */
  destroy(key) {
    this.#texts.delete(key);
  }
}

/** @type {Record<string, (app: Koa, setting: Setting) => Koa.Middleware>} */
const MIDDLEWARES = {
  'koa-session': (app, setting) => stock(sessionOptions(setting, stockStore), app),
  '@sessile/koa session()': (app, setting) => session(sessionOptions(setting, ourStore), app),
  'koa-generic-session': (_app, setting) => stockGeneric(genericOptions(setting, stockGenericStore)),
  '@sessile/koa genericSession()': (_app, setting) => genericSession(genericOptions(setting, ourStore)),
};

/** @type {Record<string, (ctx: any, setting: Setting) => string>} */
const ROUTES = {
  '/login': (ctx, { newData }) => {
    Object.assign(ctx.session, newData());
    return 'in';
  },
  '/read': ({ session: own }) => String(own?.n),
  '/write': ({ session: own }) => {
    if (own) own.n = (own.n ?? 0) + 1;
    return 'written';
  },
  '/anonymous': ({ session: own }) => (own?.user === undefined ? 'nobody' : 'somebody'),
  '/unseen': () => 'hello',
};

/**
 * A Koa app with koa-session, koa-generic-session, one of ours, or alone.
 *
 * @param {Setting} setting
 */
export async function makeApp(setting) {
  const app = new Koa();
  app.keys = [SECRET];
  const make = MIDDLEWARES[setting.middleware];
  if (make !== undefined) app.use(make(app, setting));
  app.use((ctx) => {
    ctx.body = ROUTES[ctx.path]?.(ctx, setting);
  });
  return app.callback();
}

/**
 * @param {Setting} setting
 * @param {(setting: Setting) => any} makeStore
 */
function sessionOptions(setting, makeStore) {
  const { place, prefix } = setting;
  return place === 'cookie' ? { maxAge: MAX_AGE_MS } : { maxAge: MAX_AGE_MS, store: makeStore(setting), prefix };
}

/**
 * @param {Setting} setting
 * @param {(setting: Setting) => any} makeStore
 */
function genericOptions(setting, makeStore) {
  return { store: makeStore(setting), prefix: setting.prefix, cookie: { maxAge: MAX_AGE_MS } };
}

/** @param {Setting} setting */
function ourStore({ place, redisUrl: url }) {
  return place === 'memory' ? new MemoryStore() : new RedisStore({ url, prefix: '' });
}

/** @param {Setting} setting */
function stockStore({ place, redisUrl: url }) {
  return place === 'memory' ? new TextStore() : koaRedis({ url });
}

/**
 * Its own store in memory hands out the very objects that it keeps: it copies nothing, and parses nothing.
 *
 * @param {Setting} setting
 */
function stockGenericStore({ place, redisUrl: url }) {
  return place === 'memory' ? new stockGeneric.MemoryStore() : koaRedis({ url });
}
