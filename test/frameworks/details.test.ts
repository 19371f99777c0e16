import { createRequire } from 'node:module';
import { MemoryStore } from '@sessile/store-memory';
import { Client, serve } from '@sessile/testkit';
import { describe, expect, it } from 'vitest';
import { egg } from './middlewares/egg.js';
import { expressSession } from './middlewares/express-session.js';
import { fastify } from './middlewares/fastify.js';
import { koa } from './middlewares/koa.js';
import type { Middleware } from './middlewares/types.js';
import { Site, type SiteOptions } from './site.js';
import { inMemory } from './stores.js';

const require = createRequire(import.meta.url);

function open(all: readonly Middleware[], name: string, options?: SiteOptions): Promise<Site> {
  return Site.open(
    inMemory,
    all.find((middleware) => middleware.name === name)!,
    options,
  );
}

async function loggedIn(site: Site): Promise<Client> {
  const browser = site.browser();
  await browser.get('/login/ann');
  return browser;
}

/** A request that is held where it has loaded the session, until the other one is through. */
async function slowerThan(site: Site, slow: Promise<unknown>, other: () => Promise<unknown>): Promise<void> {
  await Promise.race([site.gate.crowd(1), slow]);
  await other();
  site.gate.open();
  await slow;
}

describe('a save that fails', () => {
  it.each([...expressSession, ...koa, ...egg, ...fastify])('in $name on $framework', async (middleware) => {
    await using site = await Site.open(inMemory, middleware);
    const browser = await loggedIn(site);
    const set = site.store.set.bind(site.store) as typeof site.store.set;
    site.store.set = failing;
    const seen = await browser.get('/fill').then(
      ({ status }) => status,
      () => 'cut off',
    );
    // Its answer has begun by then.
    expect(middleware.name === 'express-session' ? [200, 'cut off'] : [500]).toContain(seen);
    site.store.set = set;
    expect(JSON.parse((await browser.get('/read')).text)).toEqual({ user: 'ann' });
  });

  const failing = ((_sid: string, _session: object, callback: unknown) => {
    if (typeof callback !== 'function') return Promise.reject(new Error('no room'));
    process.nextTick(callback as () => void, new Error('no room'));
    return undefined;
  }) as MemoryStore['set'];
});

describe('express-session', () => {
  const session = require('express-session');

  /** A server whose requests all do one thing. */
  function app(store: MemoryStore, work: (req: any, res: any) => void) {
    const withSession = session({ store, secret: 's', resave: false, saveUninitialized: true, cookie: { maxAge: 60_000 } });
    return serve((req, res) => withSession(req, res, () => work(req, res)));
  }

  it('takes the store without extending anything, and its Session and Cookie do what express-session’s do', async () => {
    await using store = new MemoryStore();
    await using server = await app(store, (req, res) => {
      const { cookie } = req.session;
      const seen = {
        keys: Object.keys(req.session),
        own: req.session.id === req.sessionID,
        left: cookie.maxAge,
        date: cookie.expires instanceof Date,
        original: cookie.originalMaxAge,
        text: cookie.serialize('n', 'v'),
      };
      req.session.views = (req.session.views ?? 0) + 1;
      res.end(JSON.stringify(seen));
    });
    const client = new Client(server.url);
    await client.get('/');
    const seen = JSON.parse((await client.get('/')).text);
    expect(seen).toMatchObject({ keys: ['cookie', 'views'], own: true, date: true, original: 60_000 });
    expect(seen.left).toBeGreaterThan(58_000);
    expect(seen.text).toMatch(/^n=v; .*Path=\/; Expires=.*HttpOnly/);
  });

  it('save, reload, touch and resetMaxAge of a loaded session', async () => {
    const steps: unknown[] = [];
    await using store = new MemoryStore();
    await using server = await app(store, (req, res) => {
      req.session.n = 1;
      req.session.save((error: unknown) => {
        steps.push(error ?? null);
        req.session.n = 99;
        req.session.reload((failure: unknown) => {
          steps.push(failure ?? null, req.session.n, req.session.touch() === req.session, req.session.resetMaxAge() === req.session);
          res.end('ok');
        });
      });
    });
    const client = new Client(server.url);
    await client.get('/');
    await client.get('/');
    expect(steps).toEqual([null, null, 1, true, true, null, null, 1, true, true]);
  });

  it('load() gives a session outside a request', async () => {
    await using store = new MemoryStore();
    await store.set('sid', { user: 'ann', cookie: { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000) } });
    const loaded: any = await new Promise((resolve, reject) =>
      store.load('sid', (error, found) => (error ? reject(error as Error) : resolve(found))),
    );
    expect(loaded.user).toBe('ann');
    loaded.user = 'bob';
    await new Promise((resolve) => loaded.save(resolve));
    expect((await store.get('sid'))!['user']).toBe('bob');
    expect(await new Promise((resolve) => store.load('none', (_error, found) => resolve(found)))).toBeUndefined();
  });

  it('resave: true of an unchanged session does not write data over what another request saved', async () => {
    await using site = await open(expressSession, 'express-session', { native: { resave: true } });
    const browser = await loggedIn(site);
    const slow = browser.clone().get('/idle');
    await slowerThan(site, slow, () => browser.get('/fill'));
    expect(JSON.parse((await browser.get('/read')).text)).toMatchObject({ user: 'ann', cart: { total: 3 } });
  });

  it('without rolling a browser hears of no later end, although the session is touched', async () => {
    await using site = await open(expressSession, 'express-session');
    const browser = await loggedIn(site);
    let touched = 0;
    site.store.on('touch', () => (touched += 1));
    expect((await browser.get('/read')).setCookie).toEqual([]);
    expect(touched).toBe(1);
  });
});

describe('a longer life for one session', () => {
  it.each([...expressSession, ...koa, ...egg, ...fastify])('in $name on $framework: what the browser hears of it', async (middleware) => {
    await using site = await Site.open(inMemory, middleware, { life: 60_000 });
    const browser = await loggedIn(site);
    const endsLate = () => site.cookiesOf(browser).every((cookie) => cookie.expiryTime()! > Date.now() + 80_000_000);
    await browser.get('/lengthen');
    expect(endsLate()).toBe(middleware.name !== 'express-session');
    await browser.get('/remember');
    expect(endsLate()).toBe(true);
  });
});

describe('koa-session', () => {
  it.each(['koa-session 7', 'koa-session 5'])('%s asks for ten seconds more than maxAge', async (name) => {
    await using site = await open(koa, name, { life: 60_000 });
    const asked: unknown[] = [];
    const set = site.store.set.bind(site.store) as (...args: unknown[]) => unknown;
    site.store.set = (...args: unknown[]) => {
      asked.push(args[2]);
      return set(...args) as never;
    };
    await loggedIn(site);
    expect(asked).toEqual([70_000]);
  });

  it.each(['koa-session 7', 'koa-session 5'])('%s without maxAge: a session lives for a day', async (name) => {
    await using site = await open(koa, name, { life: 'browser' });
    await loggedIn(site);
    const [id = ''] = site.ids;
    expect(await site.store.get(id)).toMatchObject({ user: 'ann', _maxAge: 86_400_000 });
  });
});

describe('koa-generic-session', () => {
  it('the cookie of a session does not shrink from request to request', async () => {
    await using site = await open(koa, 'koa-generic-session', { life: 60_000, rolling: true });
    const browser = await loggedIn(site);
    for (let n = 0; n < 5; n += 1) {
      await browser.get('/read');
      for (const cookie of site.cookiesOf(browser)) expect(cookie.expiryTime()).toBeGreaterThan(Date.now() + 58_000);
      const [id = ''] = site.ids;
      expect((await site.store.get(id))!['cookie']).not.toHaveProperty('expires');
    }
  });

  it('another object at ctx.session is stored as it is, over what another request saved', async () => {
    await using site = await open(koa, 'koa-generic-session');
    const browser = await loggedIn(site);
    await slowerThan(site, browser.clone().get('/replace'), () => browser.get('/fill'));
    expect(JSON.parse((await browser.get('/read')).text)).toEqual({ replaced: true });
  });
});

describe('a slow request that only reads, and a logout meanwhile', () => {
  /** How many sessions are left. */
  async function left(middleware: Middleware, options: SiteOptions): Promise<number> {
    await using site = await Site.open(inMemory, middleware, options);
    const browser = await loggedIn(site);
    await slowerThan(site, browser.clone().get('/idle'), () => browser.get('/logout'));
    return (await site.live()).length;
  }

  it.each([...expressSession, ...koa, ...egg, ...fastify])('with rolling in $name on $framework', async (middleware) => {
    expect(await left(middleware, { rolling: true })).toBe(middleware.ties ? 0 : 1);
  });

  it.each(fastify)('with the default, which is rolling, in $name', async (middleware) => {
    expect(await left(middleware, {})).toBe(middleware.ties ? 0 : 1);
  });

  it.each([...koa, ...egg, ...fastify])('without rolling in $name on $framework', async (middleware) => {
    expect(await left(middleware, { rolling: false })).toBe(0);
  });
});
