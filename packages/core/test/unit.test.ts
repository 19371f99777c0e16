import type { Extend, Replace } from '@sessile/core/driver';
import { describe, expect, it } from 'vitest';
import { Rows, session, storedAt, TestDriver, TestStore } from './backend.js';

const DAY = 86_400_000;

async function twoProcesses(data: object, options = {}) {
  const rows = new Rows();
  const here = new TestStore(new TestDriver(rows), options);
  const there = new TestStore(new TestDriver(rows), options);
  await here.set('s', data);
  return { here, there, mine: (await here.get('s'))!, theirs: (await there.get('s'))! };
}

const cookie = (lifeMs: number, more = {}) => ({ ...session(lifeMs)['cookie'], ...more });
const left = (store: TestStore) => storedAt(store.driver, 's')!.leftMs;

describe('CON: the cookie, _expire and _maxAge merge as one value', () => {
  it('if only the date moved, the later one stands, whoever saves last', async () => {
    for (const [first, second] of [
      [70_000, 90_000],
      [90_000, 70_000],
    ] as const) {
      const { here, there, mine, theirs } = await twoProcesses(session(60_000));
      theirs['cookie'].expires = new Date(Date.now() + first).toISOString();
      theirs['theirs'] = 1;
      await there.set('s', theirs);
      mine['cookie'].expires = new Date(Date.now() + second).toISOString();
      mine['mine'] = 1;
      await here.set('s', mine);
      const merged = (await here.get('s'))!;
      expect(merged).toMatchObject({ theirs: 1, mine: 1 });
      expect(left(here)).toBeGreaterThan(85_000);
      expect(Date.parse(merged['cookie'].expires)).toBeGreaterThan(Date.now() + 85_000);
    }
  });

  it('if anything else in it changed, it is taken whole and sets the lifetime', async () => {
    const { here, there, mine, theirs } = await twoProcesses(session(60_000));
    theirs['cookie'] = cookie(30 * DAY);
    await there.set('s', theirs);
    mine['cookie'] = cookie(5000, { sameSite: 'lax' });
    await here.set('s', mine);
    expect((await here.get('s'))!['cookie']).toMatchObject({ originalMaxAge: 5000, sameSite: 'lax' });
    expect(left(here)).toBeLessThanOrEqual(5000);
  });

  it('a cookie that this request did not change leaves the one that another changed', async () => {
    const { here, there, mine, theirs } = await twoProcesses(session(60_000));
    theirs['cookie'] = cookie(30 * DAY, { sameSite: 'strict' });
    await there.set('s', theirs);
    mine['mine'] = 1;
    await here.set('s', mine);
    expect((await here.get('s'))!['cookie']).toMatchObject({ originalMaxAge: 30 * DAY, sameSite: 'strict' });
    expect(left(here)).toBeGreaterThan(29 * DAY);
  });

  it('koa-session: the later _expire stands beside the _maxAge that another request set', async () => {
    const { here, there, mine, theirs } = await twoProcesses({ _expire: Date.now() + 60_000, _maxAge: 60_000 });
    const remember = { _expire: Date.now() + 30 * DAY, _maxAge: 30 * DAY };
    await there.set('s', Object.assign(theirs, remember));
    await here.set('s', Object.assign(mine, { _expire: Date.now() + 61_000, mine: 1 }));
    expect(await here.get('s')).toEqual({ ...remember, mine: 1 });
    expect(left(here)).toBeGreaterThan(29 * DAY);
  });

  it('a browser session that becomes a dated one, and back, is a change of the cookie', async () => {
    const { here, mine } = await twoProcesses({ cookie: { expires: null, originalMaxAge: null } });
    mine['cookie'] = cookie(5000);
    await here.set('s', mine);
    expect(left(here)).toBeLessThanOrEqual(5000);
    mine['cookie'] = { expires: null, originalMaxAge: null };
    await here.set('s', mine);
    expect(left(here)).toBeGreaterThan(DAY - 5000);
  });
});

describe('CON: leaves', () => {
  it('class instances that a serializer brings back are leaves, compared deeply', async () => {
    const serializer = {
      stringify: (value: object) => JSON.stringify(value, (_key, item: unknown) => (item instanceof Set ? { set: [...item] } : item)),
      parse: (text: string) =>
        JSON.parse(text, (_key, item: { set?: unknown[] } | null) => (item?.set === undefined ? item : new Set(item.set))) as Record<
          string,
          unknown
        >,
    };
    const { here, there, mine, theirs } = await twoProcesses({ tags: new Set(['a']), other: new Set(['x']) }, { serializer });
    theirs['tags'] = new Set(['a', 'b']);
    await there.set('s', theirs);
    mine['tags'] = new Set(['a']);
    mine['other'] = new Set(['x', 'y']);
    await here.set('s', mine);
    expect(await here.get('s')).toEqual({ tags: new Set(['a', 'b']), other: new Set(['x', 'y']) });
  });

  it('an object in another order of keys is no change', async () => {
    const { here, there, mine, theirs } = await twoProcesses({ o: { a: 1, b: 2 } });
    theirs['o'] = { a: 1, b: 3 };
    await there.set('s', theirs);
    mine['o'] = { b: 2, a: 1 };
    mine['mine'] = 1;
    await here.set('s', mine);
    expect(await here.get('s')).toEqual({ o: { a: 1, b: 3 }, mine: 1 });
  });
});

describe('a backend that does not tell what is left', () => {
  /** As memcached: no remaining lifetime, and a compare-and-set always sets one. */
  class BlindDriver extends TestDriver {
    constructor() {
      super(new Rows(), { keepsTtl: false });
    }

    protected override stored(key: string) {
      const stored = super.stored(key);
      return stored === null ? null : { ...stored, ttlMs: undefined as unknown as number };
    }

    protected override move(item: Extend) {
      return super.move({ ...item, onlyLonger: false });
    }

    protected override swap(item: Replace<number>) {
      return super.swap({ ...item, onlyLonger: false });
    }
  }

  /** What the middlewares without a date in the cookie store, for a life from now, and the lifetime that they give beside it. */
  const dateless: Record<string, (lifeMs: number) => readonly [named: object, ttlMs: number]> = {
    'koa-session': (lifeMs) => [{ _expire: Date.now() + lifeMs, _maxAge: lifeMs }, lifeMs + 10_000],
    'koa-generic-session': (lifeMs) => [{ cookie: { path: '/', maxAge: lifeMs } }, lifeMs],
  };

  describe.each(Object.entries(dateless))('a session of %s', (_, named) => {
    const HOUR = DAY / 24;

    async function loadedTwice() {
      const driver = new BlindDriver();
      const [here, there] = [new TestStore(driver), new TestStore(driver)];
      const [fields, ttlMs] = named(HOUR);
      await here.set('s', { n: 1, ...fields }, ttlMs);
      return { here, there, slow: (await here.get('s'))!, quick: (await there.get('s'))! };
    }

    /** A save as the middleware makes it. */
    async function saved(store: TestStore, loaded: Record<string, any>, lifeMs: number, changes: object = {}): Promise<void> {
      const [fields, ttlMs] = named(lifeMs);
      await store.set('s', Object.assign(loaded, fields, changes), ttlMs);
    }

    it('that one request gives a longer life keeps it when a slower one saves with the usual life', async () => {
      const { here, there, slow, quick } = await loadedTwice();
      await saved(there, quick, 30 * DAY);
      await saved(here, slow, HOUR, { slow: true });
      expect(left(here)).toBeGreaterThan(30 * DAY - 60_000);
      expect(await here.get('s')).toMatchObject({ n: 1, slow: true });
    });

    it('keeps it when the slower one changed nothing, as with rolling', async () => {
      const { here, there, slow, quick } = await loadedTwice();
      await saved(there, quick, 30 * DAY);
      await saved(here, slow, HOUR);
      expect(left(here)).toBeGreaterThan(30 * DAY - 60_000);
    });

    it('lives from its last save when it is used, and no longer', async () => {
      const { here, slow } = await loadedTwice();
      for (const changes of [{}, { n: 2 }, {}]) {
        await saved(here, slow, HOUR, changes);
        expect(left(here)).toBeGreaterThan(HOUR - 60_000);
        expect(left(here)).toBeLessThanOrEqual(HOUR + 10_001);
      }
    });

    it('can be given a shorter life', async () => {
      const { here, slow } = await loadedTwice();
      await saved(here, slow, 60_000);
      expect(left(here)).toBeLessThanOrEqual(70_001);
    });
  });

  it('a browser session that a login gave a long life keeps it when a slower request touches', async () => {
    const driver = new BlindDriver();
    const [here, there] = [new TestStore(driver), new TestStore(driver)];
    await here.set('s', { cookie: { originalMaxAge: null, expires: null, path: '/' } });
    const slow = (await here.get('s'))!;
    const quick = (await there.get('s'))!;
    quick['cookie'] = cookie(30 * DAY);
    await there.set('s', quick);
    expect(await here.touch('s', slow)).toBe(true);
    expect(left(here)).toBeGreaterThan(30 * DAY - 60_000);
  });

  it('a touch moves the date in the session along, by compare-and-set, and never nearer for a loaded one', async () => {
    const store = new TestStore(new BlindDriver());
    await store.set('s', session(60_000, { n: 1 }));
    const loaded = (await store.get('s'))!;
    loaded['cookie'].expires = new Date(Date.now() + 90_000).toISOString();
    store.commands();
    expect(await store.touch('s', loaded)).toBe(true);
    // What was loaded is believed to be stored: the compare-and-set tells whether it is.
    expect(store.commands()).toEqual(['replace s']);
    expect(left(store)).toBeGreaterThan(85_000);
    const after = (await store.get('s'))!;
    expect(Date.parse(after['cookie'].expires)).toBeGreaterThan(Date.now() + 85_000);
    after['cookie'].expires = new Date(Date.now() + 80_000).toISOString();
    await store.touch('s', after);
    expect(left(store)).toBeGreaterThan(85_000);
  });

  it('a touch keeps what another process has saved since, and a save after it needs no read', async () => {
    const driver = new BlindDriver();
    const [here, there] = [new TestStore(driver), new TestStore(driver)];
    await here.set('s', session(60_000, { n: 1 }));
    const mine = (await here.get('s'))!;
    const theirs = (await there.get('s'))!;
    theirs['theirs'] = true;
    await there.set('s', theirs);
    mine['cookie'].expires = new Date(Date.now() + 90_000).toISOString();
    expect(await here.touch('s', mine)).toBe(true);
    here.commands();
    mine['mine'] = true;
    await here.set('s', mine);
    expect(here.commands()).toEqual(['replace s']);
    expect(await there.get('s')).toMatchObject({ n: 1, mine: true, theirs: true });
    expect(left(here)).toBeGreaterThan(85_000);
  });

  it('a touch that would lengthen nothing still tells whether the session lives', async () => {
    const driver = new BlindDriver();
    const [here, there] = [new TestStore(driver), new TestStore(driver)];
    await here.set('s', session(60_000));
    const loaded = (await here.get('s'))!;
    await there.destroy('s');
    loaded['cookie'].expires = new Date(Date.now() + 30_000).toISOString();
    expect(await here.touch('s', loaded)).toBe(false);
  });

  it('touchAfterMs goes by the date in the session', async () => {
    const store = new TestStore(new BlindDriver(), { touchAfterMs: 10_000 });
    await store.set('s', session(60_000));
    const loaded = (await store.get('s'))!;
    store.commands();
    loaded['cookie'].expires = new Date(Date.now() + 65_000).toISOString();
    expect(await store.touch('s', loaded)).toBe(true);
    expect(store.commands()).toEqual([]);
    loaded['cookie'].expires = new Date(Date.now() + 75_000).toISOString();
    expect(await store.touch('s', loaded)).toBe(true);
    expect(store.commands()).toEqual(['replace s']);
  });

  it('a session without a date is touched by the backend itself', async () => {
    const store = new TestStore(new BlindDriver());
    await store.set('s', { n: 1 }, 1000);
    store.commands();
    await store.touch('s', undefined, 60_000);
    expect(store.commands()).toEqual(['read s', 'extend s']);
    expect(left(store)).toBeGreaterThan(55_000);
  });

  it('a save of a loaded session keeps the end that the session names', async () => {
    const store = new TestStore(new BlindDriver());
    await store.set('s', session(60_000, { n: 1 }));
    const loaded = (await store.get('s'))!;
    loaded['n'] = 2;
    await store.set('s', loaded);
    expect(left(store)).toBeGreaterThan(55_000);
    expect(left(store)).toBeLessThanOrEqual(60_001);
    expect(await store.get('s', { extendMs: 500_000 })).toMatchObject({ n: 2 });
    expect(left(store)).toBeGreaterThan(490_000);
  });

  it('a touch of what is gone creates nothing', async () => {
    const store = new TestStore(new BlindDriver());
    expect(await store.touch('s', session(60_000))).toBe(false);
    expect(store.driver.rows.map.size).toBe(0);
  });
});
