import { backend, proxyTo } from '@sessile/testkit';
import type { RedisStore } from '@sessile/store-redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { open, own, prefix, raw, shape } from './servers.js';

const redis = await backend('redis');
const url = redis.url ?? '';
const SIDS = Array.from({ length: 64 }, (_, n) => `s${String(n).padStart(2, '0')}`);

/** How often each command was called. */
async function calls(at: string): Promise<Record<string, number>> {
  const stats = await raw(at).info('commandstats');
  return Object.fromEntries(Array.from(stats.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g), ([, name, count]) => [name, Number(count)]));
}

async function called(at: string, work: () => Promise<unknown>): Promise<Record<string, number>> {
  await raw(at).config('RESETSTAT');
  await work();
  return calls(at);
}

const WAYS = ['a connection of its own', 'node-redis'] as const;

async function storeOn(way: (typeof WAYS)[number], at: string, timeoutMs = 5000): Promise<RedisStore> {
  return open(
    way === 'node-redis' ? { client: await shape(way, [at]), prefix: prefix(), timeoutMs } : { url: at, prefix: prefix(), timeoutMs },
  );
}

describe.skipIf(redis.skip !== undefined)('RedisStore: coalescing', () => {
  it.each(WAYS)('64 calls at once are a few commands, on %s', async (way) => {
    const server = await own('redis');
    const store = await storeOn(way, server.url);
    await store.ping();
    await Promise.all(SIDS.map((sid) => store.set(sid, { sid })));
    let loaded: (Record<string, unknown> | null)[] = [];
    const reads = await called(server.url, async () => {
      loaded = await Promise.all(SIDS.map((sid) => store.get(sid)));
    });
    expect(loaded).toEqual(SIDS.map((sid) => ({ sid })));
    // Two by themselves, and 62 in batches of 32; each a second time where the server did not know the script.
    expect(reads['evalsha']! + (reads['eval'] ?? 0)).toBeLessThanOrEqual(8);
    const saves = await called(server.url, () => Promise.all(SIDS.map((sid, n) => store.set(sid, Object.assign(loaded[n]!, { n })))));
    expect(saves['evalsha']! + (saves['eval'] ?? 0)).toBeLessThanOrEqual(8);
    expect(saves['set']).toBe(64);
    const alone = await called(server.url, () => store.get('s01'));
    expect(alone).toMatchObject({ evalsha: 1, get: 1 });
  });

  it('coalesce: false sends each call by itself', async () => {
    const server = await own('redis');
    const store = open({ url: server.url, coalesce: false });
    await store.get('s');
    const reads = await called(server.url, () => Promise.all(SIDS.map((sid) => store.get(sid))));
    expect(reads['evalsha']).toBe(64);
  });

  it('gets of one sid that wait share a read, and have a copy each', async () => {
    const server = await own('redis');
    const store = await storeOn('a connection of its own', server.url);
    await store.set('s', { n: 1 });
    let loaded: (Record<string, unknown> | null)[] = [];
    const reads = await called(server.url, async () => {
      loaded = await Promise.all(Array.from({ length: 50 }, () => store.get('s')));
    });
    expect(reads['get']).toBeLessThanOrEqual(2);
    expect(new Set(loaded).size).toBe(50);
  });

  it.each(WAYS)('calls of one sid take effect in their order under load, on %s', async (way) => {
    const store = await storeOn(way, url);
    const rounds = 20;
    await Promise.all(
      SIDS.map(async (sid) => {
        const seen: unknown[] = [];
        const all: Promise<unknown>[] = [];
        for (let n = 0; n < rounds; n += 1) {
          all.push(store.set(sid, { n }));
          all.push(store.get(sid).then((session) => seen.push(session?.['n'] ?? null)));
          if (n % 5 === 4) {
            all.push(store.destroy(sid));
            all.push(store.get(sid).then((session) => seen.push(session?.['n'] ?? null)));
          }
        }
        await Promise.all(all);
        const expected = Array.from({ length: rounds }, (_, n) => (n % 5 === 4 ? [n, null] : [n])).flat();
        expect(seen).toEqual(expected);
      }),
    );
    expect(await store.length()).toBe(0);
  });

  it('a conflict or a lost session in a batch settles that call alone', async () => {
    const name = prefix();
    const [ours, theirs] = [open({ url, prefix: name, conflicts: 'reject' }), open({ url, prefix: name })];
    await Promise.all(SIDS.map((sid) => ours.set(sid, { sid })));
    const loaded = await Promise.all(SIDS.map((sid) => ours.get(sid)));
    const drops: string[] = [];
    ours.on('drop', ({ id }: { id: string }) => drops.push(id));
    await theirs.set('s20', { sid: 's20', theirs: true });
    await theirs.destroy('s30');
    const saves = await Promise.allSettled(SIDS.map((sid, n) => ours.set(sid, Object.assign(loaded[n]!, { n }))));
    const failed = saves.flatMap(({ status }, n) => (status === 'rejected' ? [SIDS[n]] : []));
    expect(failed).toEqual(['s20']);
    expect(saves[20]).toMatchObject({ reason: { code: 'ERR_STORE_CONFLICT' } });
    expect(drops).toEqual(['s30']);
    const now = await Promise.all(SIDS.map((sid) => ours.get(sid)));
    expect(now).toEqual(SIDS.map((sid, n) => (n === 20 ? { sid, theirs: true } : n === 30 ? null : { sid, n })));
    await ours.clear();
  });

  it('each call keeps its own time: a batch that gets no answer fails each in its time', async () => {
    const proxy = await proxyTo(url);
    onTestFinished(() => proxy.close());
    const store = open({ url: proxy.url, prefix: prefix(), timeoutMs: 500 });
    await Promise.all(SIDS.map((sid) => store.set(sid, { sid })));
    proxy.stall();
    const started = performance.now();
    const times = await Promise.all(
      SIDS.map(async (sid, n) => {
        await new Promise((resolve) => setTimeout(resolve, n * 3));
        const asked = performance.now();
        const error = await store.get(sid).catch((error: unknown) => error);
        expect(error).toMatchObject({ code: expect.stringMatching(/TIMEOUT|UNAVAILABLE/) });
        return performance.now() - asked;
      }),
    );
    for (const took of times) expect(took).toBeLessThan(900);
    expect(performance.now() - started).toBeLessThan(2000);
    await proxy.restore();
    await expect.poll(() => store.get('s01').catch(() => 'not yet'), { timeout: 10_000 }).toEqual({ sid: 's01' });
  });

  it('two processes whose batches overlap lose nothing: every update counts', async () => {
    const name = prefix();
    const stores = [
      open({ url, prefix: name, timeoutMs: 20_000 }),
      open({ client: await shape('node-redis', [url]), prefix: name, timeoutMs: 20_000 }),
      open({ client: await shape('ioredis6', [url]), prefix: name, timeoutMs: 20_000 }),
    ];
    const sids = SIDS.slice(0, 8);
    await Promise.all(sids.map((sid) => stores[0]!.set(sid, { n: 0 })));
    const add = (session: Record<string, number>) => void (session['n']! += 1);
    await Promise.all(stores.flatMap((store) => sids.flatMap((sid) => Array.from({ length: 10 }, () => store.update(sid, add)))));
    expect(await Promise.all(sids.map((sid) => stores[1]!.get(sid)))).toEqual(sids.map(() => ({ n: 30 })));
    await Promise.all(
      stores.flatMap((store, who) =>
        sids.map(async (sid) => {
          const loaded = await store.get(sid);
          await store.set(sid, Object.assign(loaded!, { [`by${who}`]: true }));
        }),
      ),
    );
    expect(await Promise.all(sids.map((sid) => stores[2]!.get(sid)))).toEqual(sids.map(() => ({ n: 30, by0: true, by1: true, by2: true })));
    await stores[0]!.clear();
  });
});
