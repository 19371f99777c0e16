import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { backend, proxyTo } from '@sessile/testkit';
import type { RedisStore } from '@sessile/store-redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { failure, open, own, prefix, raw, shape } from './servers.js';

const redis = await backend('redis');

const AWAY = /^ERR_STORE_(UNAVAILABLE|TIMEOUT)$/;

/**
 * Every process-wide stray is a failure of the test that made it. Pools of node-redis 5 leave a rejection of their own unhandled,
 * where a connection that they begin by themselves comes to nothing (`#create()` in its client/pool.js): those are not ours.
 */
function watchStrays(): unknown[] {
  const strays: unknown[] = [];
  const keep = (error: unknown) => {
    if (!(error instanceof Error && /client[\\/](pool|index|socket)\.js/.test(error.stack ?? '') && !/store-redis/.test(error.stack ?? '')))
      strays.push(error);
  };
  process.on('unhandledRejection', keep);
  process.on('uncaughtException', keep);
  onTestFinished(() => {
    process.off('unhandledRejection', keep);
    process.off('uncaughtException', keep);
  });
  return strays;
}

/** Works again by itself: nobody but the store does anything. */
async function recovers(store: RedisStore): Promise<void> {
  const works = async () =>
    store.set('again', { n: 1 }).then(
      () => true,
      () => false,
    );
  await expect.poll(works, { timeout: 10_000, interval: 50 }).toBe(true);
  expect(await store.get('again')).toEqual({ n: 1 });
  expect(store.status).toBe('up');
}

const WAYS = ['a connection of its own', 'ioredis', 'ioredis6', 'node-redis', 'a node-redis pool'] as const;

async function storeOn(way: (typeof WAYS)[number], url: string): Promise<RedisStore> {
  if (way === 'a connection of its own') return open({ url, timeoutMs: 1000 });
  return open({ client: await shape(way, [url]), timeoutMs: 1000 });
}

describe.skipIf(redis.skip !== undefined)('RedisStore: outages', () => {
  it.each(WAYS)('killed and started again: errors in time, then it works again, on %s', async (way) => {
    const strays = watchStrays();
    const server = await own('redis');
    const store = await storeOn(way, server.url);
    await store.set('s', { n: 1 });
    await server.kill();
    const started = performance.now();
    const calls = await Promise.allSettled([
      store.get('s'),
      store.set('t', {}),
      store.touch('s'),
      store.destroy('s'),
      store.length(),
      store.ping(),
    ]);
    expect(performance.now() - started).toBeLessThan(2500);
    for (const call of calls)
      expect(call).toMatchObject({ reason: { code: expect.stringMatching(AWAY), retryable: true, store: 'redis' } });
    await server.start();
    await recovers(store);
    expect(strays).toEqual([]);
  });

  it.each(WAYS)('frozen: errors within timeoutMs, and it works again when it thaws, on %s', async (way) => {
    const strays = watchStrays();
    const server = await own('redis');
    const store = await storeOn(way, server.url);
    await store.set('s', { n: 1 });
    await server.freeze();
    const started = performance.now();
    const calls = await Promise.allSettled([store.get('s'), store.set('t', {}), store.touch('s')]);
    expect(performance.now() - started).toBeLessThan(2500);
    for (const call of calls) expect(call).toMatchObject({ reason: { code: expect.stringMatching(AWAY) } });
    await server.thaw();
    await recovers(store);
    expect(await store.get('s')).toEqual({ n: 1 });
    expect(strays).toEqual([]);
  });

  it.each(WAYS.slice(0, 4))('tells of going and coming, and refuses at once in between, on %s', async (way) => {
    const server = await own('redis');
    const store = await storeOn(way, server.url);
    await store.set('s', { n: 1 });
    const [down, up] = [once(store, 'down'), once(store, 'up')];
    await server.kill();
    await down;
    expect(store.status).toBe('down');
    const started = performance.now();
    expect(await failure(store.get('s'))).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', retryable: true });
    expect(await failure(store.ping())).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect(performance.now() - started).toBeLessThan(200);
    await server.start();
    await up;
    await store.ping();
    expect(await store.get('s')).toBeNull();
  });

  it('a server that is away at the first call is no reason to give up', async () => {
    const strays = watchStrays();
    const server = await own('redis');
    await server.kill();
    const store = open({ url: server.url, timeoutMs: 1000 });
    expect(await failure(store.get('s'))).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    await server.start();
    await recovers(store);
    expect(strays).toEqual([]);
  });

  it('killed in the middle of a batch: every call ends, and what succeeded is what was asked', async () => {
    const strays = watchStrays();
    const server = await own('redis');
    const store = await storeOn('a connection of its own', server.url);
    const sids = Array.from({ length: 64 }, (_, n) => `s${n}`);
    await Promise.all(sids.map((sid) => store.set(sid, { n: 0 })));
    let ended = 0;
    const loops = sids.map(async (sid) => {
      for (let n = 1; ; n += 1) {
        try {
          await store.set(sid, { n });
        } catch (error) {
          ended += 1;
          return error;
        }
      }
    });
    await expect.poll(() => store.get('s0').then((session) => session?.['n'] as number)).toBeGreaterThan(20);
    await server.kill();
    for (const error of await Promise.all(loops)) expect(error).toMatchObject({ code: expect.stringMatching(AWAY) });
    expect(ended).toBe(64);
    await server.start();
    await recovers(store);
    expect(strays).toEqual([]);
  });

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
    await expect
      .poll(
        () =>
          store.destroy('s').then(
            () => 'gone',
            () => 'not yet',
          ),
        { timeout: 10_000 },
      )
      .toBe('gone');
    expect(await raw(redis.url!).exists(`${name}s`)).toBe(0);
    await store.ping();
    expect(await raw(redis.url!).exists(`${name}s`)).toBe(0);
  });

  it('a client that was never connected says so', async () => {
    const { createClient, createCluster } = await import('redis');
    for (const client of [createClient({ url: redis.url! }), createCluster({ rootNodes: [{ url: redis.url! }] })]) {
      const store = open({ client: client as never });
      expect(await failure(store.get('s'))).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', message: expect.stringContaining('connected') });
    }
  });

  it('a closed store lets the process end, also while the server is frozen', async () => {
    const server = await own('redis');
    const script = `
      import { RedisStore } from '@sessile/store-redis';
      const store = new RedisStore({ url: '${server.url}', timeoutMs: 500 });
      await store.set('s', {});
      process.send?.('set');
      process.stdout.write('set');
      await store.close();
      await store.get('s').catch((error) => process.stdout.write(' ' + error.code));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname, timeout: 10_000 });
    expect(String(output)).toBe('set ERR_STORE_CLOSED');
  });

  it('closing while the server is frozen ends within timeoutMs', async () => {
    const server = await own('redis');
    const store = open({ url: server.url, timeoutMs: 500 });
    await store.set('s', {});
    await server.freeze();
    const get = failure(store.get('s'));
    const started = performance.now();
    await store.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_STORE_TIMEOUT' }));
    expect(performance.now() - started).toBeLessThan(1500);
    expect(await get).toMatchObject({ code: expect.stringMatching(/TIMEOUT|UNAVAILABLE|CLOSED/) });
  });
});
