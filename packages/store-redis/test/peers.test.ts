import { createRequire } from 'node:module';
import { assertMove, backend, codeOf, koaGenericSite, koaSite, namespace } from '@sessile/testkit';
import { RedisStore as ConnectRedis } from 'connect-redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { koaRedisOf } from './fixtures/koa-redis.js';
import { open, prefix, raw, shape } from './servers.js';

/** The part of koa-redis that is used here; the package has no types. */
interface KoaRedis {
  get(sid: string): Promise<Record<string, unknown> | null>;
  set(sid: string, session: object, ttlMs?: number): Promise<void>;
  destroy(sid: string): Promise<void>;
  readonly client: { disconnect(): void };
}

const redis = await backend('redis');
const url = redis.url ?? '';

function session(user: string) {
  return { cookie: { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000), httpOnly: true, path: '/' }, user };
}

/** What is left of a life, give or take the seconds in which connect-redis counts. */
function isAbout(left: number, ms: number): void {
  expect(left).toBeGreaterThan(ms - 5000);
  expect(left).toBeLessThanOrEqual(ms + 1000);
}

describe.skipIf(redis.skip !== undefined)('RedisStore beside connect-redis', () => {
  it.each(['a connection of its own', 'ioredis', 'node-redis'] as const)(
    'each reads what the other wrote, with its lifetime, on %s',
    async (way) => {
      const client = await shape('node-redis', [url]);
      const options = way === 'a connection of its own' ? { url } : { client: await shape(way, [url]) };
      const name = prefix();
      const ours = open({ ...options, prefix: name });
      const theirs = new ConnectRedis({ client, prefix: name });
      await theirs.set('theirs', session('ada') as never);
      const loaded = await ours.get('theirs');
      expect(loaded).toMatchObject({ user: 'ada', cookie: { originalMaxAge: 60_000 } });
      isAbout(Date.parse(loaded!['cookie'].expires), Date.now() + 60_000);
      await ours.set('theirs', Object.assign(loaded!, { seen: true }));
      expect(await theirs.get('theirs')).toMatchObject({ user: 'ada', seen: true });
      isAbout(await client.pTTL(`${name}theirs`), 60_000);

      await ours.set('ours', session('bob'));
      expect(await theirs.get('ours')).toMatchObject({ user: 'bob', cookie: { originalMaxAge: 60_000 } });
      isAbout(await client.pTTL(`${name}ours`), 60_000);
      const longer = session('bob');
      longer.cookie.expires = new Date(Date.now() + 600_000);
      await theirs.touch('ours', longer as never);
      isAbout(await client.pTTL(`${name}ours`), 600_000);
      isAbout(Date.parse((await ours.get('ours'))!['cookie'].expires), Date.now() + 600_000);

      expect(((await theirs.ids()) as string[]).sort()).toEqual((await ours.ids()).sort());
      expect(await theirs.length()).toBe(await ours.length());
      await theirs.destroy('theirs');
      expect(await ours.get('theirs')).toBeNull();
      await ours.destroy('ours');
      expect(await theirs.get('ours')).toBeFalsy();
    },
  );

  it('the default prefix is its own', async () => {
    const client = await shape('node-redis', [url]);
    const sid = namespace();
    await new ConnectRedis({ client }).set(sid, session('ada') as never);
    const ours = open({ url });
    expect(await ours.get(sid)).toMatchObject({ user: 'ada' });
    await ours.destroy(sid);
  });

  it('a save of ours over a newer one of theirs merges, and over a logout of theirs is dropped', async () => {
    const client = await shape('node-redis', [url]);
    const name = prefix();
    const ours = open({ url, prefix: name });
    const theirs = new ConnectRedis({ client, prefix: name });
    await theirs.set('s', { ...session('ada'), a: 1 } as never);
    const loaded = await ours.get('s');
    await theirs.set('s', { ...session('ada'), a: 1, theirs: true } as never);
    await ours.set('s', Object.assign(loaded!, { ours: true }));
    expect(await theirs.get('s')).toMatchObject({ a: 1, theirs: true, ours: true });
    const again = await ours.get('s');
    await theirs.destroy('s');
    await ours.set('s', Object.assign(again!, { late: true }));
    expect(await theirs.get('s')).toBeFalsy();
  });

  it('a site moves to ours, back, and one server at a time', async () => {
    const client = await shape('node-redis', [url]);
    const name = prefix();
    await assertMove({
      theirs: new ConnectRedis({ client, prefix: name }),
      ours: open({ url, prefix: name }),
      left: (sid) => client.pTTL(name + sid),
    });
  });
});

describe.skipIf(redis.skip !== undefined)("RedisStore with prefix '' beside koa-redis", () => {
  function peer(): KoaRedis {
    const store = koaRedisOf({ url }) as unknown as KoaRedis;
    onTestFinished(() => store.client.disconnect());
    return store;
  }

  it('each reads what the other wrote, with its lifetime', async () => {
    const [theirs, ours] = [peer(), open({ url, prefix: '' })];
    const [one, two, three] = [namespace(), namespace(), namespace()];
    await theirs.set(one, { user: 'ada', _expire: Date.now() + 60_000, _maxAge: 60_000 }, 60_000);
    const loaded = await ours.get(one);
    expect(loaded).toMatchObject({ user: 'ada', _maxAge: 60_000 });
    isAbout(await raw(url).pttl(one), 60_000);
    await ours.set(one, Object.assign(loaded!, { seen: true }), 120_000);
    expect(await theirs.get(one)).toMatchObject({ user: 'ada', seen: true });
    isAbout(await raw(url).pttl(one), 120_000);
    await ours.set(two, { user: 'bob' }, 60_000);
    expect(await theirs.get(two)).toEqual({ user: 'bob' });
    isAbout(await raw(url).pttl(two), 60_000);
    // Without a lifetime koa-redis stores for ever, and so it stays.
    await theirs.set(three, { user: 'eve' });
    const eternal = await ours.get(three);
    await ours.set(three, Object.assign(eternal!, { seen: true }), Infinity);
    expect(await raw(url).pttl(three)).toBe(-1);
    for (const sid of [one, two]) await ours.destroy(sid);
    await theirs.destroy(three);
    expect(await theirs.get(one)).toBeFalsy();
    expect(await ours.get(three)).toBeNull();
  });

  it.each([
    ['koa-session', koaSite],
    ['koa-generic-session', koaGenericSite],
  ])('a site on %s moves to ours, back, and one server at a time', async (_name, site) => {
    const client = raw(url);
    await assertMove({ theirs: peer(), ours: open({ url, prefix: '' }), left: (sid) => client.pttl(sid), site });
  });
});

describe.skipIf(redis.skip !== undefined)("RedisStore with prefix '' beside a store written by hand for egg", () => {
  const PAGE = 'docs/migrating/from-an-egg-store.md';

  /** What egg does with what `app.js` gives it: a class is made with the app. */
  function storeOf(block: string): unknown {
    const app = { redis: raw(url), sessionStore: undefined as any };
    createRequire(import.meta.url)(codeOf(PAGE, block))(app);
    return typeof app.sessionStore === 'function' ? new app.sessionStore(app) : app.sessionStore;
  }

  it.each(['app.sessionStore = {', 'app.sessionStore = RedisSessions;'])(
    'a site with "%s" moves to ours, back, and one server at a time',
    async (before) => {
      const client = raw(url);
      const ours = storeOf('app.sessionStore = new RedisStore(') as { close(): Promise<void> };
      onTestFinished(() => ours.close());
      await assertMove({ theirs: storeOf(before), ours, left: (sid) => client.pttl(sid), site: koaSite });
    },
  );
});
