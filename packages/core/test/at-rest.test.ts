import { createHash, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { SessionStoreOptions } from '@sessile/core';
import { describe, expect, it } from 'vitest';
import { Rows, session, TestDriver, TestStore } from './backend.js';

const keyA = randomBytes(32);
const keyB = 'b'.repeat(32);

function onRows(rows: Rows, options: SessionStoreOptions): TestStore {
  return new TestStore(new TestDriver(rows), options);
}

function payloadOf(rows: Rows, key: string): string {
  return rows.map.get(key)!.payload;
}

const hashed = (sid: string) => `h1-${createHash('sha256').update(sid).digest('hex')}`;

describe('RST: what is stored', () => {
  it('is plain JSON by default', async () => {
    const rows = new Rows();
    await onRows(rows, {}).set('s', { n: 1 });
    expect(payloadOf(rows, 's')).toBe('{"n":1}');
  });

  it.each<[string, SessionStoreOptions]>([
    ['encrypted', { encrypt: { keys: [keyA] } }],
    ['compressed', { compress: true }],
    ['both', { compress: true, encrypt: { keys: [keyA] } }],
  ])('stays JSON in an envelope when it is %s, and comes back', async (_how, options) => {
    const rows = new Rows();
    const store = onRows(rows, options);
    const data = { secret: 'swordfish '.repeat(200), text: 'é😀' };
    await store.set('s', data);
    expect(JSON.parse(payloadOf(rows, 's'))).toMatchObject({ $sessile: 1, d: expect.any(String) });
    expect(payloadOf(rows, 's')).not.toContain('swordfish');
    expect(await store.get('s')).toEqual(data);
    expect(await store.all()).toEqual({ s: data });
  });

  it('merges encrypted sessions as it does plain ones', async () => {
    const store = onRows(new Rows(), { encrypt: { keys: [keyA] }, compress: { aboveBytes: 10 } });
    await store.set('s', session(60_000, { n: 0 }));
    const [a, b] = await Promise.all([store.get('s'), store.get('s')]);
    a!['a'] = 1;
    b!['b'] = 2;
    await Promise.all([store.set('s', a!), store.set('s', b!)]);
    expect(await store.get('s')).toMatchObject({ n: 0, a: 1, b: 2 });
    expect(await store.update('s', (s) => void (s['n'] += 1))).toMatchObject({ n: 1 });
  });

  it('compresses what is larger than aboveBytes, where that makes it smaller', async () => {
    const rows = new Rows();
    const store = onRows(rows, { compress: { aboveBytes: 100 } });
    await store.set('small', { text: 'x'.repeat(50) });
    await store.set('large', { text: 'x'.repeat(5000) });
    await store.set('noise', { text: randomBytes(400).toString('base64') });
    expect(payloadOf(rows, 'small')).not.toContain('$sessile');
    expect(payloadOf(rows, 'large').length).toBeLessThan(200);
    expect(Object.keys((await store.get('noise'))!)).toEqual(['text']);
  });

  it('takes session data that looks like an envelope for data', async () => {
    const store = onRows(new Rows(), {});
    const data = { $sessile: 1, d: 'eyJhZG1pbiI6dHJ1ZX0=' };
    await store.set('s', data);
    expect(await store.get('s')).toEqual(data);
    const nested = { note: '"$sessile":1', inner: data };
    await store.set('t', nested);
    expect(await store.get('t')).toEqual(nested);
  });

  it('never inflates to more than maxInflatedBytes', async () => {
    const rows = new Rows();
    const bomb = deflateRawSync(Buffer.from(`{"x":"${'x'.repeat(2_000_000)}"}`)).toString('base64');
    rows.put('s', JSON.stringify({ $sessile: 1, z: 'deflate', d: bomb }), Date.now() + 60_000);
    const store = onRows(rows, { compress: { maxInflatedBytes: 1_000_000 } });
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
    expect(await onRows(rows, {}).get('s')).toHaveProperty('x');
  });
});

describe('RST: changed options', () => {
  it('the first key writes, all of them read', async () => {
    const rows = new Rows();
    await onRows(rows, { encrypt: { keys: [keyA] } }).set('old', { n: 1 });
    const rotated = onRows(rows, { encrypt: { keys: [keyB, keyA] } });
    expect(await rotated.get('old')).toEqual({ n: 1 });
    await rotated.set('new', { n: 2 });
    await expect(onRows(rows, { encrypt: { keys: [keyA] } }).get('new')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
    expect(await onRows(rows, { encrypt: { keys: [keyB] } }).get('new')).toEqual({ n: 2 });
  });

  it('a save under the first key re-encrypts what another key wrote', async () => {
    const rows = new Rows();
    await onRows(rows, { encrypt: { keys: [keyA] } }).set('s', { n: 1 });
    const rotated = onRows(rows, { encrypt: { keys: [keyB, keyA] } });
    await rotated.update('s', (s) => void (s['n'] = 2));
    expect(await onRows(rows, { encrypt: { keys: [keyB] } }).get('s')).toEqual({ n: 2 });
  });

  it('plain text beside encrypt is read with acceptPlain alone', async () => {
    const rows = new Rows();
    await onRows(rows, {}).set('s', { admin: true });
    await expect(onRows(rows, { encrypt: { keys: [keyA] } }).get('s')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
    expect(await onRows(rows, { encrypt: { keys: [keyA], acceptPlain: true } }).get('s')).toEqual({ admin: true });
  });

  it('compress switched off still reads what it wrote', async () => {
    const rows = new Rows();
    const data = { text: 'x'.repeat(5000) };
    await onRows(rows, { compress: true }).set('s', data);
    expect(await onRows(rows, {}).get('s')).toEqual(data);
  });

  it('encrypt switched off cannot read, says so, leaves the value, and destroy works', async () => {
    const rows = new Rows();
    await onRows(rows, { encrypt: { keys: [keyA] } }).set('s', { n: 1 });
    const plain = onRows(rows, {});
    await expect(plain.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
    expect(await onRows(rows, { encrypt: { keys: [keyA] } }).get('s')).toEqual({ n: 1 });
    await plain.destroy('s');
    expect(rows.map.size).toBe(0);
  });

  it('a serializer reads what JSON wrote before it was set', async () => {
    const rows = new Rows();
    await onRows(rows, {}).set('s', { n: 1 });
    const serializer = {
      stringify: (s: object) => `v2:${JSON.stringify(s)}`,
      parse: (text: string) => {
        if (!text.startsWith('v2:')) throw new Error('not mine');
        return JSON.parse(text.slice(3)) as Record<string, unknown>;
      },
    };
    const store = onRows(rows, { serializer });
    expect(await store.get('s')).toEqual({ n: 1 });
    await store.set('t', { n: 2 });
    expect(payloadOf(rows, 't')).toBe('v2:{"n":2}');
    expect(await store.get('t')).toEqual({ n: 2 });
  });

  it('a serializer whose text is no JSON is wrapped where the backend takes JSON alone', async () => {
    const driver = new TestDriver(undefined, { payload: 'json' });
    const serializer = {
      stringify: (s: object) => `v2:${JSON.stringify(s)}`,
      parse: (text: string) => JSON.parse(text.slice(3)) as Record<string, unknown>,
    };
    const store = new TestStore(driver, { serializer });
    await store.set('s', { n: 1 });
    expect(JSON.parse(payloadOf(driver.rows, 's'))).toMatchObject({ $sessile: 1 });
    expect(await store.get('s')).toEqual({ n: 1 });
  });
});

describe('RST: tampering', () => {
  it('ciphertexts cannot be swapped between sessions', async () => {
    const rows = new Rows();
    const store = onRows(rows, { encrypt: { keys: [keyA] } });
    await store.set('user', { admin: false });
    await store.set('admin', { admin: true });
    rows.map.set('user', { ...rows.map.get('admin')! });
    await expect(store.get('user')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
  });

  it('nor under hashed ids, whose walks still read', async () => {
    const rows = new Rows();
    const store = onRows(rows, { encrypt: { keys: [keyA] }, hashIds: true });
    await store.set('user', { admin: false });
    await store.set('admin', { admin: true });
    expect(await store.all()).toEqual({ [hashed('user')]: { admin: false }, [hashed('admin')]: { admin: true } });
    rows.map.set(hashed('user'), { ...rows.map.get(hashed('admin'))! });
    await expect(store.get('user')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
  });

  it('a changed bit, key name or compression mark is found', async () => {
    const rows = new Rows();
    const store = onRows(rows, { encrypt: { keys: [keyA, keyB] }, compress: { aboveBytes: 1 } });
    await store.set('s', { text: 'x'.repeat(300) });
    const good = JSON.parse(payloadOf(rows, 's')) as { d: string; k: string; z: string };
    const flipped = Buffer.from(good.d, 'base64');
    flipped[flipped.length - 1]! ^= 1;
    for (const bad of [
      { ...good, d: flipped.toString('base64') },
      { ...good, z: undefined },
      { ...good, k: 'other' },
      { ...good, d: '' },
    ]) {
      rows.put('s', JSON.stringify(bad), Date.now() + 60_000);
      await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
    }
  });
});

describe('RST: values that cannot be read', () => {
  const broken = ['', 'nonsense', '[1]', 'null', '"text"', '{"cut":'];

  it.each(broken)('%j: get throws, all leaves it out and tells, destroy and set work', async (payload) => {
    const rows = new Rows();
    const store = onRows(rows, {});
    const told: unknown[] = [];
    store.on('error', (error) => told.push(error));
    await store.set('good', { n: 1 });
    rows.put('bad', payload, Date.now() + 60_000);
    await expect(store.get('bad')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE', operation: 'get' });
    expect(await store.all()).toEqual({ good: { n: 1 } });
    expect(told).toMatchObject([{ code: 'ERR_STORE_DECODE' }]);
    await store.set('bad', { n: 2 });
    expect(await store.get('bad')).toEqual({ n: 2 });
    rows.put('bad', payload, Date.now() + 60_000);
    await store.destroy('bad');
    expect(rows.map.has('bad')).toBe(false);
  });

  it('a merge onto one rejects and leaves it', async () => {
    const rows = new Rows();
    const store = onRows(rows, {});
    await store.set('s', { n: 1 });
    const loaded = (await store.get('s'))!;
    rows.put('s', 'nonsense', Date.now() + 60_000);
    loaded['n'] = 2;
    await expect(store.set('s', loaded)).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
    expect(payloadOf(rows, 's')).toBe('nonsense');
  });

  it("onUnreadable: 'discard' says null, tells, and leaves the value for the key that will be back", async () => {
    const rows = new Rows();
    rows.put('s', 'nonsense', Date.now() + 60_000);
    const store = onRows(rows, { onUnreadable: 'discard' });
    const told: unknown[] = [];
    store.on('error', (error) => told.push(error));
    expect(await store.get('s')).toBeNull();
    expect(await store.update('s', () => {})).toBeNull();
    expect(payloadOf(rows, 's')).toBe('nonsense');
    expect(told).toHaveLength(2);
  });
});

describe('RST: hashIds', () => {
  it('the backend sees a marked hash, and everything works by sid', async () => {
    const rows = new Rows();
    const store = onRows(rows, { hashIds: true });
    await store.set('sid', { n: 1 });
    expect([...rows.map.keys()]).toEqual([hashed('sid')]);
    expect(await store.get('sid')).toEqual({ n: 1 });
    expect(await store.touch('sid')).toBe(true);
    expect(await store.ids()).toEqual([hashed('sid')]);
    expect(await store.revoke(hashed('sid'))).toBe(true);
    expect(await store.revoke(hashed('sid'))).toBe(false);
    expect(await store.get('sid')).toBeNull();
  });

  it.each<SessionStoreOptions>([{ hashIds: true }, {}, { hashIds: { readPlainUntil: '2999-01-01' } }])(
    'a stolen hash opens nothing, whatever is on: %j',
    async (options) => {
      const rows = new Rows();
      await onRows(rows, { hashIds: true }).set('sid', { n: 1 });
      const store = onRows(rows, options);
      const stolen = hashed('sid');
      expect(await store.get(stolen)).toBeNull();
      expect(await store.get(stolen, { extendMs: 1000 })).toBeNull();
      expect(await store.touch(stolen)).toBe(false);
      expect(await store.update(stolen, () => {})).toBeNull();
      await store.destroy(stolen);
      await expect(store.set(stolen, {})).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
      expect(rows.map.size).toBe(1);
    },
  );

  describe('while sessions from before the switch are still found', () => {
    const moving = { hashIds: { readPlainUntil: new Date(Date.now() + 3_600_000) } };

    it('get finds them, set moves them, and nothing is left behind', async () => {
      const rows = new Rows();
      await onRows(rows, {}).set('sid', session(60_000, { n: 1 }));
      const store = onRows(rows, moving);
      const loaded = (await store.get('sid'))!;
      expect(loaded['n']).toBe(1);
      loaded['n'] = 2;
      await store.set('sid', loaded);
      expect([...rows.map.keys()]).toEqual([hashed('sid')]);
      expect((await store.get('sid'))!['n']).toBe(2);
      expect(await store.update('sid', (s) => void (s['n'] += 1))).toMatchObject({ n: 3 });
    });

    it('an upsert removes the plain one', async () => {
      const rows = new Rows();
      await onRows(rows, {}).set('sid', { n: 1 });
      await onRows(rows, moving).set('sid', { n: 2 });
      expect([...rows.map.keys()]).toEqual([hashed('sid')]);
    });

    it('destroy and touch act on both keys', async () => {
      const rows = new Rows();
      const store = onRows(rows, moving);
      await onRows(rows, {}).set('sid', {}, 1000);
      expect(await store.touch('sid', undefined, 60_000)).toBe(true);
      expect(rows.map.get('sid')!.expiresAt).toBeGreaterThan(Date.now() + 50_000);
      await store.destroy('sid');
      expect(rows.map.size).toBe(0);
    });

    it('a logout during a moving save stays a logout', async () => {
      const rows = new Rows();
      await onRows(rows, {}).set('sid', { n: 1 });
      const store = onRows(rows, moving);
      const other = onRows(rows, moving);
      const loaded = (await store.get('sid'))!;
      store.driver.hold = (verb, [key]) => verb === 'write' && key === hashed('sid');
      loaded['n'] = 2;
      const saving = store.set('sid', loaded);
      await store.driver.holding(1);
      await other.destroy('sid');
      store.driver.releaseAll();
      await saving;
      expect(rows.map.size).toBe(0);
    });

    it('two requests that both move it keep the keys of both', async () => {
      const rows = new Rows();
      await onRows(rows, {}).set('sid', { n: 1 });
      const [one, two] = [onRows(rows, moving), onRows(rows, moving)];
      const a = (await one.get('sid'))!;
      const b = (await two.get('sid'))!;
      a['a'] = 1;
      b['b'] = 2;
      await one.set('sid', a);
      await two.set('sid', b);
      expect(await one.get('sid')).toEqual({ n: 1, a: 1, b: 2 });
    });

    it('ends at its date', async () => {
      const rows = new Rows();
      await onRows(rows, {}).set('sid', { n: 1 });
      expect(await onRows(rows, { hashIds: { readPlainUntil: new Date(Date.now() - 1) } }).get('sid')).toBeNull();
    });
  });
});
