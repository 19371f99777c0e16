/** On a real Redis, through the real plugin egg-redis: what egg-session's documentation shows, and RedisStore in its place. */
import { fileURLToPath } from 'node:url';
import { RedisStore } from '@sessile/store-redis';
import { backend } from '@sessile/testkit';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { type AppOptions, type Plugin, PLUGINS, startEgg } from './apps.js';

const redis = await backend('redis');
const { hostname: host, port } = new URL(redis.url ?? 'redis://localhost:6379');
const config = { redis: { client: { host, port: Number(port), password: '', db: 0 } } };
const plugins = { redis: { enable: true, package: 'egg-redis' } };
const document = fileURLToPath(new URL('fixtures/document', import.meta.url));

/** With the program of the documentation. */
const byHand = (plugin: Plugin) => startEgg(plugin, { baseDir: document, config });

const withStore = (plugin: Plugin, options: AppOptions) => startEgg(plugin, { config, plugins, ...options });

describe.skipIf(redis.skip !== undefined)('over app.redis', () => {
  it.each(PLUGINS)('G4 the store of the documentation works with %s', async (plugin) => {
    const { app, browser } = await byHand(plugin);
    const visitor = browser();
    await visitor.get('/set/user/ada');
    const others = new Set(await app.redis.keys('*'));
    await visitor.get('/logout');
    for (const key of await app.redis.keys('*')) others.delete(key);
    const again = browser();
    await again.get('/set/user/ada');
    expect((await again.get('/')).text).toBe('{"user":"ada"}');
    expect((await visitor.get('/')).text).toBe('{}');
  });

  it.each(PLUGINS)('G4 %s is off with `enable: false`', async (plugin) => {
    const session = { enable: false, package: plugin };
    const answer = (ctx: any) => ({ has: 'session' in ctx, middlewares: ctx.app.config.coreMiddleware });
    const { browser } = await startEgg(plugin, { baseDir: document, config, answer, plugins: { session } });
    const { has, middlewares } = JSON.parse((await browser().get('/')).text);
    expect({ has, on: middlewares.includes('session') }).toEqual({ has: false, on: false });
  });

  it.each([
    ['ioredis 4, which comes with egg-redis', undefined],
    ['ioredis 5, by `config.redis.Redis`', Redis],
  ])('nobody is logged out from that store to RedisStore, and back: %s', async (_name, library) => {
    const configWillLoad = (app: any) => Object.assign(app.config.redis, library === undefined ? {} : { Redis: library });
    const didLoad = (app: any) => (app.sessionStore = new RedisStore({ client: app.redis, prefix: '' }));
    const [theirs, ours] = [await byHand('egg-session'), await withStore('@sessile/egg', { configWillLoad, didLoad })];
    let visitor = theirs.browser();
    await visitor.get('/set/user/ada');
    for (const [n, { url }] of [ours, theirs, ours, ours, theirs].entries()) {
      visitor = visitor.clone(url);
      expect((await visitor.get(`/set/n/${n}`)).text).toBe(`{"user":"ada","n":"${n}"}`);
    }
    await visitor.clone(ours.url).get('/logout');
    expect((await visitor.get('/')).text).toBe('{}');
  });

  it('a subclass of RedisStore that takes the app is a store class for Egg', async () => {
    class Store extends RedisStore {
      constructor(app: any) {
        super({ client: app.redis, prefix: '' });
      }
    }
    const { app, browser } = await withStore('@sessile/egg', { didLoad: (app) => (app.sessionStore = Store) });
    expect(app.sessionStore).toBeInstanceOf(Store);
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
    const lives: number[] = [];
    const stored = new Map<string, string>();
    for (const key of await app.redis.keys('*')) stored.set(key, await app.redis.get(key));
    const [own] = [...stored].filter(([, text]) => text.includes('"user":"ada"')).slice(-1);
    lives.push(await app.redis.pttl(own![0]));
    expect(JSON.parse(own![1])).toMatchObject({ user: 'ada', _expire: expect.any(Number), _maxAge: 86_400_000 });
    expect(lives[0]).toBeGreaterThan(86_300_000);
    expect(lives[0]).toBeLessThanOrEqual(86_410_000);
  });
});
