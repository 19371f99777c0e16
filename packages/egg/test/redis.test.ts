/** On a real Redis, through the real plugin egg-redis: what egg-session's documentation shows, and RedisStore in its place. */
import { fileURLToPath } from 'node:url';
import { backend } from '@sessile/testkit';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { answerSession, type AppOptions, OURS, RedisStore, startEgg, STOCK, type Target } from './apps.js';

const redis = await backend('redis');
const { hostname: host, port } = new URL(redis.url ?? 'redis://localhost:6379');
const config = { redis: { client: { host, port: Number(port), password: '', db: 0 } } };
const plugins = { redis: { enable: true, package: 'egg-redis' } };
const document = fileURLToPath(new URL('fixtures/document', import.meta.url));

/** Shows the key of the session, too. */
const answer = (ctx: any) => ({ ...answerSession(ctx), key: ctx.session?.externalKey });

/** With the program of the documentation. */
const byHand = (target: Target, options: AppOptions = {}) => startEgg(target, { baseDir: document, config, ...options });

const withStore = (target: Target, options: AppOptions) => startEgg(target, { config, plugins, ...options });

describe.skipIf(redis.skip !== undefined)('over app.redis', () => {
  it.each([STOCK, OURS])('G4 the store of the documentation works with $plugin', async (target) => {
    const { app, browser } = await byHand(target, { answer });
    const visitor = browser();
    const { key } = JSON.parse((await visitor.get('/set/user/ada')).text);
    expect(JSON.parse((await visitor.get('/')).text)).toEqual({ user: 'ada', key });
    expect(JSON.parse(await app.redis.get(key))).toEqual({ user: 'ada', _expire: expect.any(Number), _maxAge: 86_400_000 });
    expect(Math.abs((await app.redis.pttl(key)) - 86_410_000)).toBeLessThan(10_000);
    await visitor.get('/logout');
    expect(await app.redis.exists(key)).toBe(0);
    expect(JSON.parse((await visitor.get('/')).text)).not.toHaveProperty('user');
  });

  it.each([STOCK, OURS])('G4 $plugin is off with `enable: false`', async (target) => {
    const session = { enable: false, package: target.plugin };
    const { app, browser } = await byHand(target, { plugins: { session }, answer: (ctx) => String('session' in ctx) });
    expect((await browser().get('/')).text).toBe('false');
    expect(app.config.coreMiddleware).not.toContain('session');
  });

  it.each([
    ['ioredis 4, which comes with egg-redis', undefined],
    ['ioredis 5, by `config.redis.Redis`', Redis],
  ])('nobody is logged out from that store to RedisStore, and back: %s', async (_name, library) => {
    const configWillLoad = (app: any) => Object.assign(app.config.redis, library === undefined ? {} : { Redis: library });
    const didLoad = (app: any) => (app.sessionStore = new RedisStore({ client: app.redis, prefix: '' }));
    const [theirs, ours] = [await byHand(STOCK), await withStore(OURS, { configWillLoad, didLoad })];
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
    const { app, browser } = await withStore(OURS, { didLoad: (app) => (app.sessionStore = Store), answer });
    expect(app.sessionStore).toBeInstanceOf(Store);
    const visitor = browser();
    const { key } = JSON.parse((await visitor.get('/set/user/ada')).text);
    expect(JSON.parse((await visitor.get('/')).text)).toEqual({ user: 'ada', key });
    expect(JSON.parse(await app.redis.get(key))).toMatchObject({ user: 'ada', _expire: expect.any(Number), _maxAge: 86_400_000 });
    expect(Math.abs((await app.redis.pttl(key)) - 86_410_000)).toBeLessThan(10_000);
  });
});
