/* oxlint-disable typescript/consistent-return -- a test that is skipped returns what the runner gives */
import { createRequire } from 'node:module';
import { genericSession, session } from '@sessile/koa';
import { MemoryStore } from '@sessile/store-memory';
import { RedisStore } from '@sessile/store-redis';
import { SqliteStore } from '@sessile/store-sqlite';
import { backend, namespace } from '@sessile/testkit';
import { describe, expect, it, vi } from 'vitest';
import { answerSession, attributes, CookieJar, DAY, type Handler, held, json, KOAS, later, MINUTE, open, sent, site } from './apps.js';

const require = createRequire(import.meta.url);
const seven = require('koa-session').createSession;
const five = require('koa-session-5');
const koaRedis = require('koa-redis');

const [[, Koa3] = ['', undefined as any]] = KOAS;

const count: Handler = (ctx) => {
  ctx.session.n = (ctx.session.n ?? 0) + 1;
  ctx.body = `${ctx.session.n} ${Boolean(ctx.session.isNew)}`;
};

/** The store of koa-session's README, over a Map. */
function handMade() {
  const sessions = new Map<string, string>();
  return {
    get: async (key: string) => JSON.parse(sessions.get(key) ?? 'null'),
    set: async (key: string, value: object) => void sessions.set(key, JSON.stringify(value)),
    destroy: async (key: string) => void sessions.delete(key),
  };
}

const MODES: [name: string, make: () => object][] = [
  ['in the cookie', () => ({})],
  ['in the cookie, until the browser is closed', () => ({ maxAge: 'session' })],
  ['in a store by hand', () => ({ store: handMade() })],
  ['in memory', () => ({ store: new MemoryStore() })],
  ['in SQLite', () => ({ store: new SqliteStore({ file: ':memory:' }) })],
  ['in SQLite, rolling', () => ({ store: new SqliteStore({ file: ':memory:' }), rolling: true, maxAge: MINUTE })],
  ['in SQLite, by a prefix', () => ({ store: new SqliteStore({ file: ':memory:' }), prefix: 'p:' })],
];

describe.each([
  ['koa-session 7', seven],
  ['koa-session 5', five],
])('%s', (_, stock) => {
  it.each(MODES)('nobody is logged out from it to ours and back: %s', async (_mode, make) => {
    const options = make();
    const jar = new CookieJar();
    const before = await site({ ...options }, count, { make: stock, jar });
    const after = await site({ ...options }, count, { jar });
    const texts: string[] = [];
    for (const { client } of [before, after, before, after, after, before, before]) texts.push((await client.get('/')).text);
    expect(texts).toEqual(['1 true', '2 false', '3 false', '4 false', '5 false', '6 false', '7 false']);
    // Who is logged out by ours is logged out there, too.
    const ending = await site({ ...options }, answerSession, { jar });
    await ending.client.get('/out');
    expect((await before.client.get('/')).text).toBe('1 true');
  });

  it.each(MODES.slice(3, 5))('one server at a time, with keys that change: %s', async (_mode, make) => {
    const options = make();
    const jar = new CookieJar();
    const before = await site({ ...options, key: 'sid' }, count, { make: stock, keys: ['old'], jar });
    const after = await site({ ...options, key: 'sid' }, count, { keys: ['new', 'old'], jar });
    await before.client.get('/');
    expect((await after.client.get('/')).text).toBe('2 false');
    const last = await site({ ...options, key: 'sid' }, count, { make: stock, keys: ['new'], jar });
    expect((await last.client.get('/')).text).toBe('3 false');
  });
});

describe('what is stored is the same to the byte', () => {
  it.each([
    ['default', {}],
    ['a lifetime', { maxAge: MINUTE }],
    ['browser', { maxAge: 'session' }],
  ])('%s', async (_, options) => {
    vi.spyOn(Date, 'now').mockReturnValue(1_800_000_000_000);
    const cookies: (string | undefined)[] = [];
    const texts: string[] = [];
    for (const make of [seven, session]) {
      const inCookie = await site({ ...options }, answerSession, { make });
      await inCookie.client.get('/set/a/é');
      cookies.push(held(inCookie.client));
      const store = {
        ...handMade(),
        set: async (_key: string, value: object, maxAge: unknown) => void texts.push(`${JSON.stringify(value)} ${String(maxAge)}`),
      };
      const stored = await site({ ...options, genid: () => 'id', store }, answerSession, { make });
      await stored.client.get('/set/a/é');
      cookies.push(held(stored.client), held(stored.client, 'koa.sess.sig'));
    }
    vi.restoreAllMocks();
    expect(cookies.slice(3)).toEqual(cookies.slice(0, 3));
    // There the store is given the word itself.
    expect(texts[1]).toBe(texts[0]?.replace(/ session$/, ' undefined'));
  });
});

describe('on Redis', () => {
  it('nobody is logged out from koa-session and koa-generic-session on koa-redis to ours on RedisStore, and back; parallel requests merge', async (context) => {
    const found = await backend('redis');
    if (found.url === undefined) return context.skip(found.skip);
    const peer = koaRedis({ url: found.url });
    const ours = new RedisStore({ url: found.url, prefix: '' });
    later(async () => {
      await ours.close();
      await peer.quit();
    });
    const prefix = `${namespace()}:`;
    const jar = new CookieJar();
    const before = await site({ store: peer, prefix }, count, { make: seven, jar });
    const after = await site({ store: ours, prefix, rolling: true }, count, { jar });
    const peerInOurs = await site({ store: peer, prefix }, count, { jar });
    const texts: string[] = [];
    for (const { client } of [before, after, before, peerInOurs, after]) texts.push((await client.get('/')).text);
    expect(texts).toEqual(['1 true', '2 false', '3 false', '4 false', '5 false']);
    const adding = await site(
      { store: ours, prefix, rolling: true },
      (ctx) => {
        if (ctx.path !== '/untouched') ctx.session[ctx.path.slice(1)] = true;
        ctx.body = ctx.session.toJSON();
      },
      { jar },
    );
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => adding.client.clone().get(`/${name}`)));
    expect(await json(adding.client, '/untouched')).toEqual({ n: 5, a: true, b: true, c: true, d: true });
    await (await site({ store: ours, prefix }, answerSession, { jar })).client.get('/out');
    expect((await before.client.get('/')).text).toBe('1 true');
    const generic = async (make: any, store: any, own: CookieJar) => {
      const app = new Koa3();
      app.keys = ['key'];
      app.use(make({ store, prefix }));
      app.use(count);
      return open(app, own);
    };
    const second = new CookieJar();
    const sites = [await generic(require('koa-generic-session'), peer, second), await generic(genericSession, ours, second)];
    for (const n of [1, 2, 3, 4]) expect((await sites[(n + 1) % 2]?.client.get('/'))?.text).toBe(`${n} false`);
  });
});

describe('programs of the documentation, with the import changed', () => {
  const CONFIG = {
    key: 'koa:sess',
    maxAge: 86_400_000,
    autoCommit: true,
    overwrite: true,
    httpOnly: true,
    signed: true,
    rolling: false,
    renew: false,
  };

  function counter(options: object): any {
    const app = new Koa3();
    app.keys = ['some secret hurr'];
    app.use(session(options, app));
    app.use((ctx: any) => {
      if (ctx.path === '/favicon.ico') return;
      const n = ctx.session.views ?? 0;
      ctx.session.views = n + 1;
      ctx.body = `${n + 1} views`;
    });
    return app;
  }

  class ContextStore {
    readonly #store;
    constructor(ctx: any) {
      this.#store = ctx.app.store;
    }
    get(key: string) {
      return this.#store.get(key);
    }
    set(key: string, value: object) {
      return this.#store.set(key, value);
    }
    destroy(key: string) {
      return this.#store.destroy(key);
    }
  }

  it.each([
    ['the cookie', {}],
    ['a store', { store: handMade() }],
    ['a class made for each request', { ContextStore }],
  ])('G1 koa-session: the counter, in %s', async (_, more) => {
    const app = counter({ ...CONFIG, ...more });
    app.store = new MemoryStore();
    const { client } = await open(app);
    const texts = [];
    for (const path of ['/', '/favicon.ico', '/', '/']) texts.push((await client.get(path)).text);
    expect(texts).toEqual(['1 views', 'Not Found', '2 views', '3 views']);
    expect(held(client, 'koa:sess.sig')).toBeDefined();
  });

  it('G2 koa-sess: get, remove, regenerate; a lifetime of one session; defer', async () => {
    const app = new Koa3();
    app.keys = ['keys', 'keykeys'];
    app.use(genericSession({ store: new MemoryStore(), compat: 'koa-sess' }));
    app.use(async (ctx: any) => {
      if (ctx.path === '/get') {
        ctx.session.count = (ctx.session.count ?? 0) + 1;
        ctx.body = ctx.session.count;
      } else if (ctx.path === '/remove') {
        ctx.session = null;
        ctx.body = 0;
      } else if (ctx.path === '/regenerate') {
        await ctx.regenerateSession();
        ctx.session.count = 1;
        ctx.body = ctx.session.count;
      } else if (ctx.path === '/long') {
        ctx.session.cookie.maxage = 30 * DAY;
        ctx.body = 'long';
      }
    });
    const { client } = await open(app);
    const texts = [];
    for (const path of ['/get', '/get', '/remove', '/get', '/get', '/regenerate', '/get']) texts.push((await client.get(path)).text);
    expect(texts).toEqual(['1', '2', '0', '1', '2', '1', '2']);
    const long = attributes(sent(await client.get('/long'), 'koa.sid'));
    expect(Date.parse(String(long['expires']))).toBeGreaterThan(Date.now() + 29 * DAY);
    const deferred = new Koa3();
    deferred.keys = ['keys'];
    deferred.use(genericSession({ store: new MemoryStore(), defer: true }));
    deferred.use(async (ctx: any) => {
      const own = await ctx.session;
      own.count = (own.count ?? 0) + 1;
      ctx.body = own.count;
    });
    const second = await open(deferred);
    expect([(await second.client.get('/')).text, (await second.client.get('/')).text]).toEqual(['1', '2']);
  });

  it('G3 the tutorial: its router, its advanced configuration, isNew, regenerateId', async () => {
    const app = new Koa3();
    app.keys = ['your-session-secret'];
    const advanced = {
      key: 'koa.advanced:sess',
      maxAge: 3_600_000,
      autoCommit: true,
      overwrite: true,
      httpOnly: true,
      signed: true,
      rolling: true,
    };
    app.use(session({ ...advanced, secure: process.env['NODE_ENV'] === 'production' }, app));
    const routes: Record<string, Handler> = {
      '/': (ctx) => {
        ctx.session.views = (ctx.session.views ?? 0) + 1;
        ctx.body = `${ctx.session.views} views`;
      },
      '/set': (ctx) => {
        ctx.session.userId = '1234';
        ctx.body = 'UserId set in session';
      },
      '/get': (ctx) => (ctx.body = `User ID: ${ctx.session.userId}`),
      '/new': (ctx) => {
        if (ctx.session.isNew) Object.assign(ctx.session, { userId: '1234', role: 'admin' });
        ctx.body = `User ID: ${ctx.session.userId}, Role: ${ctx.session.role}`;
      },
      '/secure': (ctx) => {
        if (ctx.session.userId) ctx.session.regenerateId();
        ctx.body = 'Session ID Regenerated';
      },
      '/logout': (ctx) => {
        ctx.session = null;
        ctx.body = 'Session Destroyed';
      },
      '/flash': (ctx) => {
        ctx.session.flash = 'Flash Message Example';
        ctx.redirect('/');
      },
      '/show-flash': (ctx) => {
        const message = ctx.session.flash;
        ctx.session.flash = null;
        ctx.body = message ?? 'No Flash Message';
      },
    };
    app.use((ctx: any) => routes[ctx.path]?.(ctx));
    const { client } = await open(app);
    const ask = async (path: string) => (await client.get(path)).text;
    expect([await ask('/'), await ask('/')]).toEqual(['1 views', '2 views']);
    await ask('/set');
    expect(await ask('/get')).toBe('User ID: 1234');
    expect(await ask('/secure')).toBe('Session ID Regenerated');
    expect(await ask('/get')).toBe('User ID: 1234');
    expect((await client.get('/flash')).status).toBe(302);
    expect([await ask('/show-flash'), await ask('/show-flash')]).toEqual(['Flash Message Example', 'No Flash Message']);
    expect(await ask('/logout')).toBe('Session Destroyed');
    expect(await ask('/new')).toBe('User ID: 1234, Role: admin');
    expect(held(client, 'koa.advanced:sess')).toBeDefined();
    expect(await json(client, '/get').catch(() => 'text')).toBe('text');
  });

  it('require() gives the function, and the other functions hang on it', () => {
    const required = require('@sessile/koa');
    expect(typeof required({}, new Koa3())).toBe('function');
    for (const name of ['session', 'genericSession', 'MemoryStore', 'Session']) expect(typeof required[name]).toBe('function');
    expect(required.session).toBe(required);
  });
});
