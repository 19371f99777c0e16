import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SessionStoreOptions } from '@sessile/core';
import { StoreError } from '@sessile/core';
import { TestDriver, TestStore } from './backend.js';

function open(options: SessionStoreOptions = {}): TestStore {
  const store = new TestStore(new TestDriver(), { timeoutMs: 100, circuit: { afterTimeouts: 3, probeEveryMs: 20 }, ...options });
  onTestFinished(() => {
    store.driver.releaseAll();
    return store.close();
  });
  return store;
}

const freeze = ({ driver }: TestStore) => void (driver.hold = () => true);
const codes = async (calls: Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).map((call) => (call.status === 'rejected' ? (call.reason as StoreError).code : 'done'));

describe('ERR-16: a backend that answers nothing', () => {
  it('after some calls without an answer the others fail at once, and nothing is sent for them', async () => {
    const store = open();
    freeze(store);
    const down = once(store, 'down');
    expect(await codes(['a', 'b', 'c'].map((sid) => store.get(sid)))).toEqual(Array(3).fill('ERR_STORE_TIMEOUT'));
    expect((await down)[0]).toMatchObject({ code: 'ERR_STORE_TIMEOUT', store: 'test' });
    expect(store.status).toBe('down');
    store.commands();
    const started = performance.now();
    expect(await codes([store.get('d'), store.set('e', {}), store.touch('f'), store.destroy('g'), store.length()])).toEqual(
      Array(5).fill('ERR_STORE_UNAVAILABLE'),
    );
    expect(performance.now() - started).toBeLessThan(50);
    expect(store.commands().filter((command) => !command.startsWith('read sessile-probe-'))).toEqual([]);
  });

  it('one probe at a time asks whether it is back, and then calls go through again', async () => {
    const store = open();
    await store.set('kept', { n: 1 });
    freeze(store);
    await codes(['a', 'b', 'c'].map((sid) => store.get(sid)));
    store.commands();
    // Three reads are held back; the fourth is the first probe.
    await store.driver.holding(4);
    expect(store.commands()).toEqual([expect.stringMatching(/^read sessile-probe-/)]);
    const up = once(store, 'up');
    store.driver.held.pop()?.release();
    await up;
    store.driver.releaseAll();
    expect(store.status).toBe('up');
    expect(await store.get('kept')).toEqual({ n: 1 });
  });

  it('a probe that gets no answer is followed by another, until one is answered', async () => {
    const store = open();
    freeze(store);
    await codes(['a', 'b', 'c'].map((sid) => store.get(sid)));
    await store.driver.holding(6);
    const up = once(store, 'up');
    store.driver.held.at(-1)?.release();
    await up;
    expect(await codes([store.get('d')])).toEqual(['ERR_STORE_TIMEOUT']);
  });

  it('a late answer of an earlier call ends it too', async () => {
    const store = open({ circuit: { afterTimeouts: 3, probeEveryMs: 60_000 } });
    freeze(store);
    await codes(['a', 'b', 'c'].map((sid) => store.get(sid)));
    expect(store.status).toBe('down');
    const up = once(store, 'up');
    store.driver.held[0]?.release();
    await up;
  });

  it('an answer in between starts the count again, an error of the backend too', async () => {
    const store = open();
    store.driver.hold = (_verb, [key]) => key !== 'fine' && key !== 'bad';
    store.driver.failWith = (_verb, [key]) => (key === 'bad' ? new Error('no such table') : undefined);
    expect(await codes([store.get('a'), store.get('b')])).toEqual(Array(2).fill('ERR_STORE_TIMEOUT'));
    await store.get('fine');
    expect(await codes([store.get('c'), store.get('d')])).toEqual(Array(2).fill('ERR_STORE_TIMEOUT'));
    expect(await codes([store.get('bad')])).toEqual(['ERR_STORE_BACKEND']);
    expect(await codes([store.get('e'), store.get('f')])).toEqual(Array(2).fill('ERR_STORE_TIMEOUT'));
    expect(store.status).toBe('up');
  });

  it('a session that is locked says nothing of the others', async () => {
    const store = open();
    store.driver.hold = (_verb, [key]) => key === 'locked';
    for (let n = 0; n < 5; n += 1) expect(await codes([store.get('locked')])).toEqual(['ERR_STORE_TIMEOUT']);
    expect(store.status).toBe('up');
    expect(await store.get('fine')).toBeNull();
  });

  it('timeouts that the driver itself tells count as well', async () => {
    const store = open();
    store.driver.failWith = (_verb, [key]) =>
      key?.startsWith('sessile-probe-') ? undefined : new StoreError('ERR_STORE_TIMEOUT', 'statement timeout');
    const [down, up] = [once(store, 'down'), once(store, 'up')];
    expect(await codes(['a', 'b', 'c'].map((sid) => store.get(sid)))).toEqual(Array(3).fill('ERR_STORE_TIMEOUT'));
    await down;
    await up;
  });

  it('a probe goes out by ping() too, and its answer ends it', async () => {
    const store = open({ circuit: { afterTimeouts: 3, probeEveryMs: 60_000 } });
    freeze(store);
    await codes(['a', 'b', 'c'].map((sid) => store.get(sid)));
    expect(store.status).toBe('down');
    store.driver.hold = () => false;
    await store.ping();
    expect(store.status).toBe('up');
  });

  it('circuit: false lets each call wait for its own time', async () => {
    const store = open({ circuit: false });
    freeze(store);
    await codes(['a', 'b', 'c', 'd', 'e', 'f'].map((sid) => store.get(sid)));
    expect(store.status).toBe('up');
    expect(await codes([store.get('g')])).toEqual(['ERR_STORE_TIMEOUT']);
  });

  it('a backend in this process is never away: calls that waited for a lock time out one by one', async () => {
    const store = new TestStore(new TestDriver(undefined, { blocks: true }), { timeoutMs: 100 });
    onTestFinished(() => {
      store.driver.releaseAll();
      return store.close();
    });
    freeze(store);
    const sids = Array.from({ length: 8 }, (_, n) => `s${n}`);
    expect(await codes(sids.map((sid) => store.get(sid)))).toEqual(sids.map(() => 'ERR_STORE_TIMEOUT'));
    expect(store.status).toBe('up');
  });

  it.each([[{ circuit: 1 }], [{ circuit: { afterTimeouts: 1 } }], [{ circuit: { probeEveryMs: 0 } }]])('refuses %o', (options) => {
    expect(() => new TestStore(new TestDriver(), options as never)).toThrowError(
      expect.objectContaining({ code: 'ERR_STORE_INVALID_OPTION' }),
    );
  });
});
