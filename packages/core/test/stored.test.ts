import { SessionStore, StoreError } from '@sessile/core';
import { peek, storedIdsOf, StoredSessions } from '@sessile/core/stored';
import { describe, expect, it } from 'vitest';
import { Rows, TestDriver, TestStore } from './backend.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function open(driver = new TestDriver()) {
  return { driver, rows: driver.rows, sessions: new StoredSessions(driver) };
}

const later = (ms = HOUR_MS) => Date.now() + ms;
const left = (expiresAt: number | undefined) => (expiresAt ?? Number.NaN) - Date.now();

async function pagesOf(sessions: StoredSessions) {
  const pages = [];
  for await (const page of sessions.pages()) pages.push(...page);
  return pages;
}

describe('stored sessions', () => {
  it('are what the store has: payloads as they are, ids as they are stored, and their ends', async () => {
    const rows = new Rows();
    const store = new TestStore(new TestDriver(rows), { hashIds: true, encrypt: { keys: ['x'.repeat(32)] } });
    await store.set('sid', { a: 1 }, HOUR_MS);
    const [found, ...more] = await pagesOf(new StoredSessions(new TestDriver(rows)));
    expect(more).toEqual([]);
    expect(found?.id).toBe(store.storedId('sid'));
    expect(storedIdsOf('sid')).toEqual(['sid', found?.id]);
    expect(peek(found?.payload ?? '')).toEqual({ form: 'encrypted' });
    expect(Math.abs(left(found?.expiresAt) - HOUR_MS)).toBeLessThan(1000);
  });

  it('are written so that a store with the same options reads them', async () => {
    const options = { hashIds: true, compress: true, encrypt: { keys: ['x'.repeat(32)] } };
    const [from, to] = [new Rows(), new Rows()];
    await new TestStore(new TestDriver(from), options).set('sid', { text: 'x'.repeat(5000) }, Infinity);
    const [found] = await pagesOf(new StoredSessions(new TestDriver(from)));
    expect(
      await open(new TestDriver(to)).sessions.write([{ id: found!.id, payload: found!.payload, expiresAt: found!.expiresAt! }]),
    ).toEqual([undefined]);
    expect(await new TestStore(new TestDriver(to), options).get('sid')).toEqual({ text: 'x'.repeat(5000) });
    expect(to.map.get(found!.id)?.expiresAt).toBe(Infinity);
  });

  it('are read by position; what has ended is null', async () => {
    const { sessions } = open();
    await sessions.write([
      { id: 'a', payload: '{}', expiresAt: later() },
      { id: 'b', payload: '{"b":1}', expiresAt: later() },
    ]);
    const found = await sessions.read(['b', 'none', 'a']);
    expect(found.map((session) => session?.payload)).toEqual(['{"b":1}', undefined, '{}']);
  });

  it('are replaced by compare-and-set, each by itself', async () => {
    const { sessions, rows } = open();
    await sessions.write(['a', 'b', 'c'].map((id) => ({ id, payload: '{}', expiresAt: later() })));
    const [a, b, c] = (await sessions.read(['a', 'b', 'c'])).map((session) => session!);
    rows.put('b', '{"other":1}', later());
    rows.map.delete('c');
    const replacements = [a!, b!, c!].map((found) => ({ found, payload: '{"new":1}', expiresAt: later(DAY_MS) }));
    expect(await sessions.replace(replacements)).toEqual(['replaced', 'changed', 'missing']);
    expect(rows.map.get('b')?.payload).toBe('{"other":1}');
    const [now] = await sessions.read(['a']);
    expect(await sessions.replace([{ found: now!, payload: '{}', expiresAt: later(), onlyLonger: true }])).toEqual(['replaced']);
    expect(left(rows.map.get('a')?.expiresAt)).toBeGreaterThan(DAY_MS - 10_000);
    const [again] = await sessions.read(['a']);
    // What has ended ends at once.
    expect(await sessions.replace([{ found: again!, payload: '{}', expiresAt: 0 }])).toEqual(['replaced']);
    await expect.poll(() => sessions.read(['a'])).toEqual([null]);
  });

  it('are removed, counted, and known by their ids', async () => {
    const { sessions } = open();
    await sessions.write(['a', 'b', 'c'].map((id) => ({ id, payload: '{}', expiresAt: later() })));
    expect(await sessions.remove(['a', 'none'])).toEqual([true, false]);
    expect(await sessions.count()).toBe(2);
    const ids = [];
    for await (const page of sessions.ids()) ids.push(...page);
    expect(ids.sort()).toEqual(['b', 'c']);
    await sessions.ping();
    expect(await sessions.prune()).toBeUndefined();
    await sessions.clear();
    expect(await sessions.count()).toBe(0);
  });

  it('close their driver, once it was used', async () => {
    const { driver, sessions } = open();
    await sessions.ping();
    await sessions.close();
    expect(driver.closed).toBe(true);
  });
});

describe('stored sessions that fail', () => {
  it('alone are an answer, without their id and data; the others are stored', async () => {
    const { driver, rows, sessions } = open();
    driver.failWith = (_verb, keys) =>
      keys.includes('bad-session') ? new Error('bad-session is refused: {"secret":"of a user"}') : undefined;
    const outcomes = await sessions.write(
      ['good', 'bad-session'].map((id) => ({ id, payload: '{"secret":"of a user"}', expiresAt: later() })),
    );
    expect(outcomes).toEqual([undefined, expect.objectContaining({ code: 'ERR_STORE_BACKEND' })]);
    expect((outcomes[1] as Error).message).not.toMatch(/bad-session|of a user/);
    expect([...rows.map.keys()]).toEqual(['good']);
  });

  it('all alike fail the call', async () => {
    const { driver, sessions } = open();
    driver.failWith = () => Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
    await expect(sessions.write([{ id: 'a', payload: '{}', expiresAt: later() }])).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      store: 'test',
    });
  });

  it('are too large', async () => {
    const { sessions } = open(new TestDriver(new Rows(), { maxPayloadBytes: 10 }));
    const outcomes = await sessions.write([
      { id: 'a', payload: '{"a":"12345"}', expiresAt: later() },
      { id: 'b', payload: '{}', expiresAt: later() },
    ]);
    expect(outcomes).toEqual([expect.objectContaining({ code: 'ERR_STORE_PAYLOAD_TOO_LARGE' }), undefined]);
  });

  it('in time: no call waits for longer than timeoutMs', async () => {
    const driver = new TestDriver();
    const sessions = new StoredSessions(driver, { timeoutMs: 30 });
    driver.hold = () => true;
    await expect(sessions.read(['a'])).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT' });
    driver.releaseAll();
    expect(() => new StoredSessions(driver, { timeoutMs: 0 })).toThrow(StoreError);
  });

  it('that hold nothing but what another library encrypted are refused', async () => {
    const { sessions, rows } = open();
    const payload = '{"$sessile":1,"k":"connect-mongo crypto","d":""}';
    expect(await sessions.write([{ id: 'a', payload, expiresAt: later() }])).toEqual([
      expect.objectContaining({ code: 'ERR_STORE_DECODE' }),
    ]);
    expect(rows.map.size).toBe(0);
  });
});

describe('stored sessions of other forms', () => {
  it('that are not JSON are wrapped for a backend that holds JSON alone, and a store with that serializer reads them', async () => {
    const driver = new TestDriver(new Rows(), { payload: 'json' });
    await open(driver).sessions.write([{ id: 'sid', payload: 'a=1', expiresAt: later() }]);
    const serializer = {
      stringify: ({ a }: object & { a?: unknown }) => `a=${String(a)}`,
      parse: (text: string) => ({ a: Number(text.slice(2)) }),
    };
    const store = new SessionStore(driver, { serializer });
    expect(await store.get('sid')).toEqual({ a: 1 });
  });

  it('of a backend that does not tell lives go by the date in the cookie, which is moved to the real end', async () => {
    const { sessions, rows } = open(new TestDriver(new Rows(), { keepsTtl: false }));
    const stale = new Date(later(60_000)).toISOString();
    const payloads = { dated: { cookie: { expires: stale } }, koa: { _expire: later(2 * DAY_MS) }, dateless: { a: 1 } };
    await sessions.write(Object.entries(payloads).map(([id, data]) => ({ id, payload: JSON.stringify(data), expiresAt: later(DAY_MS) })));
    const { cookie } = JSON.parse(rows.map.get('dated')?.payload ?? '') as { cookie: { expires: string } };
    expect(Math.abs(left(Date.parse(cookie.expires)) - DAY_MS)).toBeLessThan(10_000);
    // koa-session judges by its date itself, and writes it itself.
    expect(JSON.parse(rows.map.get('koa')?.payload ?? '')).toEqual(payloads.koa);
    expect(rows.map.get('dateless')?.payload).toBe('{"a":1}');
  });

  it.each([
    ['{"a":1}', { form: 'plain', session: { a: 1 }, text: '{"a":1}' }],
    ['{"$sessile":1,"d":"eyJhIjoxfQ=="}', { form: 'packed', session: { a: 1 }, text: '{"a":1}' }],
    ['{"$sessile":1,"z":"deflate","d":"q1ZKVLIyrAUA"}', { form: 'packed', session: { a: 1 }, text: '{"a":1}' }],
    ['{"$sessile":1,"z":"deflate","d":"nonsense"}', { form: 'other' }],
    ['{"$sessile":1,"k":"key","d":"eyJhIjoxfQ=="}', { form: 'encrypted' }],
    ['[1]', { form: 'other' }],
    ['a=1', { form: 'other' }],
  ])('%s', (payload, expected) => {
    expect(peek(payload)).toEqual(expected);
  });
});
