import { inspect } from 'node:util';
import { type SessionStoreOptions, StoreError } from '@sessile/core';
import { describe, expect, it } from 'vitest';
import { TestDriver, TestStore } from './backend.js';

const SID = 'very-secret-sid-0123456789';
const SECRET = 'hunter2-the-password-of-this-user';

describe('ERR: bad input', () => {
  it.each<[string, object]>([
    ['ttl', { ttl: 3600 }],
    ['an unknown name', { ttlMS: 1000 }],
    ['ttlMs', { ttlMs: 0 }],
    ['ttlMs', { ttlMs: NaN }],
    ['ttlMs', { ttlMs: '1d' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: Infinity }],
    ['touchAfterMs', { touchAfterMs: -1 }],
    ['conflicts', { conflicts: 'last' }],
    ['coalesce', { coalesce: 'no' }],
    ['pruneEveryMs', { pruneEveryMs: 0 }],
    ['announceOutages', { announceOutages: 1 }],
    ['serializer', { serializer: { stringify() {} } }],
    ['compress', { compress: 'gzip' }],
    ['compress.aboveBytes', { compress: { aboveBytes: -1 } }],
    ['encrypt.keys', { encrypt: { keys: [] } }],
    ['encrypt.keys', { encrypt: { keys: ['short'] } }],
    ['encrypt.keys', { encrypt: 'a'.repeat(32) }],
    ['hashIds', { hashIds: 'yes' }],
    ['hashIds.readPlainUntil', { hashIds: { readPlainUntil: 'soon' } }],
    ['hashIds.readPlainUntil', { hashIds: {} }],
    ['onUnreadable', { onUnreadable: 'ignore' }],
  ])('the constructor refuses a bad %s: %j', (name, options) => {
    const make = () => new TestStore(new TestDriver(), options);
    expect(make).toThrow(StoreError);
    expect(make).toThrow(
      expect.objectContaining({
        code: 'ERR_STORE_INVALID_OPTION',
        message: expect.stringContaining(name === 'an unknown name' ? 'ttlMS' : name),
      }),
    );
  });

  it('says what to write in place of ttl', () => {
    expect(() => new TestStore(undefined, { ttl: 3600 } as SessionStoreOptions)).toThrow(
      /Write ttlMs, in milliseconds: ttl: 3600 \(seconds\) becomes ttlMs: 3_600_000/,
    );
  });

  it('shows no key of encrypt', () => {
    expect(() => new TestStore(undefined, { encrypt: { keys: [SECRET.slice(0, 20)] } })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });

  it.each<[string, unknown]>([
    ['a number', 7],
    ['nothing', undefined],
    ['null', null],
    ['an object', { $ne: null }],
    ['an empty string', ''],
    ['1,025 bytes', 'x'.repeat(1025)],
    ['1,026 bytes in 342 letters', '€'.repeat(342)],
    ['a lone surrogate', 'a\ud800'],
  ])('%s is no sid', async (_what, sid) => {
    const store = new TestStore();
    const refused = { code: 'ERR_STORE_INVALID_ARGUMENT' };
    await expect(store.get(sid as string)).rejects.toMatchObject(refused);
    await expect(store.set(sid as string, {})).rejects.toMatchObject(refused);
    await expect(store.touch(sid as string)).rejects.toMatchObject(refused);
    await expect(store.destroy(sid as string)).rejects.toMatchObject(refused);
    await expect(store.update(sid as string, () => {})).rejects.toMatchObject(refused);
    await expect(store.revoke(sid as string)).rejects.toMatchObject(refused);
    expect(store.commands()).toEqual([]);
  });

  it('1,024 bytes are a sid', async () => {
    const store = new TestStore();
    await store.set('x'.repeat(1024), { n: 1 });
    expect(await store.get('x'.repeat(1024))).toEqual({ n: 1 });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['an array', [1]],
    ['a text', 'session'],
    ['a function', () => {}],
    ['a promise', Promise.resolve({})],
  ])('%s is no session', async (_what, session) => {
    const store = new TestStore();
    await store.set('s', { n: 1 });
    await expect(store.set('s', session as object)).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it.each<[string, () => object]>([
    ['circular', circular],
    ['a BigInt', () => ({ n: 1n })],
    [
      'a toJSON that throws',
      () => ({
        toJSON: () => {
          throw new Error(SECRET);
        },
      }),
    ],
    ['a toJSON that gives no object', () => ({ toJSON: () => 'text' })],
    ['a toJSON that gives nothing', () => ({ toJSON: () => undefined })],
  ])('%s cannot be saved, and leaves what was stored', async (_what, make) => {
    const store = new TestStore();
    await store.set('s', { n: 1 });
    const failure = await store.set('s', make()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_STORE_ENCODE' });
    expect(inspect(failure)).not.toContain(SECRET);
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('a session that is too large is refused, and leaves what was stored', async () => {
    const store = new TestStore(new TestDriver(undefined, { maxPayloadBytes: 1000 }));
    await store.set('s', { n: 1 });
    const loaded = (await store.get('s'))!;
    loaded['text'] = 'x'.repeat(1000);
    await expect(store.set('s', loaded)).rejects.toMatchObject({
      code: 'ERR_STORE_PAYLOAD_TOO_LARGE',
      message: expect.stringContaining('1000 at most'),
    });
    await expect(store.set('s', { text: '€'.repeat(400) })).rejects.toMatchObject({ code: 'ERR_STORE_PAYLOAD_TOO_LARGE' });
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('an update without a function is refused', async () => {
    await expect(new TestStore().update('s', undefined as never)).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
  });
});

function circular(): object {
  const value: Record<string, unknown> = { n: 1 };
  value['self'] = value;
  return value;
}

describe('ERR: no sid and no data in an error', () => {
  const leaky = () =>
    Object.assign(new Error(`ERR unknown command, with args beginning with: '${SID}' '{"password":"${SECRET}"}'`), {
      command: { name: 'set', args: [SID, SECRET] },
      detail: `Key (sid)=(${SID}) exists`,
      code: 'ERR_LEAKY',
    });

  it.each(['get', 'set', 'touch', 'destroy', 'update'] as const)('%s of a client that quotes them', async (method) => {
    const store = new TestStore();
    await store.set(SID, { password: SECRET });
    store.driver.failWith = leaky;
    const calls = {
      get: () => store.get(SID),
      set: () => store.set(SID, { password: SECRET }),
      touch: () => store.touch(SID),
      destroy: () => store.destroy(SID),
      update: () => store.update(SID, () => {}),
    };
    const failure: unknown = await calls[method]().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_STORE_BACKEND', operation: method, cause: { code: 'ERR_LEAKY' } });
    const shown = inspect(failure, { depth: 9, showHidden: true });
    expect(shown).not.toContain(SID);
    expect(shown).not.toContain('hunter2');
  });

  it('a value that is no JSON is not quoted', async () => {
    const store = new TestStore();
    store.driver.rows.put(SID, `{"password":"${SECRET}"`, Date.now() + 60_000);
    const failure: unknown = await store.get(SID).catch((error: unknown) => error);
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('hunter2');
  });

  it('a store shows neither in inspect', async () => {
    const store = new TestStore();
    await store.set(SID, { password: SECRET });
    const { driver: _driver, ...rest } = store as unknown as { driver: unknown };
    expect(inspect(rest, { depth: 9, showHidden: true })).not.toContain('hunter2');
  });
});

describe('EVT: events', () => {
  it('come with the stored id', async () => {
    const store = new TestStore();
    const seen: string[] = [];
    for (const event of ['create', 'set', 'touch', 'destroy']) store.on(event, (id: string) => seen.push(`${event} ${id}`));
    await store.set('s', { n: 1 });
    const loaded = (await store.get('s'))!;
    loaded['n'] = 2;
    await store.set('s', loaded);
    await store.touch('s');
    await store.touch('none');
    await store.destroy('s');
    await store.destroy('s');
    expect(seen).toEqual(['create s', 'set s', 'set s', 'touch s', 'destroy s']);
  });

  it('what a listener throws surfaces as its own, and fails no call', async () => {
    const store = new TestStore();
    const uncaught: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => uncaught.push(error));
    store.on('set', () => {
      throw new Error('mine');
    });
    await store.set('s', { n: 1 });
    await expect.poll(() => uncaught).toMatchObject([{ message: 'mine' }]);
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('storedId tells by what name a session is listed', async () => {
    const store = new TestStore(new TestDriver(), { hashIds: true });
    await store.set('s', { n: 1 });
    expect(await store.ids()).toEqual([store.storedId('s')]);
    expect(new TestStore().storedId('s')).toBe('s');
  });

  it('error ends no process that does not listen', async () => {
    const store = new TestStore(new TestDriver(), { onUnreadable: 'discard' });
    store.driver.rows.put('s', 'nonsense', Date.now() + 60_000);
    expect(await store.get('s')).toBeNull();
  });

  it('a StoreError of another copy of this package is known', () => {
    const other = { [Symbol.for('sessile.StoreError')]: true };
    expect(StoreError.isInstance(other)).toBe(true);
    expect(StoreError.isInstance(new Error('no'))).toBe(false);
  });
});
