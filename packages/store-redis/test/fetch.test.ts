import { backend } from '@sessile/testkit';
import { describe, expect, it } from 'vitest';
import { open, prefix, shape } from './servers.js';

const one = await backend('redis');
const many = await backend('redis-cluster');
const HOUR_MS = 3_600_000;
const SIDS = Array.from({ length: 40 }, (_, n) => `s${n}`);

/** A session as express-session stores it. */
const session = (originalMaxAge: number | null) => ({ cookie: { originalMaxAge, expires: null, path: '/' }, n: 1 });

/** What a page of a middleware asks for: the sessions of many users, half of which chose "remember me". */
async function fetched(store: ReturnType<typeof open>, lives: (n: number) => number | null, maxAgeMs: number | null) {
  await Promise.all(SIDS.map((sid, n) => store.set(sid, session(lives(n)), 60_000)));
  const found = await Promise.all(SIDS.map(async (sid) => store.fetch(sid, maxAgeMs)));
  const lefts = await Promise.all(SIDS.map(async (sid) => (await store.fetch(sid))?.ttlMs));
  return { found, lefts };
}

const isLong = (ms: number | undefined) => ms !== undefined && ms > 60_000;

describe.skipIf(one.skip !== undefined || many.skip !== undefined)('RedisStore.fetch', () => {
  const ways = ['ioredis', 'node-redis', 'an ioredis Cluster'] as const;

  it.each(ways)('a session of the lifetime that it is told lives on, others stay as they are, on %s', async (way) => {
    const urls = way === 'an ioredis Cluster' ? (many.urls ?? []) : [one.url ?? ''];
    const store = open({ client: await shape(way, urls), prefix: prefix() });
    const { found, lefts } = await fetched(store, (n) => (n % 2 === 0 ? HOUR_MS : 2 * HOUR_MS), HOUR_MS);
    expect(found.map((one) => isLong(one?.ttlMs))).toEqual(SIDS.map((_, n) => n % 2 === 0));
    expect(found.map((one) => one?.kept)).toEqual(SIDS.map((_, n) => n % 2 === 0));
    expect(lefts.map(isLong)).toEqual(SIDS.map((_, n) => n % 2 === 0));
    expect(found.every((one) => one?.open()?.['n'] === 1)).toBe(true);
    expect(await store.fetch('nobody', HOUR_MS)).toBeNull();
  });

  it('one that ends with the browser gets the default lifetime, and says its touch', async () => {
    const store = open({ url: one.url ?? '', prefix: prefix(), ttlMs: HOUR_MS });
    const touched: string[] = [];
    await store.set('s', session(null), 60_000);
    store.on('touch', (id: string) => touched.push(id));
    expect(await store.fetch('s', null)).toMatchObject({ ttlMs: HOUR_MS, kept: true });
    expect(touched).toEqual(['s']);
  });

  it('get with extendMs lengthens whatever the text, many by two commands', async () => {
    const store = open({ url: one.url ?? '', prefix: prefix() });
    await Promise.all(SIDS.map((sid) => store.set(sid, { sid }, 60_000)));
    expect(await Promise.all(SIDS.map((sid) => store.get(sid, { extendMs: HOUR_MS })))).toEqual(SIDS.map((sid) => ({ sid })));
    expect((await Promise.all(SIDS.map(async (sid) => (await store.fetch(sid))?.ttlMs))).every(isLong)).toBe(true);
  });

  it('nothing becomes shorter', async () => {
    const store = open({ url: one.url ?? '', prefix: prefix() });
    await store.set('s', session(60_000), HOUR_MS);
    expect(isLong((await store.fetch('s', 60_000))?.ttlMs)).toBe(true);
  });

  it('with touchAfterMs, encrypt, or a ttlMs that is a function, a load is no touch', async () => {
    for (const option of [{ touchAfterMs: 1000 }, { encrypt: { keys: ['k'.repeat(32)] } }, { ttlMs: () => 60_000 }]) {
      const store = open({ url: one.url ?? '', prefix: prefix(), ...option });
      await store.set('s', session(HOUR_MS), 60_000);
      expect(await store.fetch('s', HOUR_MS)).toMatchObject({ kept: false, ttlMs: expect.toSatisfy((ms) => !isLong(ms)) });
    }
  });
});
