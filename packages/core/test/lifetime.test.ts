import { describe, expect, it } from 'vitest';
import { session, storedAt, TestDriver, TestStore } from './backend.js';

const DAY = 86_400_000;

async function storedLife(store: TestStore, data: object, ttlMs?: number | 'session' | null): Promise<number> {
  await store.set('s', data, ttlMs);
  return storedAt(store.driver, 's')?.leftMs ?? 0;
}

function about(leftMs: number, expectedMs: number): void {
  expect(leftMs).toBeGreaterThan(expectedMs - 2000);
  expect(leftMs).toBeLessThanOrEqual(expectedMs + 1);
}

describe('TTL: where a lifetime comes from', () => {
  const dated = () => session(5000_000);

  it('the explicit argument goes first', async () => about(await storedLife(new TestStore(), dated(), 30_000), 30_000));

  it.each([undefined, null, 'session'] as const)('%s as the explicit argument counts as none', async (ttl) => {
    about(await storedLife(new TestStore(), dated(), ttl), 5000_000);
  });

  it('then a ttlMs function, then the cookie, then _expire and _maxAge, then the ttlMs number, then one day', async () => {
    const byFunction = new TestStore(new TestDriver(), { ttlMs: (s) => (s['short'] === true ? 20_000 : null) });
    about(await storedLife(byFunction, { ...dated(), short: true }), 20_000);
    about(await storedLife(byFunction, dated()), 5000_000);
    const byNumber = new TestStore(new TestDriver(), { ttlMs: 40_000 });
    about(await storedLife(byNumber, { ...dated(), _expire: Date.now() + 1000 }), 5000_000);
    about(await storedLife(byNumber, { _expire: Date.now() + 70_000, _maxAge: 1 }), 70_000);
    about(await storedLife(byNumber, { _maxAge: 80_000 }), 80_000);
    about(await storedLife(byNumber, {}), 40_000);
    about(await storedLife(new TestStore(), {}), DAY);
  });

  it.each([
    ['a Date', () => ({ expires: new Date(Date.now() + 60_000) })],
    ['an ISO text', () => ({ expires: new Date(Date.now() + 60_000).toISOString() })],
    ['ms since the epoch', () => ({ expires: Date.now() + 60_000 })],
    ['maxAge', () => ({ maxAge: 60_000 })],
    ['maxage', () => ({ maxage: 60_000 })],
    ['originalMaxAge', () => ({ originalMaxAge: 60_000, expires: null })],
  ])('reads the cookie in every form: %s', async (_form, cookie) => {
    about(await storedLife(new TestStore(), { cookie: cookie() }), 60_000);
  });

  it('a browser session gets the default', async () => {
    about(await storedLife(new TestStore(), { cookie: { expires: null, originalMaxAge: null } }), DAY);
    about(await storedLife(new TestStore(), { cookie: { expires: false } }), DAY);
  });

  it.each([NaN, 'soon', new Date(), true])('refuses %s as a lifetime, and leaves what was stored', async (ttl) => {
    const store = new TestStore();
    await store.set('s', { n: 1 });
    await expect(store.set('s', { n: 2 }, ttl as number)).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('refuses an invalid date and a NaN in the session', async () => {
    const store = new TestStore();
    for (const cookie of [{ expires: new Date(NaN) }, { expires: 'never' }, { maxAge: NaN }]) {
      await expect(store.set('s', { cookie })).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
    }
    await expect(store.touch('s', {}, NaN)).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
  });

  it('Infinity and what lies past the last Date never end', async () => {
    const store = new TestStore();
    for (const ttl of [Infinity, 8.64e15, Number.MAX_VALUE]) {
      await store.set('s', {}, ttl);
      expect(store.driver.rows.live('s')!.expiresAt).toBe(Infinity);
    }
  });

  it.each([0, -1, -Infinity])('%s destroys', async (ttl) => {
    const store = new TestStore();
    await store.set('s', { n: 1 });
    await store.set('s', { n: 2 }, ttl);
    expect(await store.get('s')).toBeNull();
    expect(store.driver.rows.map.size).toBe(0);
  });

  it('a date that is past destroys', async () => {
    const store = new TestStore();
    await store.set('s', { n: 1 });
    await store.set('s', session(-1000));
    expect(await store.get('s')).toBeNull();
  });

  it('rounds up to what the driver can count in', async () => {
    const driver = new TestDriver(undefined, { resolutionMs: 1000 });
    const store = new TestStore(driver);
    const given: number[] = [];
    const write = driver.write.bind(driver);
    driver.write = (item) => {
      given.push(item.ttlMs);
      return write(item);
    };
    await store.set('a', {}, 1);
    await store.set('b', {}, 1000);
    await store.set('c', {}, 1001);
    expect(given).toEqual([1000, 1000, 2000]);
  });

  it('subtracts the time that a call spent queued', async () => {
    const store = new TestStore();
    store.driver.hold = (verb) => verb === 'read';
    const reading = store.get('s');
    await store.driver.holding(1);
    const saving = store.set('s', {}, 10_000);
    await new Promise((resolve) => setTimeout(resolve, 60));
    store.driver.releaseAll();
    await Promise.all([reading, saving]);
    expect(storedAt(store.driver, 's')!.leftMs).toBeLessThanOrEqual(9_945);
  });

  it('destroys what ran out while it was queued', async () => {
    const store = new TestStore();
    store.driver.hold = (verb) => verb === 'read';
    const reading = store.get('s');
    await store.driver.holding(1);
    const saving = store.set('s', {}, 20);
    await new Promise((resolve) => setTimeout(resolve, 40));
    store.driver.releaseAll();
    await Promise.all([reading, saving]);
    expect(store.driver.rows.map.size).toBe(0);
  });

  it("lifetimes run on the backend's clock", async () => {
    const store = new TestStore();
    store.driver.rows.skewMs = -3_600_000;
    await store.set('s', session(60_000, { n: 1 }));
    const loaded = (await store.get('s'))!;
    expect(loaded['n']).toBe(1);
    expect(new Date(loaded['cookie'].expires).getTime()).toBeGreaterThan(Date.now() + 50_000);
  });
});

describe('TCH: touch', () => {
  it('reports the extended date after a touch, and writes no data', async () => {
    const store = new TestStore();
    await store.set('s', session(1000));
    store.commands();
    await store.touch('s', session(500_000, { ignored: true }));
    expect(store.commands()).toEqual(['extend s']);
    const loaded = (await store.get('s'))!;
    expect(new Date(loaded['cookie'].expires).getTime()).toBeGreaterThan(Date.now() + 490_000);
    expect(loaded).not.toHaveProperty('ignored');
  });

  it('an explicit save by a session that lives on touches does not shorten its life', async () => {
    const store = new TestStore();
    await store.set('s', session(1000));
    await store.touch('s', session(500_000));
    const loaded = (await store.get('s'))!;
    loaded['n'] = 1;
    await store.set('s', loaded);
    expect(storedAt(store.driver, 's')!.leftMs).toBeGreaterThan(490_000);
  });

  it('a date that is null or absent stays so: one made up would shrink at each request of koa-generic-session', async () => {
    const store = new TestStore();
    await store.set('a', { cookie: { maxAge: 60_000 } });
    await store.set('b', { cookie: { expires: null, originalMaxAge: null } });
    await store.touch('a', undefined, 500_000);
    expect(await store.get('a')).toEqual({ cookie: { maxAge: 60_000 } });
    expect(await store.get('b')).toEqual({ cookie: { expires: null, originalMaxAge: null } });
  });

  it('_expire is reported as it was written', async () => {
    const store = new TestStore();
    const _expire = Date.now() + 1000;
    await store.set('s', { _expire, _maxAge: 1000 }, 11_000);
    await store.touch('s', undefined, 500_000);
    expect((await store.get('s'))!['_expire']).toBe(_expire);
  });

  it('express-session: a session that was not changed is extended, not written, also by resave: true', async () => {
    const store = new TestStore();
    await store.set('s', { b: 1, cookie: session(60_000)['cookie'], a: 2 });
    const request: any = { sessionID: 's', sessionStore: store };
    await store.touch('s', undefined, 90_000);
    const loaded = store.createSession(request, await store.get('s'));
    expect(Object.keys(loaded)).toEqual(['b', 'cookie', 'a']);
    const saved = async () => {
      store.commands();
      await new Promise((resolve) => loaded.save(resolve));
      return store.commands();
    };
    // The first save brings the cookie into the form of express-session's own.
    await saved();
    loaded.touch();
    expect(await saved()).toEqual(['extend s']);
    loaded.a = 3;
    expect(await saved()).toEqual(['replace s']);
  });

  it('creates nothing, and brings nothing expired back', async () => {
    const store = new TestStore();
    expect(await store.touch('none', session())).toBe(false);
    await store.set('s', {}, 30);
    await expect.poll(() => store.get('s')).toBeNull();
    expect(await store.touch('s', session())).toBe(false);
    expect(await store.get('s')).toBeNull();
  });

  it('without a session and without a lifetime it gives the default', async () => {
    const store = new TestStore();
    await store.set('s', {}, 1000);
    expect(await store.touch('s')).toBe(true);
    about(storedAt(store.driver, 's')!.leftMs, DAY);
  });

  it('without a tie, or with an explicit lifetime, it sets what it says: shorter, or past', async () => {
    const store = new TestStore();
    await store.set('s', session(500_000));
    await store.touch('s', session(1000));
    about(storedAt(store.driver, 's')!.leftMs, 1000);
    const loaded = (await store.get('s'))!;
    await store.touch('s', loaded, 700);
    expect(storedAt(store.driver, 's')!.leftMs).toBeLessThanOrEqual(700);
    expect(await store.touch('s', loaded, 0)).toBe(true);
    expect(await store.get('s')).toBeNull();
  });

  it('a slow request that loaded earlier cannot shorten "remember me"', async () => {
    const store = new TestStore();
    await store.set('s', session(60_000));
    const slow = (await store.get('s'))!;
    const login = (await store.get('s'))!;
    login['cookie'] = { ...login['cookie'], originalMaxAge: 30 * DAY, expires: new Date(Date.now() + 30 * DAY).toISOString() };
    await store.set('s', login);
    slow['cookie'].expires = new Date(Date.now() + 60_000).toISOString();
    await store.touch('s', slow);
    about(storedAt(store.driver, 's')!.leftMs, 30 * DAY);
    slow['n'] = 1;
    await store.set('s', slow);
    about(storedAt(store.driver, 's')!.leftMs, 30 * DAY);
    expect((await store.get('s'))!['cookie'].originalMaxAge).toBe(30 * DAY);
  });

  it('a touch whose cookie changed beyond its date saves the cookie, and nothing else', async () => {
    const store = new TestStore();
    await store.set('s', session(60_000, { n: 1 }));
    const loaded = (await store.get('s'))!;
    loaded['cookie'] = { ...loaded['cookie'], originalMaxAge: 30 * DAY, expires: new Date(Date.now() + 30 * DAY).toISOString() };
    loaded['unsaved'] = 1;
    expect(await store.touch('s', loaded)).toBe(true);
    const after = (await store.get('s'))!;
    expect(after['cookie'].originalMaxAge).toBe(30 * DAY);
    expect(after).not.toHaveProperty('unsaved');
    about(storedAt(store.driver, 's')!.leftMs, 30 * DAY);
  });

  it('such a touch of a destroyed session says false, and brings nothing back', async () => {
    const store = new TestStore();
    await store.set('s', session(60_000));
    const loaded = (await store.get('s'))!;
    await store.destroy('s');
    loaded['cookie'].originalMaxAge = DAY;
    expect(await store.touch('s', loaded)).toBe(false);
    expect(await store.get('s')).toBeNull();
  });

  it('a few milliseconds off originalMaxAge are no change', async () => {
    const store = new TestStore();
    await store.set('s', session(60_000));
    const loaded = (await store.get('s'))!;
    store.commands();
    loaded['cookie'] = { ...loaded['cookie'], originalMaxAge: 59_998, expires: new Date(Date.now() + 59_998).toISOString() };
    await store.touch('s', loaded);
    expect(store.commands()).toEqual(['extend s']);
  });

  it('touchAfterMs skips a touch that would lengthen by less, and counts as half the lifetime at most', async () => {
    const store = new TestStore(new TestDriver(), { touchAfterMs: 10_000 });
    await store.set('s', session(60_000));
    const loaded = (await store.get('s'))!;
    store.commands();
    loaded['cookie'].expires = new Date(Date.now() + 65_000).toISOString();
    expect(await store.touch('s', loaded)).toBe(true);
    expect(store.commands()).toEqual([]);
    loaded['cookie'].expires = new Date(Date.now() + 75_000).toISOString();
    await store.touch('s', loaded);
    expect(store.commands()).toEqual(['extend s']);

    await store.set('short', session(4000));
    const short = (await store.get('short'))!;
    store.commands();
    short['cookie'].expires = new Date(Date.now() + 9000).toISOString();
    await store.touch('short', short);
    expect(store.commands()).toEqual(['extend short']);
  });

  it('get with extendMs lengthens and reads, and never shortens', async () => {
    const store = new TestStore();
    await store.set('s', session(60_000, { n: 1 }));
    const loaded = (await store.get('s', { extendMs: 500_000 }))!;
    expect(new Date(loaded['cookie'].expires).getTime()).toBeGreaterThan(Date.now() + 490_000);
    await store.get('s', { extendMs: 1000 });
    about(storedAt(store.driver, 's')!.leftMs, 500_000);
    expect(await store.get('none', { extendMs: 1000 })).toBeNull();
    await expect(store.get('s', { extendMs: 0 })).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
  });
});

describe('TTL: a save of a loaded session', () => {
  it('whose date the app did not change keeps the end', async () => {
    const store = new TestStore();
    await store.set('s', session(60_000));
    const loaded = (await store.get('s'))!;
    await store.touch('s', undefined, 500_000);
    loaded['n'] = 1;
    await store.set('s', loaded);
    about(storedAt(store.driver, 's')!.leftMs, 500_000);
  });

  it('without a date gets the default again, and no less than it had', async () => {
    const store = new TestStore(new TestDriver(), { ttlMs: 100_000 });
    await store.set('s', { n: 0 });
    const loaded = (await store.get('s'))!;
    store.driver.rows.map.get('s')!.expiresAt = Date.now() + 5000;
    loaded['n'] = 1;
    await store.set('s', loaded);
    about(storedAt(store.driver, 's')!.leftMs, 100_000);
    store.driver.rows.map.get('s')!.expiresAt = Date.now() + 900_000;
    loaded['n'] = 2;
    await store.set('s', loaded);
    about(storedAt(store.driver, 's')!.leftMs, 900_000);
  });

  it('is not destroyed by a date that passed while the session was kept alive', async () => {
    const store = new TestStore();
    await store.set('s', session(30));
    const loaded = (await store.get('s'))!;
    await store.touch('s', undefined, 60_000);
    await new Promise((resolve) => setTimeout(resolve, 40));
    loaded['n'] = 1;
    await store.set('s', loaded);
    expect((await store.get('s'))!['n']).toBe(1);
  });

  it('whose cookie the app changed gets the end that it says, nearer or past', async () => {
    const store = new TestStore();
    await store.set('s', session(500_000));
    const loaded = (await store.get('s'))!;
    loaded['cookie'] = session(7000)['cookie'];
    await store.set('s', loaded);
    about(storedAt(store.driver, 's')!.leftMs, 7000);
    loaded['cookie'] = session(-1)['cookie'];
    await store.set('s', loaded);
    expect(await store.get('s')).toBeNull();
  });

  it('whose date the app moved nearer by hand gets it', async () => {
    const store = new TestStore();
    await store.set('s', session(500_000));
    const loaded = (await store.get('s'))!;
    loaded['cookie'].expires = new Date(Date.now() + 7000).toISOString();
    await store.set('s', loaded);
    about(storedAt(store.driver, 's')!.leftMs, 7000);
  });

  it('with an explicit lifetime gets it where it is nearer than what was loaded, else is lengthened alone', async () => {
    const store = new TestStore();
    await store.set('s', { n: 0 }, 500_000);
    const slow = (await store.get('s'))!;
    const other = (await store.get('s'))!;
    other['n'] = 1;
    await store.set('s', other, 900_000);
    slow['m'] = 1;
    await store.set('s', slow, 500_000);
    about(storedAt(store.driver, 's')!.leftMs, 900_000);
    const again = (await store.get('s'))!;
    await store.set('s', again, 3000);
    about(storedAt(store.driver, 's')!.leftMs, 3000);
  });

  it('koa-session: a rolling save of the same data writes its _expire', async () => {
    const store = new TestStore();
    const ctx = {};
    await store.set('s', { n: 1, _expire: Date.now() + 1000, _maxAge: 1000 }, 11_000);
    const loaded = (await store.get('s', 1000, { ctx, rolling: true }))!;
    const _expire = Date.now() + 60_000;
    await store.set('s', { ...loaded, _expire }, 70_000, { ctx, rolling: true, changed: false });
    expect((await store.get('s'))!['_expire']).toBe(_expire);
    about(storedAt(store.driver, 's')!.leftMs, 70_000);
  });
});

describe('keeping a fetched session alive', () => {
  it.each([
    ['a number', 10_000],
    ['a function', () => 10_000],
  ])('for a lifetime that is told, in place of its own and of the ttlMs option, %s; it only ever lengthens', async (_, ttlMs) => {
    const store = new TestStore(new TestDriver(), { ttlMs });
    await store.set('s', { a: 1, _expire: Date.now() + 20_000, _maxAge: 20_000 }, 20_000);
    const fetched = await store.fetch('s');
    expect(await fetched?.keepAlive(60_000)).toBe(true);
    about(storedAt(store.driver, 's')?.leftMs ?? 0, 60_000);
    expect(await fetched?.keepAlive(5_000)).toBe(true);
    about(storedAt(store.driver, 's')?.leftMs ?? 0, 60_000);
    await store.destroy('s');
    expect(await fetched?.keepAlive(60_000)).toBe(false);
    expect(await store.get('s')).toBeNull();
  });
});
