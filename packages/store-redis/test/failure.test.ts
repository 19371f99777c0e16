import { RedisStore } from '@sessile/store-redis';
import { backend, namespace, proxyTo } from '@sessile/testkit';
import { describeOutages, opened, type Outage, READS, type Site, type Way } from '@sessile/testkit/outages';
import { Redis } from 'ioredis';
import { createClientPool } from 'redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SHAPES } from './fixtures/clients.js';
import { openStore } from './fixtures/open-store.js';
import { failure, open, own, prefix, raw, shape } from './servers.js';

const AWAY = /^ERR_STORE_(UNAVAILABLE|TIMEOUT)$/;

const OWN: Way = {
  title: 'a connection of its own',
  open: async (url, name, timeoutMs) => opened([openStore(url, name, timeoutMs), openStore(url, name, timeoutMs)]),
};

/** Two stores on one client of the caller's, as it is made without options: without a `socketTimeout` it never gives up a silent server. */
function on(title: keyof typeof SHAPES): Way {
  return {
    title,
    waitsForEver: true,
    neverDown: title === 'a node-redis pool',
    async open(url, name, timeoutMs) {
      const { client, end } = (await SHAPES[title].make([url] as never, [], {})) as any;
      const options = { client, prefix: `${name}:`, timeoutMs };
      return opened([new RedisStore(options), new RedisStore(options)], end);
    },
  };
}

/** Asks the server as its operator would: on a connection that this outage leaves alone. */
async function admin<R>({ server }: Site, work: (client: Redis) => Promise<R>): Promise<R> {
  const client = new Redis(server.url, { lazyConnect: true });
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

const configured = (site: Site, name: string, value: string | number) => admin(site, (client) => client.config('SET', name, value));

const OUTAGES: readonly Outage[] = [
  {
    title: 'has another password',
    codes: ['ERR_STORE_DENIED'],
    comesLater: true,
    async begin(site) {
      const client = new Redis(site.server.url);
      await client.config('SET', 'requirepass', 'another');
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      return async () => {
        await client.config('SET', 'requirepass', '');
        client.disconnect();
      };
    },
  },
  {
    title: 'takes no more clients',
    codes: ['ERR_STORE_UNAVAILABLE'],
    async begin(site) {
      const client = new Redis(site.server.url);
      await client.config('SET', 'maxclients', 1);
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      return async () => {
        await client.config('SET', 'maxclients', 10_000);
        client.disconnect();
      };
    },
  },
  {
    title: 'is full, and evicts nothing',
    codes: ['ERR_STORE_BACKEND'],
    works: [...READS, 'get and extend', 'touch', 'destroy'],
    async begin(site) {
      await configured(site, 'maxmemory-policy', 'noeviction');
      await configured(site, 'maxmemory', 1);
      return () => configured(site, 'maxmemory', 0);
    },
  },
  {
    title: 'is a replica, which may only be read',
    codes: ['ERR_STORE_UNAVAILABLE'],
    works: READS,
    async begin(site) {
      // Of a server that is not there: it keeps what it has.
      await admin(site, (client) => client.replicaof('127.0.0.1', 1));
      return () => admin(site, (client) => client.replicaof('NO', 'ONE'));
    },
  },
];

/** Pools of node-redis 5 leave a rejection of their own unhandled, where a connection that they begin by themselves comes to nothing. */
function isForeign(error: unknown): boolean {
  const { stack = '' } = error instanceof Error ? error : {};
  return /client[\\/](pool|index|socket)\.js/.test(stack) && !/store-redis/.test(stack);
}

await describeOutages({
  title: 'RedisStore',
  backend: 'redis',
  server: { args: ['--appendonly', 'yes', '--appendfsync', 'always'] },
  keeps: true,
  ways: [OWN, on('ioredis'), on('ioredis6'), on('node-redis'), on('a node-redis pool')],
  module: new URL('fixtures/open-store.js', import.meta.url),
  outages: OUTAGES,
  isForeign,
});

const redis = await backend('redis');

describe.skipIf(redis.skip !== undefined)('RedisStore in outages of its own kind', () => {
  it('a logout that failed by an outage is not undone by what was under way', async () => {
    const proxy = await proxyTo(redis.url!);
    onTestFinished(() => proxy.close());
    const name = prefix();
    const store = open({ url: proxy.url, prefix: name, timeoutMs: 400 });
    await store.set('s', { n: 1 });
    const loaded = await store.get('s');
    proxy.stall();
    const late = failure(store.set('s', Object.assign(loaded!, { n: 2 })));
    expect(await late).toMatchObject({ code: expect.stringMatching(AWAY) });
    proxy.drop();
    await proxy.restore();
    const loggedOut = () =>
      store.destroy('s').then(
        () => 'gone',
        () => 'not yet',
      );
    await expect.poll(loggedOut, { timeout: 10_000 }).toBe('gone');
    expect(await raw(redis.url!).exists(`${name}s`)).toBe(0);
    await store.ping();
    expect(await raw(redis.url!).exists(`${name}s`)).toBe(0);
  });

  it.each(['ioredis', 'ioredis6'] as const)('an update that %s sends again after a lost connection is not made twice', async (library) => {
    const proxy = await proxyTo(redis.url!);
    onTestFinished(() => proxy.close());
    const name = prefix();
    const store = open({ client: await shape(library, [proxy.url]), prefix: name });
    await store.set('s', { n: -1 });
    // So that the server knows the scripts.
    await store.update('s', (session) => void (session['n'] += 1));
    const updated = failure(
      store.update('s', (session) => {
        session['n'] += 1;
        // It has been read. What it answers from here on is lost.
        proxy.impair({ delayMs: 3_600_000 });
      }),
    );
    await expect.poll(() => raw(redis.url!).get(`${name}s`)).toBe('{"n":1}');
    proxy.drop();
    await proxy.restore();
    expect(await updated).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', retryable: true });
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('a wrong password from the start is ERR_STORE_DENIED, and not a matter of trying again', async () => {
    const { url } = await own('redis');
    await raw(url).config('SET', 'requirepass', 'right');
    for (const target of [url, url.replace('redis://', 'redis://default:wrong@')]) {
      const store = open({ url: target, timeoutMs: 1000 });
      for (let again = 0; again < 3; again += 1) {
        expect(await failure(store.get('s'))).toMatchObject({ code: 'ERR_STORE_DENIED', retryable: false });
      }
    }
    const store = open({ url: url.replace('redis://', 'redis://default:right@') });
    await store.set('s', { n: 1 });
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('a pool of which somebody else has every connection is an error in time, and works when one is free', async () => {
    const pool = createClientPool({ url: redis.url! }, { minimum: 1, maximum: 1, acquireTimeout: 60_000 });
    await pool.on('error', () => undefined).connect();
    onTestFinished(() => pool.destroy());
    const store = open({ client: pool, prefix: prefix(), timeoutMs: 300 });
    await store.set('s', { n: 1 });
    let release = (): void => undefined;
    const held = pool.execute(() => new Promise<void>((resolve) => (release = resolve)));
    expect(await failure(store.get('s'))).toMatchObject({ code: 'ERR_STORE_TIMEOUT', retryable: true });
    release();
    await held;
    await expect.poll(() => store.get('s').catch(String)).toEqual({ n: 1 });
  });

  it('a client whose connection somebody else blocks is an error in time, and works when it is free', async () => {
    const client = await shape('ioredis', [redis.url!]);
    const store = open({ client, prefix: prefix(), timeoutMs: 300 });
    await store.set('s', { n: 1 });
    const list = namespace();
    const blocked = client.blpop(list, 60);
    expect(await failure(store.get('s'))).toMatchObject({ code: 'ERR_STORE_TIMEOUT', retryable: true });
    await raw(redis.url!).rpush(list, 'free');
    await blocked;
    await expect.poll(() => store.get('s').catch(String)).toEqual({ n: 1 });
  });

  it('a client that was never connected says so', async () => {
    const { createClient, createCluster } = await import('redis');
    for (const client of [createClient({ url: redis.url! }), createCluster({ rootNodes: [{ url: redis.url! }] })]) {
      const store = open({ client: client as never });
      expect(await failure(store.get('s'))).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', message: expect.stringContaining('connected') });
    }
  });
});
