import { inspect } from 'node:util';
import { StoreError } from '@sessile/core';
import { describe, expect, it } from 'vitest';
import { Rows, session, storedAt, TestDriver, TestStore } from './backend.js';

async function twoProcesses(options = {}) {
  const rows = new Rows();
  const here = new TestStore(new TestDriver(rows), options);
  const there = new TestStore(new TestDriver(rows));
  await there.set('s', { n: 0 });
  return { rows, here, there };
}

describe('conflicts', () => {
  it('an async conflicts function is refused, and nothing is stored', async () => {
    const resolver = (async () => ({ n: 1 })) as unknown as () => Record<string, unknown>;
    const { here, there } = await twoProcesses({ conflicts: resolver });
    const mine = (await here.get('s'))!;
    await there.update('s', (s) => void (s['theirs'] = 1));
    await expect(here.set('s', Object.assign(mine, { mine: 1 }))).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
    expect(await there.get('s')).toEqual({ n: 0, theirs: 1 });
  });

  it('are told once per save, also of an object that was merged before', async () => {
    const { here, there } = await twoProcesses();
    const conflicts: string[] = [];
    here.on('conflict', (id: string) => conflicts.push(id));
    const mine = (await here.get('s'))!;
    for (let round = 1; round <= 3; round += 1) {
      await there.update('s', (s) => void (s[`theirs${round}`] = 1));
      await here.set('s', Object.assign(mine, { [`mine${round}`]: 1 }));
      expect(conflicts).toHaveLength(round);
    }
    expect(Object.keys((await there.get('s'))!)).toHaveLength(7);
  });

  it('are seen with conflicts: reject by an object that was tied by hand', async () => {
    const { here, there } = await twoProcesses({ conflicts: 'reject' });
    const copy = { ...(await here.get('s'))! };
    here.tie(copy, 's');
    await there.update('s', (s) => void (s['theirs'] = 1));
    await expect(here.set('s', { ...copy, mine: 1 })).resolves.toBeUndefined();
    await there.set('s', { n: 0 });
    const tied = { n: 0 };
    here.tie(tied, 's');
    await there.update('s', (s) => void (s['theirs'] = 1));
    await expect(here.set('s', Object.assign(tied, { mine: 1 }))).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' });
  });

  it('an object tied by hand merges on its first save', async () => {
    const { here, there } = await twoProcesses();
    const tied: Record<string, unknown> = { n: 0 };
    here.tie(tied, 's');
    await there.update('s', (s) => void (s['theirs'] = 1));
    await here.set('s', Object.assign(tied, { mine: 1 }));
    expect(await there.get('s')).toEqual({ n: 0, theirs: 1, mine: 1 });
  });
});

describe('a save that comes to the text which was stored when the object was last saved', () => {
  it('is made all the same: another request may have saved since', async () => {
    const store = new TestStore();
    await store.set('s', { n: 0 });
    const mine = (await store.get('s'))!;
    const other = (await store.get('s'))!;
    await store.set('s', Object.assign(other, { n: 1 }));
    await store.set('s', Object.assign(mine, { x: 1 }));
    await store.set('s', Object.assign(other, { n: 2 }));
    await store.set('s', Object.assign(mine, { n: 1 }));
    expect(await store.get('s')).toEqual({ n: 1, x: 1 });
  });
});

describe('events', () => {
  it('a save that ends its session tells destroy alone', async () => {
    const store = new TestStore();
    await store.set('s', session(60_000));
    const loaded = (await store.get('s'))!;
    const seen: string[] = [];
    for (const event of ['set', 'destroy', 'drop']) store.on(event, () => seen.push(event));
    loaded['cookie'] = session(-1)['cookie'];
    await store.set('s', loaded);
    expect(seen).toEqual(['destroy']);
    expect(await store.get('s')).toBeNull();
  });
});

describe('clear and close', () => {
  it('length, ids and close wait for a clear that was not waited for', async () => {
    const store = new TestStore();
    await store.set('s', {});
    void store.clear();
    expect(await store.length()).toBe(0);
    await store.set('s', {});
    const clearing = store.clear();
    await store.close();
    await expect(clearing).resolves.toBeUndefined();
    expect(store.driver.rows.map.size).toBe(0);
  });
});

describe('moving to hashed ids', () => {
  const moving = { hashIds: { readPlainUntil: '2999-01-01' } };

  it('on a driver without replace, a slow save does not shorten a session that was lengthened meanwhile', async () => {
    const rows = new Rows();
    const driver = Object.assign(new TestDriver(rows), { replace: undefined });
    const store = new TestStore(driver as unknown as TestDriver, moving);
    await store.set('s', { n: 0 }, 60_000);
    const slow = (await store.get('s'))!;
    await store.touch('s', undefined, 500_000);
    await store.set('s', Object.assign(slow, { n: 1 }), 60_000);
    expect(storedAt(driver as unknown as TestDriver, store.storedId('s'))!.leftMs).toBeGreaterThan(400_000);
  });
});

describe('errors that a driver makes itself', () => {
  it('show neither sid nor data, in their message or in their cause', async () => {
    const store = new TestStore();
    const sid = 'a-secret-sid-of-some-length';
    const cause = Object.assign(new Error(`refused for ${sid}`), { parameters: [sid] });
    store.driver.failWith = () => new StoreError('ERR_STORE_DENIED', `no right to write ${sid}`, { cause });
    const failure: unknown = await store.set(sid, { n: 1 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_STORE_DENIED', operation: 'set', store: 'test' });
    expect(inspect(failure, { showHidden: true, depth: 9 })).not.toContain(sid);
  });

  it('what is told of an outage is cleaned too', async () => {
    const store = new TestStore();
    await store.get('s');
    const told: unknown[] = [];
    store.on('down', (error) => told.push(error));
    store.driver.report!('down', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', command: { args: ['secret'] } }));
    expect(told).toMatchObject([{ code: 'ERR_STORE_UNAVAILABLE', store: 'test' }]);
    expect(inspect(told[0], { depth: 9 })).not.toContain('secret');
  });

  it('of a walk name the operation', async () => {
    const store = new TestStore();
    await store.close();
    await expect(store.entries().next()).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED', operation: 'entries', store: 'test' });
  });
});
