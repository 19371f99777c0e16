import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { StoreError } from '@sessile/core';
import type { Call } from '@sessile/core/driver';
import { PluralDriver, Rows, storedAt, TestDriver, TestStore } from './backend.js';

/** The backend calls that are under way, at most. */
function watchParallel(driver: TestDriver): { most: number } {
  const seen = { most: 0 };
  let now = 0;
  driver.hold = () => {
    now += 1;
    seen.most = Math.max(seen.most, now);
    setImmediate(() => (now -= 1));
    return false;
  };
  return seen;
}

describe('ORD: one chain per sid', () => {
  it('a get after a set that was not waited for sees it, two hundred times in a row', async () => {
    const store = new TestStore();
    for (let n = 0; n < 200; n += 1) {
      void store.set('s', { n });
      expect(await store.get('s')).toEqual({ n });
    }
  });

  it('calls of all kinds on one sid go one at a time, in the order in which they were made', async () => {
    const store = new TestStore();
    const seen = watchParallel(store.driver);
    await Promise.all([
      store.set('s', { n: 1 }),
      store.touch('s'),
      store.get('s'),
      store.destroy('s'),
      store.get('s'),
      store.set('s', { n: 2 }),
      store.update('s', (s) => void (s['n'] += 1)),
    ]);
    expect(seen.most).toBe(1);
    expect(store.commands()).toEqual(['write s', 'extend s', 'read s', 'remove s', 'read s', 'write s', 'read s', 'replace s']);
    expect(await store.get('s')).toEqual({ n: 3 });
  });

  it('other sids do not wait', async () => {
    const store = new TestStore();
    store.driver.hold = (_verb, [key]) => key === 'slow';
    const slow = store.get('slow');
    await store.set('fast', { n: 1 });
    expect(await store.get('fast')).toEqual({ n: 1 });
    store.driver.releaseAll();
    expect(await slow).toBeNull();
  });

  it('a set takes its snapshot at the call', async () => {
    const store = new TestStore();
    const data = { n: 1 };
    const saving = store.set('s', data);
    data.n = 2;
    await saving;
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('a get joins a read that was not sent yet, and gets a copy of its own', async () => {
    const store = new TestStore();
    await store.set('s', { list: [1] });
    store.driver.hold = (verb) => verb === 'extend';
    store.commands();
    const touching = store.touch('s');
    await store.driver.holding(1);
    const reads = [store.get('s'), store.get('s'), store.get('s')];
    store.driver.releaseAll();
    const [a, b, c] = await Promise.all(reads);
    await touching;
    expect(store.commands()).toEqual(['extend s', 'read s']);
    a!['list'].push(2);
    expect(b).toEqual({ list: [1] });
    expect(c).not.toBe(b);
  });

  it('a get never joins a read that is under way: it would miss a write acknowledged meanwhile', async () => {
    const rows = new Rows();
    const store = new TestStore(new TestDriver(rows));
    const other = new TestStore(new TestDriver(rows));
    await other.set('s', { n: 1 });
    store.driver.hold = (verb) => verb === 'read';
    const first = store.get('s');
    await store.driver.holding(1);
    await other.set('s', { n: 2 });
    const second = store.get('s');
    store.driver.releaseAll();
    await first;
    expect(await second).toEqual({ n: 2 });
    expect(store.commands()).toEqual(['read s', 'read s']);
  });

  it('an upsert of an object that is still being saved builds on that save', async () => {
    const store = new TestStore();
    const data: Record<string, unknown> = { n: 1 };
    const first = store.set('s', data);
    data['m'] = 2;
    const second = store.set('s', data);
    await Promise.all([first, second]);
    expect(store.commands()).toEqual(['write s', 'replace s']);
    expect(await store.get('s')).toEqual({ n: 1, m: 2 });
  });

  it('clear waits for what was asked before, and what is asked later waits for clear', async () => {
    const store = new TestStore();
    const before = store.set('before', { n: 1 });
    const clearing = store.clear();
    const after = store.set('after', { n: 2 });
    await Promise.all([before, clearing, after]);
    expect(await store.ids()).toEqual(['after']);
  });

  it('length and all see a set that was not waited for', async () => {
    const store = new TestStore();
    void store.set('s', { n: 1 });
    expect(await store.length()).toBe(1);
    void store.set('t', { n: 2 });
    expect(Object.keys(await store.all()).toSorted()).toEqual(['s', 't']);
  });
});

describe('ERR: time', () => {
  it('a call on a frozen backend fails within timeoutMs, counted from the call', async () => {
    const store = new TestStore(new TestDriver(), { timeoutMs: 60 });
    store.driver.hold = () => true;
    const started = performance.now();
    const calls = [store.get('s'), store.set('s', {}), store.touch('s'), store.destroy('s')];
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_TIMEOUT', retryable: true } });
    }
    expect(performance.now() - started).toBeLessThan(1000);
    store.driver.releaseAll();
  });

  it('a walk and a count that wait for earlier calls count from their own call too', async () => {
    const store = new TestStore(new TestDriver(), { timeoutMs: 300 });
    store.driver.hold = () => true;
    const saving = store.set('s', {}).catch(() => undefined);
    const tookMs = async (call: Promise<unknown>) => {
      const started = performance.now();
      await expect(call).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT' });
      return performance.now() - started;
    };
    for (const ms of await Promise.all([store.length(), store.ids(), store.all()].map(tookMs))) expect(ms).toBeLessThan(450);
    await saving;
    expect(store.commands()).toEqual(['write s']);
    store.driver.releaseAll();
  });

  it('a call that runs out of time before its batch leaves does not hold up the calls after it', async () => {
    const store = new TestStore(new PluralDriver(), { timeoutMs: 50 });
    await store.set('s', { n: 1 });
    store.driver.hold = () => true;
    const others = Promise.allSettled([store.get('a'), store.get('b')]);
    // Timers come before the next batch from here, and this process is busy meanwhile.
    await new Promise(setImmediate);
    const late = store.get('s');
    for (const until = performance.now() + 80; performance.now() < until;);
    await expect(late).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT', operation: 'get' });
    store.driver.hold = () => false;
    store.driver.releaseAll();
    await others;
    expect(await store.get('s')).toEqual({ n: 1 });
    expect(await store.length()).toBe(1);
  });

  it('calls that ran out of time in the queue are never sent', async () => {
    const store = new TestStore(new TestDriver(), { timeoutMs: 40 });
    store.driver.hold = () => true;
    const calls = [store.get('s'), store.set('s', { late: true })];
    await Promise.allSettled(calls);
    store.driver.releaseAll();
    expect(await store.get('s')).toBeNull();
    expect(store.commands().filter((command) => command.startsWith('write'))).toEqual([]);
  });

  it('a write that timed out and lands later does not undo a logout that succeeded', async () => {
    const store = new TestStore(new TestDriver(), { timeoutMs: 50 });
    store.driver.hold = (verb) => verb === 'write';
    await expect(store.set('s', { user: 'a' })).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT' });
    // The logout waits for the end of the write, or fails: it never succeeds before it.
    await expect(store.destroy('s')).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT' });
    store.driver.releaseAll();
    await store.destroy('s');
    expect(await store.get('s')).toBeNull();
  });

  it('works again by itself when the backend answers again', async () => {
    const store = new TestStore(new TestDriver(), { timeoutMs: 40 });
    store.driver.hold = () => true;
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT' });
    store.driver.releaseAll();
    await store.set('s', { n: 1 });
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('gives the driver what time is left, and a signal', async () => {
    const store = new TestStore(new TestDriver(), { timeoutMs: 80 });
    const seen: { left: number; aborted: boolean }[] = [];
    store.driver.read = (_key, call) => {
      seen.push({ left: call!.timeLeftMs, aborted: call!.signal.aborted });
      return new Promise((_resolve, reject) => call!.signal.addEventListener('abort', () => reject(new Error('given up'))));
    };
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT' });
    expect(seen[0]!.left).toBeGreaterThan(0);
    expect(seen[0]!.left).toBeLessThanOrEqual(80);
    expect(seen[0]!.aborted).toBe(false);
  });

  it('nothing is sent to a backend that is known to be down', async () => {
    const store = new TestStore();
    await store.get('s');
    const states: string[] = [];
    for (const event of ['up', 'down', 'connect', 'disconnect']) store.on(event, () => states.push(event));
    store.driver.report!('down');
    expect(store.status).toBe('down');
    store.commands();
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', retryable: true });
    expect(store.commands()).toEqual([]);
    store.driver.report!('up');
    expect(await store.get('s')).toBeNull();
    expect(states).toEqual(['down', 'up']);
  });

  it('announceOutages tells middlewares', async () => {
    const store = new TestStore(new TestDriver(), { announceOutages: true });
    await store.get('s');
    const states: string[] = [];
    for (const event of ['connect', 'disconnect']) store.on(event, () => states.push(event));
    store.driver.report!('down');
    store.driver.report!('up');
    expect(states).toEqual(['disconnect', 'connect']);
  });

  it('a driver that throws or rejects gives a StoreError, and "no such session" is never one', async () => {
    const store = new TestStore();
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    store.driver.failWith = () => refused;
    await expect(store.get('s')).rejects.toMatchObject({
      name: 'StoreError',
      code: 'ERR_STORE_UNAVAILABLE',
      store: 'test',
      operation: 'get',
    });
    store.driver.failWith = () => new Error('odd');
    await expect(store.set('s', {})).rejects.toMatchObject({ code: 'ERR_STORE_BACKEND', retryable: false, operation: 'set' });
    await expect(store.touch('s')).rejects.toMatchObject({ code: 'ERR_STORE_BACKEND', operation: 'touch' });
    await expect(store.destroy('s')).rejects.toMatchObject({ code: 'ERR_STORE_BACKEND', operation: 'destroy' });
    await expect(store.all()).rejects.toMatchObject({ code: 'ERR_STORE_BACKEND' });
  });
});

describe('ORD: coalescing', () => {
  const sids = Array.from({ length: 12 }, (_, i) => `s${String(i).padStart(2, '0')}`);

  it('a lone call waits for nothing and goes out singly', async () => {
    const store = new TestStore(new PluralDriver());
    await store.set('s', { n: 1 });
    await store.get('s');
    await store.touch('s');
    await store.destroy('s');
    expect(store.commands()).toEqual(['write s', 'read s', 'extend s', 'remove s']);
  });

  it('gathers what arrives while commands of the same kind are under way, sorted by key', async () => {
    const store = new TestStore(new PluralDriver(undefined, { singles: 2 }));
    await Promise.all(sids.toReversed().map((sid) => store.set(sid, { sid })));
    const written = store.commands();
    expect(written.slice(0, 2)).toEqual(['write s11', 'write s10']);
    expect(written.slice(2)).toEqual([`writeMany ${sids.slice(0, 10).join(' ')}`]);
    const loaded = await Promise.all(sids.map((sid) => store.get(sid)));
    expect(loaded).toEqual(sids.map((sid) => ({ sid })));
    expect(store.commands()).toHaveLength(3);
    await Promise.all(loaded.map((session, i) => store.set(sids[i]!, Object.assign(session!, { n: i }))));
    expect(store.commands().map((command) => command.split(' ')[0])).toEqual(['replace', 'replace', 'replaceMany']);
    expect(await Promise.all(sids.map((sid) => store.touch(sid)))).toEqual(sids.map(() => true));
    await Promise.all(sids.map((sid) => store.destroy(sid)));
    expect(await store.length()).toBe(0);
  });

  it('under load all of a turn share a command; once the load is over a call goes out singly again', async () => {
    const store = new TestStore(new PluralDriver(undefined, { singles: 2 }));
    const kinds = () => store.commands().map((command) => command.split(' ')[0]);
    const getAll = () => Promise.all(sids.map((sid) => store.get(sid)));
    await getAll();
    expect(kinds()).toEqual(['read', 'read', 'readMany']);
    await getAll();
    expect(kinds()).toEqual(['readMany']);
    // The turn after the last of the load sees that there is one call: it is sent by itself, and so are those that follow.
    await store.get('alone');
    await Promise.all([store.get('s00'), store.get('s01')]);
    expect(kinds()).toEqual(['read', 'read', 'read']);
    await getAll();
    expect(kinds()).toEqual(['read', 'read', 'readMany']);
  });

  it('coalesce: false switches it off', async () => {
    const store = new TestStore(new PluralDriver(), { coalesce: false });
    await Promise.all(sids.map((sid) => store.set(sid, {})));
    expect(store.commands()).toEqual(sids.map((sid) => `write ${sid}`));
  });

  it('a driver without plurals is complete', async () => {
    const store = new TestStore();
    await Promise.all(sids.map((sid) => store.set(sid, { sid })));
    expect(await store.length()).toBe(12);
  });

  it('batches are bounded in items and in bytes', async () => {
    const byItems = new TestStore(new PluralDriver(undefined, { singles: 1, batchItems: 4 }));
    await Promise.all(sids.map((sid) => byItems.set(sid, {})));
    expect(byItems.commands().map((command) => command.split(' ').length - 1)).toEqual([1, 4, 4, 3]);
    const byBytes = new TestStore(new PluralDriver(undefined, { singles: 1, batchBytes: 1000 }));
    await Promise.all(sids.map((sid) => byBytes.set(sid, { text: 'x'.repeat(450) })));
    for (const command of byBytes.commands()) expect(command.split(' ').length - 1).toBeLessThanOrEqual(2);
  });

  it("one item's failure is its own", async () => {
    const driver = new PluralDriver(undefined, { singles: 1 });
    const store = new TestStore(driver);
    driver.failItem = (key) => (key === 's05' ? new Error('bad row') : undefined);
    const results = await Promise.allSettled(sids.map((sid) => store.set(sid, { sid })));
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual(sids.map((sid) => sid !== 's05'));
    expect(results[5]).toMatchObject({ reason: { code: 'ERR_STORE_BACKEND', operation: 'set' } });
  });

  it('a conflict or a lost row settles that call alone', async () => {
    const rows = new Rows();
    const store = new TestStore(new PluralDriver(rows, { singles: 1 }));
    await Promise.all(sids.map((sid) => store.set(sid, { sid })));
    const loaded = await Promise.all(sids.map((sid) => store.get(sid)));
    rows.map.delete('s03');
    rows.put('s04', JSON.stringify({ sid: 's04', theirs: 1 }), Date.now() + 60_000);
    await Promise.all(loaded.map((session, i) => store.set(sids[i]!, Object.assign(session!, { mine: i }))));
    expect(await store.get('s03')).toBeNull();
    expect(await store.get('s04')).toEqual({ sid: 's04', theirs: 1, mine: 4 });
    expect(await store.get('s05')).toEqual({ sid: 's05', mine: 5 });
  });

  it('a batch that fails as a whole is tried one by one where an item can be the cause', async () => {
    const store = new TestStore(new PluralDriver(undefined, { singles: 1 }));
    store.driver.failWith = (_verb, keys) => (keys.includes('s07') ? new Error('syntax') : undefined);
    const results = await Promise.allSettled(sids.map((sid) => store.set(sid, { sid })));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(await store.get('s08')).toEqual({ sid: 's08' });
  });

  it.each([
    ['the backend is away', 'ERR_STORE_UNAVAILABLE'],
    ['the table is gone', 'ERR_STORE_SCHEMA'],
  ] as const)('and fails all alike where %s', async (_what, code) => {
    const store = new TestStore(new PluralDriver(undefined, { singles: 1 }));
    store.driver.failWith = (verb) => (verb === 'writeMany' ? new StoreError(code, 'gone') : undefined);
    const results = await Promise.allSettled(sids.map((sid) => store.set(sid, { sid })));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(11);
    expect(store.commands()).toHaveLength(2);
  });

  it('each call keeps its own time inside a batch, and late ones are left out of it', async () => {
    const store = new TestStore(new PluralDriver(undefined, { singles: 1 }), { timeoutMs: 60 });
    store.driver.hold = (verb) => verb === 'writeMany';
    const calls = sids.map((sid) => store.set(sid, {}));
    const settled = await Promise.allSettled(calls);
    expect(settled[0]).toMatchObject({ status: 'fulfilled' });
    expect(settled[1]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_TIMEOUT' } });
    store.driver.releaseAll();
  });

  it('an answer that the driver cannot give is settled by reading', async () => {
    const driver = new PluralDriver(undefined, { singles: 1 });
    const store = new TestStore(driver);
    await Promise.all(sids.map((sid) => store.set(sid, { sid })));
    const loaded = await Promise.all(sids.map((sid) => store.get(sid)));
    driver.rows.map.delete('s03');
    const many = driver.replaceMany.bind(driver);
    driver.replaceMany = async (items) => (await many(items)).map(() => ({ outcome: 'unknown' as const }));
    const drops: string[] = [];
    store.on('drop', ({ id }: { id: string }) => drops.push(id));
    await Promise.all(loaded.map((session, i) => store.set(sids[i]!, Object.assign(session!, { mine: i }))));
    expect(await store.get('s05')).toEqual({ sid: 's05', mine: 5 });
    expect(drops).toEqual(['s03']);
  });

  it('gives too few answers no benefit of the doubt', async () => {
    const driver = new PluralDriver(undefined, { singles: 1 });
    driver.readMany = async () => [null];
    const store = new TestStore(driver);
    const results = await Promise.allSettled(sids.map((sid) => store.get(sid)));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(11);
  });

  it('for a driver that blocks, calls of one tick still share a command', async () => {
    const driver = new PluralDriver(undefined, { blocks: true, singles: 2 });
    driver.write = (item) => {
      driver.log.push(`write ${item.key}`);
      return driver.rows.put(item.key, item.payload, Date.now() + item.ttlMs) as never;
    };
    const store = new TestStore(driver);
    await Promise.all(sids.map((sid) => store.set(sid, {})));
    expect(store.commands().map((command) => command.split(' ')[0])).toEqual(['write', 'write', 'writeMany']);
  });

  it('a driver without replace compares within this process, and still merges and drops', async () => {
    const driver = new TestDriver();
    Object.assign(driver, { replace: undefined });
    const store = new TestStore(driver);
    await store.set('s', { n: 0 });
    const [a, b, c] = await Promise.all([store.get('s'), store.get('s'), store.get('s')]);
    a!['a'] = 1;
    b!['b'] = 1;
    await Promise.all([store.set('s', a!), store.set('s', b!)]);
    expect(await store.get('s')).toEqual({ n: 0, a: 1, b: 1 });
    await store.destroy('s');
    await store.set('s', Object.assign(c!, { c: 1 }));
    expect(await store.get('s')).toBeNull();
  });
});

describe('CB: callbacks', () => {
  const als = new AsyncLocalStorage<number>();

  it('come in the async context of their caller, batched or not', async () => {
    const store = new TestStore(new PluralDriver(undefined, { singles: 1 }));
    const contexts = await Promise.all(
      Array.from({ length: 20 }, (_, n) => als.run(n, () => new Promise((resolve) => store.get(`s${n}`, () => resolve(als.getStore()))))),
    );
    expect(contexts).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('come exactly once, asynchronously, and with promises left out', async () => {
    const store = new TestStore();
    const calls: unknown[][] = [];
    const inside: string[] = [];
    const answer = store.set('s', { n: 1 }, (...args: unknown[]) => calls.push(args));
    inside.push('after the call');
    expect(answer).toBeUndefined();
    expect(calls).toEqual([]);
    await expect.poll(() => calls.length).toBe(1);
    store.get('s', (...args: unknown[]) => calls.push(args));
    store.get('', (...args: unknown[]) => calls.push(args));
    expect(calls).toHaveLength(1);
    await expect.poll(() => calls.length).toBe(3);
    expect(calls[0]).toEqual([null, undefined]);
    expect(calls.find(([error]) => error !== null)![0]).toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
    expect(calls).toContainEqual([null, { n: 1 }]);
  });

  it('every method takes one', async () => {
    const store = new TestStore();
    const call = (method: string, ...args: unknown[]) =>
      new Promise((resolve, reject) =>
        (store as any)[method](...args, (error: unknown, value: unknown) => (error === null ? resolve(value) : reject(error))),
      );
    await call('set', 's', { n: 1 });
    expect(await call('touch', 's', { n: 1 })).toBe(true);
    expect(await call('length')).toBe(1);
    expect(await call('ids')).toEqual(['s']);
    expect(await call('all')).toEqual({ s: { n: 1 } });
    expect(await call('prune')).toBe(0);
    await call('ping');
    await call('destroy', 's');
    await call('clear');
    await call('close');
    await expect(call('get', 's')).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' });
  });
});

describe('LIF: the life of a store', () => {
  it('close settles what was asked before, and refuses what comes later', async () => {
    const store = new TestStore();
    const saving = store.set('s', { n: 1 });
    const closing = store.close();
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' });
    await Promise.all([saving, closing, store.close()]);
    expect(storedAt(store.driver, 's')!.session).toEqual({ n: 1 });
    expect(store.driver.closed).toBe(true);
    expect(store.status).toBe('closed');
  });

  it('close of a frozen backend ends within timeoutMs', async () => {
    const store = new TestStore(new TestDriver(), { timeoutMs: 60 });
    store.driver.hold = () => true;
    const saving = store.set('s', { n: 1 });
    await Promise.allSettled([saving, store.close()]);
    expect(store.status).toBe('closed');
    store.driver.releaseAll();
  });

  it('a walk that is under way when the store is closed ends with ERR_STORE_CLOSED', async () => {
    const driver = new TestDriver();
    driver.scan = async function* () {
      for (let n = 0; ; n += 1) yield [{ key: `s${n}`, stored: { payload: '{}', ttlMs: 1000, token: n } }];
    };
    const store = new TestStore(driver);
    const walk = store.entries();
    await walk.next();
    await store.close();
    await expect(walk.next()).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' });
  });

  it('a page of a walk that never comes fails within timeoutMs, and so does a clear', async () => {
    const store = new TestStore(new TestDriver(), { timeoutMs: 50 });
    store.driver.hold = () => true;
    await expect(store.all()).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT' });
    await expect(store.clear()).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT' });
    store.driver.releaseAll();
    expect(await store.length()).toBe(0);
  });

  it('timeoutMs bounds each part of a long command, not the whole', async () => {
    const driver = new TestDriver();
    const count = async (call: Call) => {
      for (let part = 0; part < 8; part += 1) {
        await new Promise((resolve) => setTimeout(resolve, 25));
        call.progress();
      }
      return 7;
    };
    const store = new TestStore(Object.assign(driver, { count }), { timeoutMs: 100 });
    expect(await store.length()).toBe(7);
  });

  it('is disposed of by await using', async () => {
    const driver = new TestDriver();
    {
      await using store = new TestStore(driver);
      await store.set('s', {});
    }
    expect(driver.closed).toBe(true);
  });

  it('constructing does no input or output', () => {
    const store = new TestStore();
    expect(store.commands()).toEqual([]);
    expect(store.driver.report).toBeUndefined();
  });
});
