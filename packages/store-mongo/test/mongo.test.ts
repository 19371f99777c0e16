import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ConnectMongo as PeerStore5, MongoClient as MongoClient6 } from '@sessile/mongodb-6';
import { MongoStore, type MongoStoreOptions } from '@sessile/store-mongo';
import { assertMove, backend, codeOf, namespace, proxyTo } from '@sessile/testkit';
import PeerStore6, { createWebCryptoAdapter } from 'connect-mongo';
import type session from 'express-session';
import { Binary, Decimal128, Long, MongoClient, ObjectId } from 'mongodb';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { withCollation, withoutPipelines, withoutTtl } from './fixtures/old-server.js';

const mongo = await backend('mongo');
const isMissing = mongo.skip !== undefined;
const url = mongo.url ?? 'mongodb://localhost';
const title = `MongoDB (${mongo.skip ?? mongo.from})`;
const run = promisify(execFile);
const writer = fileURLToPath(new URL('fixtures/writer.mjs', import.meta.url));

const DAY_MS = 86_400_000;
const database = 'kit';

const client = new MongoClient(url);
const client6 = new MongoClient6(url);
afterAll(() => Promise.all([client.close(), client6.close()]));
const rows = (name: string) => client.db(database).collection<any>(name);

function open(options: MongoStoreOptions = {}): MongoStore {
  const own = 'url' in options || 'client' in options || 'collection' in options;
  const place = 'collection' in options ? {} : { database, collectionName: namespace() };
  const store = new MongoStore({ ...(own ? {} : { client }), ...place, pruneEveryMs: false, ...options });
  onTestFinished(() => store.close());
  return store;
}

function clientOf(address: string, options: object = {}): MongoClient {
  const made = new MongoClient(address, options);
  onTestFinished(() => made.close());
  return made;
}

/** connect-mongo in both versions, each on the client that it is made for. */
const PEERS: [string, (collectionName: string, options?: object) => session.Store][] = [
  ['connect-mongo 6', (collectionName, options) => PeerStore6.create({ client, dbName: database, collectionName, ...options })],
  ['connect-mongo 5', (collectionName, options) => PeerStore5.create({ client: client6, dbName: database, collectionName, ...options })],
];

/** A method of a callback store as a promise. */
function asked<R>(store: session.Store, verb: 'get' | 'set' | 'touch' | 'destroy', ...args: unknown[]): Promise<R> {
  return new Promise((resolve, reject) => {
    (store as any)[verb](...args, (error: unknown, result: R) => (error ? reject(error as Error) : resolve(result)));
  });
}

const cookie = (ms = DAY_MS) => ({ originalMaxAge: ms, expires: new Date(Date.now() + ms), httpOnly: true, path: '/' });

function silenced(): void {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  onTestFinished(() => warned.mockRestore());
}

describe.skipIf(isMissing)(`${title}: the index`, () => {
  it("is connect-mongo's, in a collection by a name of any letters", async () => {
    const collectionName = `ses'sion "x" é😀 ${namespace()}`;
    const store = open({ collectionName });
    await store.set('s', { n: 1 });
    expect(await store.get('s')).toEqual({ n: 1 });
    expect(await rows(collectionName).indexes()).toMatchObject([
      { key: { _id: 1 } },
      { key: { expires: 1 }, name: 'expires_1', expireAfterSeconds: 0 },
    ]);
    await expect(rows(collectionName).createIndex({ expires: 1 }, { expireAfterSeconds: 0 })).resolves.toBe('expires_1');
  });

  it('is made once by ten processes at once', async () => {
    const name = namespace();
    const ends = await Promise.all(Array.from({ length: 10 }, () => run(process.execPath, [writer, url, name, '1'])));
    expect(ends.every(({ stderr }) => stderr === '')).toBe(true);
    expect(await rows(name).indexes()).toHaveLength(2);
  });

  it.each([
    ['an hour', { expireAfterSeconds: 3600 }],
    ['no TTL', {}],
  ])('of %s is an error that says what to do, until it is gone', async (_what, options) => {
    const collectionName = namespace();
    await rows(collectionName).createIndex({ expires: 1 }, options);
    const store = open({ collectionName });
    await expect(store.get('s')).rejects.toMatchObject({
      code: 'ERR_STORE_SCHEMA',
      message: expect.stringMatching(/expires_1.*ttlIndex: false/),
    });
    expect(await open({ collectionName, ttlIndex: false }).get('s')).toBeNull();
    await rows(collectionName).dropIndex('expires_1');
    expect(await store.get('s')).toBeNull();
  });

  it('is not made where that is not wanted, or where the server has none; pruning works all the same', async () => {
    const [one, two] = [namespace(), namespace()];
    const stores = [open({ collectionName: one, ttlIndex: false }), open({ collection: withoutTtl(rows(two)) })];
    for (const [index, store] of stores.entries()) {
      const name = [one, two][index] as string;
      await store.set('live', { n: 1 });
      expect(await rows(name).indexes()).toHaveLength(1);
      const old = Array.from({ length: 2500 }, (_, n) => ({ _id: `old${n}`, session: '{}', expires: new Date(Date.now() - 1000) }));
      await rows(name).insertMany([...old, { _id: 'ever', session: '{}' }]);
      expect(await store.length()).toBe(2);
      expect(await store.prune()).toBe(2500);
      expect((await store.ids()).toSorted()).toEqual(['ever', 'live']);
      expect(await rows(name).countDocuments()).toBe(2);
    }
  });
});

describe.skipIf(isMissing)(`${title}: what is dropped while a store runs`, () => {
  it.each([
    ['the index', (name: string) => rows(name).dropIndex('expires_1')],
    ['the collection', (name: string) => rows(name).drop()],
  ])('%s: sessions are stored and read on, and pruning makes the index again', async (_what, drop) => {
    const collectionName = namespace();
    const store = open({ collectionName });
    await store.set('s', { n: 1 });
    await drop(collectionName);
    await store.set('t', { n: 2 });
    expect(await store.get('t')).toEqual({ n: 2 });
    expect(await store.prune()).toBe(0);
    expect(await rows(collectionName).indexes()).toMatchObject([{ key: { _id: 1 } }, { key: { expires: 1 }, expireAfterSeconds: 0 }]);
  });

  it('no index is made where none is wanted', async () => {
    const collectionName = namespace();
    const store = open({ collectionName, ttlIndex: false });
    await store.set('s', { n: 1 });
    await store.prune();
    expect(await rows(collectionName).indexes()).toHaveLength(1);
  });
});

describe.skipIf(isMissing)(`${title}: the collation`, () => {
  it('by which two session ids are one is refused; a simple one is none', async () => {
    const collation = { locale: 'en', strength: 2 };
    const store = open({ collection: withCollation(rows(namespace()), collation) });
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_SCHEMA', message: expect.stringContaining('collation (en)') });
    expect(await open({ collection: withCollation(rows(namespace()), { locale: 'simple' }) }).get('s')).toBeNull();
  });
});

describe.skipIf(isMissing)(`${title}: time`, () => {
  it('a document past its expiry is invisible before the server removes it', async () => {
    const collectionName = namespace();
    const store = open({ collectionName });
    await store.get('s');
    await rows(collectionName).insertOne({ _id: 's', session: '{"n":1}', expires: new Date(Date.now() - 1000) });
    expect(await store.get('s')).toBeNull();
    expect(await store.get('s', { extendMs: DAY_MS })).toBeNull();
    expect(await store.touch('s', undefined, DAY_MS)).toBe(false);
    expect(await store.update('s', (found) => found)).toBeNull();
    expect([await store.length(), await store.ids(), await store.all()]).toEqual([0, [], {}]);
    expect(await store.revoke('s')).toBe(false);
    await store.set('s', { n: 2 });
    expect(await store.get('s')).toEqual({ n: 2 });
  });

  it("goes by the server's clock, not by this process's", async () => {
    const collectionName = namespace();
    const store = open({ collectionName });
    await store.set('before', { n: 1 }, 60_000);
    const start = Date.now();
    const ahead = vi.spyOn(Date, 'now').mockReturnValue(start + 3_600_000);
    onTestFinished(() => ahead.mockRestore());
    await store.set('s', { n: 1 }, 60_000);
    expect(await store.get('before')).toEqual({ n: 1 });
    const row = await rows(collectionName).findOne({ _id: 's' });
    expect(Math.abs(row?.['expires'] - start - 60_000)).toBeLessThan(20_000);
  });

  it('keeps a session for ever, and for 250,000 years; a document without expires never ends', async () => {
    const collectionName = namespace();
    const store = open({ collectionName });
    await store.set('ever', { n: 1 }, Infinity);
    await store.set('long', { n: 2 }, 250_000 * 365 * DAY_MS);
    await rows(collectionName).insertOne({ _id: 'bare', session: '{"n":3}' });
    expect(await rows(collectionName).findOne({ _id: 'ever' })).toEqual({ _id: 'ever', session: '{"n":1}' });
    expect(await store.all()).toEqual({ ever: { n: 1 }, long: { n: 2 }, bare: { n: 3 } });
    expect(await store.length()).toBe(3);
    expect(await store.prune()).toBe(0);
    expect(await store.get('bare', { extendMs: 60_000 })).toEqual({ n: 3 });
    expect(await rows(collectionName).findOne({ _id: 'bare' })).toEqual({ _id: 'bare', session: '{"n":3}' });
    await store.set('ever', { n: 4 }, 60_000);
    expect((await rows(collectionName).findOne({ _id: 'ever' }))?.['expires']).toBeInstanceOf(Date);
  });

  it("goes by this process's clock where the server takes no pipelines, and keeps every promise but that", async () => {
    const name = namespace();
    const store = open({ collection: withoutPipelines(rows(name)) });
    const start = Date.now();
    const ahead = vi.spyOn(Date, 'now').mockReturnValue(start + 3_600_000);
    await store.set('s', { n: 1 }, 60_000);
    ahead.mockRestore();
    const row = await rows(name).findOne({ _id: 's' });
    expect(Math.abs(row?.['expires'] - start - 3_660_000)).toBeLessThan(20_000);
    const [one, two] = [(await store.get('s'))!, (await store.get('s'))!];
    await Promise.all([store.set('s', { ...one, plain: 1 }), store.set('t', two)]);
    const loaded = (await store.get('s'))!;
    loaded['seen'] = true;
    await store.set('s', loaded);
    expect(await store.get('s')).toEqual({ n: 1, plain: 1, seen: true });
  });
});

describe.skipIf(isMissing)(`${title}: what a session may hold`, () => {
  const AWKWARD = {
    name: '$_id',
    now: '$$NOW',
    $set: { x: 1 },
    'a.b': { $gt: '' },
    '': 0,
    nul: 'a\0b',
    emoji: '😀',
    _bsontype: 'ObjectId',
    nested: { _bsontype: 'Long', low: 1, list: [{ $ne: null }] },
    backslash: '\\ud800 \\u0000',
    big: 1.5e300,
    whole: 2 ** 53,
    empty: {},
    none: [],
    ['__proto__']: 0,
    own: JSON.parse('{"__proto__":{"polluted":true}}'),
  };

  it.each([true, false])('operators, marks and odd keys are data, stringify: %s', async (stringify) => {
    const collectionName = namespace();
    const [one, two] = [open({ collectionName, stringify }), open({ collectionName, stringify })];
    const text = JSON.stringify(AWKWARD);
    await one.set('s', AWKWARD);
    expect(JSON.stringify(await two.get('s'))).toBe(text);
    const [mine, theirs] = [(await one.get('s'))!, (await two.get('s'))!];
    mine['mine'] = { $inc: 1 };
    theirs['theirs'] = '$session';
    await Promise.all([one.set('s', mine), two.set('s', theirs)]);
    const merged = (await one.get('s'))!;
    expect([merged['mine'], merged['theirs'], merged['name']]).toEqual([{ $inc: 1 }, '$session', '$_id']);
    expect(({} as any).polluted).toBeUndefined();
    await Promise.all(Array.from({ length: 32 }, (_, n) => one.set(`s${n}`, AWKWARD)));
    expect(JSON.stringify(await one.get('s31'))).toBe(text);
  });

  it('a sid that is no string finds nothing and reaches no query', async () => {
    const store = open();
    await store.set('s', { n: 1 });
    for (const sid of [{ $ne: null }, { $gt: '' }, ['s'], 1, null]) {
      await expect(store.get(sid as never)).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
      await expect(store.destroy(sid as never)).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
    }
    expect(await store.length()).toBe(1);
  });

  it.each(['a\0b', '{"$ne":null}', '$_id', '*', '.', `'"`, '😀'.repeat(256)])('keeps the sid %j', async (sid) => {
    const store = open();
    await store.set(sid, { n: 1 });
    await store.set('other', { n: 2 });
    expect(await store.get(sid)).toEqual({ n: 1 });
    expect((await store.ids()).toSorted()).toEqual([sid, 'other'].toSorted());
    await store.destroy(sid);
    expect([await store.get(sid), await store.length()]).toEqual([null, 1]);
  });

  it.each([
    ['NUL in a key', { a: { '\0': 1 } }],
    ['a lone surrogate', { a: '\ud800' }],
  ])('%s: a text holds it; a document does not, is left as it was, and the neighbours of the batch are saved', async (_what, bad) => {
    const texts = open();
    await texts.set('s', bad);
    expect(await texts.get('s')).toEqual(bad);
    const documents = open({ stringify: false });
    await documents.set('s7', { kept: true });
    const ends = await Promise.allSettled(Array.from({ length: 32 }, (_, n) => documents.set(`s${n}`, n === 7 ? bad : { n })));
    expect(ends[7]).toMatchObject({
      status: 'rejected',
      reason: { code: 'ERR_STORE_ENCODE', message: expect.stringContaining('stringify: true') },
    });
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(31);
    expect(await documents.get('s7')).toEqual({ kept: true });
    expect(await documents.get('s8')).toEqual({ n: 8 });
  });

  it.each([true, false])('as much as a document holds, and says so of more, stringify: %s', async (stringify) => {
    const store = open({ stringify, timeoutMs: 20_000 });
    const text = 'x'.repeat(store.traits.maxPayloadBytes - 20);
    const small = { n: 1 };
    await store.set('s', small);
    await expect(store.set('s', { text: `${text}${text}` })).rejects.toMatchObject({ code: 'ERR_STORE_PAYLOAD_TOO_LARGE' });
    expect(await store.get('s')).toEqual(small);
    await store.set('x'.repeat(1024), { text });
    const loaded = (await store.get('x'.repeat(1024)))!;
    expect(loaded['text']).toBe(text);
    // Old and new do not fit into one command.
    loaded['text'] = text.replaceAll('x', 'y');
    await expect(store.set('x'.repeat(1024), loaded)).rejects.toMatchObject({
      code: 'ERR_STORE_PAYLOAD_TOO_LARGE',
      message: expect.stringContaining('together'),
    });
  });

  it('leaves documents with other ids alone', async () => {
    const collectionName = namespace();
    const store = open({ collectionName });
    await rows(collectionName).insertMany([{ _id: new ObjectId() }, { _id: 5 }]);
    await store.set('s', { n: 1 });
    expect([await store.length(), await store.ids()]).toEqual([1, ['s']]);
    await store.clear();
    expect(await rows(collectionName).countDocuments()).toBe(2);
  });

  it('clears thousands, in pages', async () => {
    const collectionName = namespace();
    const store = open({ collectionName });
    await rows(collectionName).insertMany(Array.from({ length: 2500 }, (_, n) => ({ _id: `s${n}`, session: '{}' })));
    expect(await store.length()).toBe(2500);
    expect(Object.keys(await store.all())).toHaveLength(2500);
    await store.clear();
    expect(await rows(collectionName).countDocuments()).toBe(0);
  });
});

describe.skipIf(isMissing).each(PEERS)(`${title}: the data of %s`, (_name, peer) => {
  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('is read, extended and replaced by ours: theirs stringify %s, ours %s', async (theirs, stringify) => {
    const collectionName = namespace();
    const old = peer(collectionName, { stringify: theirs });
    await asked(old, 'set', 's', { cookie: cookie(), user: 'ada', 'a.b': { $set: 1 }, when: new Date(0) });
    const ours = open({ collectionName, stringify });
    const loaded = (await ours.get('s'))!;
    expect(loaded).toMatchObject({ user: 'ada', 'a.b': { $set: 1 }, when: '1970-01-01T00:00:00.000Z', cookie: { originalMaxAge: DAY_MS } });
    expect(Math.abs(Date.parse(loaded['cookie'].expires) - Date.now() - DAY_MS)).toBeLessThan(3000);
    expect(await ours.touch('s', undefined, 2 * DAY_MS)).toBe(true);
    loaded['seen'] = true;
    await ours.set('s', loaded);
    const row = await rows(collectionName).findOne({ _id: 's' });
    expect(typeof row?.['session']).toBe(stringify ? 'string' : 'object');
    expect(Math.abs(row?.['expires'] - Date.now() - 2 * DAY_MS)).toBeLessThan(3000);
    if (theirs === stringify) expect(await asked(old, 'get', 's')).toMatchObject({ user: 'ada', seen: true, 'a.b': { $set: 1 } });
    await ours.destroy('s');
    expect(await asked(old, 'get', 's')).toBeNull();
  });

  it.each([true, false])('may be ours: the peer reads, touches and destroys, stringify: %s', async (stringify) => {
    const collectionName = namespace();
    const ours = open({ collectionName, stringify });
    await ours.set('s', { cookie: cookie(), user: 'ada', text: 'é😀' });
    await ours.set('ever', { user: 'bob' }, Infinity);
    const theirs = peer(collectionName, { stringify });
    expect(await asked(theirs, 'get', 's')).toMatchObject({ user: 'ada', text: 'é😀' });
    expect(await asked(theirs, 'get', 'ever')).toMatchObject({ user: 'bob' });
    await asked(theirs, 'touch', 's', { cookie: cookie(2 * DAY_MS) });
    const row = await rows(collectionName).findOne({ _id: 's' });
    expect(Math.abs(row?.['expires'] - Date.now() - 2 * DAY_MS)).toBeLessThan(3000);
    await asked(theirs, 'destroy', 's');
    expect(await ours.get('s')).toBeNull();
  });

  it.each([true, false])('encrypted by its crypto cannot be read: one clear error, and it stays, stringify: %s', async (stringify) => {
    const collectionName = namespace();
    await asked(peer(collectionName, { stringify, crypto: { secret: 'A-Squirrel-0123456789!' } }), 'set', 's', {
      cookie: cookie(),
      user: 'ada',
    });
    await expectUnreadable(collectionName);
  });

  it.each([true, false])('a site moves to ours, back, and one server at a time, stringify: %s', async (stringify) => {
    const collectionName = namespace();
    const ours = open({ collectionName, stringify });
    await ours.ping();
    await assertMove({
      theirs: peer(collectionName, { stringify }),
      ours,
      left: async (sid) => ((await rows(collectionName).findOne({ _id: sid }))?.['expires'] as number) - Date.now(),
    });
  });
});

describe.skipIf(isMissing)(`${title}: sessions that connect-mongo encrypted`, () => {
  it('are written anew by the program of the page for moving', async () => {
    const own = namespace();
    const secret = 'A-Squirrel-0123456789!';
    const theirs = PeerStore6.create({ client, dbName: own, crypto: { secret } });
    for (const user of ['ada', 'bob']) await asked(theirs, 'set', user, { cookie: cookie(), user });
    const { href } = Object.assign(new URL(url), { pathname: `/${own}` });
    const env = { ...process.env, MONGODB_URI: href, CRYPTO_SECRET: secret };
    const { stdout } = await run(process.execPath, [codeOf('docs/migrating/from-connect-mongo.md', 'CRYPTO_SECRET')], { env });
    expect(stdout).toBe('2 sessions\n');
    const ours = open({ client, database: own, collectionName: 'sessions' });
    const found = await ours.get('ada');
    expect(found).toMatchObject({ user: 'ada', cookie: { originalMaxAge: DAY_MS } });
    expect(Math.abs(Date.parse(found!['cookie'].expires) - Date.now() - DAY_MS)).toBeLessThan(30_000);
    await client.db(own).dropDatabase();
  });
});

async function expectUnreadable(collectionName: string): Promise<void> {
  const before = await rows(collectionName).findOne({ _id: 's' });
  const store = open({ collectionName });
  const unreadable = { code: 'ERR_STORE_DECODE', message: expect.stringContaining('encrypted with a key') };
  await expect(store.get('s')).rejects.toMatchObject(unreadable);
  await expect(store.update('s', (found) => found)).rejects.toMatchObject(unreadable);
  expect(await open({ collectionName, onUnreadable: 'discard' }).get('s')).toBeNull();
  expect(await store.all()).toEqual({});
  expect(await rows(collectionName).findOne({ _id: 's' })).toEqual(before);
  await store.destroy('s');
  expect(await rows(collectionName).countDocuments()).toBe(0);
}

describe.skipIf(isMissing)(`${title}: foreign values`, () => {
  it("connect-mongo's Web Crypto adapter cannot be read either", async () => {
    const collectionName = namespace();
    const cryptoAdapter = createWebCryptoAdapter({ secret: 'squirrel', iterations: 1000 });
    await asked(PeerStore6.create({ client, dbName: database, collectionName, cryptoAdapter }), 'set', 's', { cookie: cookie() });
    await expectUnreadable(collectionName);
  });

  it('types that JSON has not are read as JSON has them, and a save compares them all the same', async () => {
    const collectionName = namespace();
    const id = new ObjectId();
    const types = {
      id,
      when: new Date(5),
      bin: new Binary(Buffer.from('ab')),
      dec: Decimal128.fromString('1.5'),
      long: Long.fromNumber(7),
      re: /x/i,
      nan: NaN,
    };
    await rows(collectionName).insertOne({ _id: 's', session: { types, n: 1 } });
    const store = open({ collectionName, stringify: false });
    const loaded = (await store.get('s'))!;
    expect(loaded['types']).toMatchObject({ id: id.toHexString(), when: '1970-01-01T00:00:00.005Z', bin: 'YWI=', long: 7, nan: null });
    loaded['n'] = 2;
    await store.set('s', loaded);
    expect(await store.get('s')).toMatchObject({ n: 2, types: { id: id.toHexString() } });
  });

  it.each([
    ['a number', 5],
    ['null', null],
    ['a list', [1]],
    ['no JSON', 'x{'],
  ])('%s in place of a session is ERR_STORE_DECODE', async (_what, value) => {
    const collectionName = namespace();
    const store = open({ collectionName });
    await rows(collectionName).insertMany([{ _id: 's', session: value as any }, { _id: 'missing' }]);
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
    await expect(store.get('missing')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
    expect(await store.all()).toEqual({});
  });

  it('other fields of a document stay', async () => {
    const collectionName = namespace();
    const store = open({ collectionName });
    await rows(collectionName).insertOne({ _id: 's', session: '{"n":1}', createdAt: 'then' });
    const loaded = (await store.get('s'))!;
    loaded['n'] = 2;
    await store.set('s', loaded);
    expect(await rows(collectionName).findOne({ _id: 's' })).toMatchObject({ createdAt: 'then', session: '{"n":2}' });
  });
});

describe.skipIf(isMissing)(`${title}: several processes`, () => {
  it('eight of them write, touch, destroy and prune the same sixty sessions in other orders: no error, no lost update', async () => {
    const collectionName = namespace();
    await open({ collectionName }).set('counter', { count: 0 });
    const ends = await Promise.all(Array.from({ length: 8 }, () => run(process.execPath, [writer, url, collectionName, '5000'])));
    const counts = ends.map(({ stdout }) => JSON.parse(stdout) as { writes: number; updates: number });
    expect(await open({ collectionName }).get('counter')).toEqual({ count: counts.reduce((sum, { updates }) => sum + updates, 0) });
    expect(counts.every(({ writes }) => writes > 40)).toBe(true);
  }, 60_000);

  it('a logout at the moment of a save or a touch is done', async () => {
    const collectionName = namespace();
    const stores = [open({ collectionName }), open({ collectionName })] as const;
    for (let n = 0; n < 100; n += 1) {
      await stores[0].set(`s${n}`, { n });
      const loaded = (await stores[1].get(`s${n}`))!;
      loaded['late'] = true;
      await Promise.all([stores[0].destroy(`s${n}`), n % 2 === 0 ? stores[1].set(`s${n}`, loaded) : stores[1].touch(`s${n}`)]);
      expect(await stores[1].get(`s${n}`)).toBeNull();
    }
  });
});

describe.skipIf(isMissing)(`${title}: clients`, () => {
  it('a promise of a client does, and a failed one is an error of each call', async () => {
    const store = open({ client: Promise.resolve(client) });
    await store.set('s', { n: 1 });
    expect(await store.get('s')).toEqual({ n: 1 });
    const broken = open({ client: Promise.reject(new Error('no such host')) });
    await expect(broken.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_BACKEND' });
    await expect(broken.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_BACKEND' });
  });

  it('yours stays open, and keeps no listener of ours', async () => {
    const mine = clientOf(url);
    const listeners = () => mine.eventNames().length;
    const before = listeners();
    const store = open({ client: mine });
    await store.set('s', { n: 1 });
    await store.close();
    expect(await mine.db(database).command({ ping: 1 })).toMatchObject({ ok: 1 });
    expect(listeners()).toBe(before);
  });

  it.each(['MONGODB_URI', 'MONGO_URL'])('with no options goes to %s, and closes what it opened', async (variable) => {
    const proxy = await proxyTo(url);
    onTestFinished(() => proxy.close());
    vi.stubEnv(variable, proxy.url.replace('/?', '/fromurl?'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const store = new MongoStore();
    const sid = namespace();
    await store.set(sid, { n: 1 });
    await store.close();
    const there = client.db('fromurl').collection<any>('sessions');
    expect(await there.findOneAndDelete({ _id: sid })).toMatchObject({ session: '{"n":1}' });
  });

  it('mongodb 6 does as well, with texts and documents', async () => {
    for (const stringify of [true, false]) {
      const collectionName = namespace();
      const [store, other] = [open({ client: client6, collectionName, stringify }), open({ collectionName, stringify })];
      await Promise.all(Array.from({ length: 20 }, (_, n) => store.set(`s${n}`, { n, cookie: cookie() })));
      const [mine, theirs] = [(await store.get('s1'))!, (await other.get('s1'))!];
      mine['mine'] = { _bsontype: 'x' };
      theirs['theirs'] = true;
      await Promise.all([store.set('s1', mine), other.set('s1', theirs)]);
      expect(await store.get('s1')).toMatchObject({ n: 1, mine: { _bsontype: 'x' }, theirs: true });
      expect((await Promise.all(Array.from({ length: 20 }, (_, n) => store.touch(`s${n}`, undefined, DAY_MS)))).every(Boolean)).toBe(true);
      expect(await store.get('s2', { extendMs: DAY_MS })).toMatchObject({ n: 2 });
      await Promise.all([store.destroy('s3'), store.destroy('s4')]);
      expect([await store.length(), Object.keys(await store.all()).length]).toEqual([18, 18]);
      await store.clear();
      expect(await store.ids()).toEqual([]);
    }
  });

  it('one that writes without acknowledgement is warned of, and saves are acknowledged all the same', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => warned.mockRestore());
    const store = open({ client: clientOf(url, { writeConcern: { w: 0 } }) });
    await store.set('s', { n: 1 });
    const loaded = (await store.get('s'))!;
    loaded['n'] = 2;
    await store.set('s', loaded);
    expect(await store.get('s')).toEqual({ n: 2 });
    expect(await store.touch('s')).toBe(true);
    const ours = warned.mock.calls.filter(([, details]) => (details as any)?.code === 'SESSILE_UNACKNOWLEDGED');
    expect(ours).toHaveLength(1);
  });

  it('reads from the primary whatever the client prefers, and as it must whatever the client promotes', async () => {
    const commands: any[] = [];
    const mine = clientOf(url, { readPreference: 'secondaryPreferred', promoteValues: false, promoteLongs: false, monitorCommands: true });
    mine.on('commandStarted', ({ commandName, command }) => commands.push([commandName, command.$readPreference]));
    const store = open({ client: mine, stringify: false });
    await store.set('s', { n: 1, big: 2 ** 40 });
    expect(await store.get('s')).toEqual({ n: 1, big: 2 ** 40 });
    expect(
      commands.filter(([name]) => name === 'find').every(([, preference]) => (preference?.mode ?? 'primary').startsWith('primary')),
    ).toBe(true);
  });
});

describe.skipIf(isMissing)(`${title}: outages`, () => {
  it('connections that were dropped while idle are no outage', async () => {
    const proxy = await proxyTo(url);
    onTestFinished(() => proxy.close());
    const store = open({ url: proxy.url });
    const events: string[] = [];
    store.on('down', () => events.push('down'));
    await store.set('s', { n: 1 });
    proxy.drop();
    await vi.waitFor(async () => expect(await store.get('s')).toEqual({ n: 1 }), { timeout: 5000 });
    expect(events).toEqual([]);
  });

  it('a closed store asks nobody any more', async () => {
    silenced();
    const proxy = await proxyTo(url);
    onTestFinished(() => proxy.close());
    await proxy.refuse();
    const store = open({ url: proxy.url, timeoutMs: 300 });
    await expect(store.get('s')).rejects.toMatchObject({ retryable: true });
    await store.close();
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' });
    expect(store.status).toBe('closed');
  });

  it('no error quotes a session or its id', async () => {
    const proxy = await proxyTo(url);
    onTestFinished(() => proxy.close());
    const store = open({ url: proxy.url, timeoutMs: 500 });
    await store.set('secret-session-id', { password: 'secret-password' });
    await proxy.refuse();
    const errors = await Promise.all(
      ['get', 'destroy'].map((verb) => (store as any)[verb]('secret-session-id').catch((error: unknown) => error)),
    );
    errors.push(await store.set('secret-session-id', { password: 'secret-password' }).catch((error: unknown) => error));
    for (const error of errors)
      expect(JSON.stringify([error, String(error), error.stack, String(error.cause), error.cause?.stack])).not.toMatch(/secret/);
  });
});

describe('options', () => {
  it.each([
    [{ url: 'mysql://x' }, /url .* Pass 'mongodb:/],
    [{ client: {} }, /client .* Pass a MongoClient/],
    [{ collection: 'sessions' }, /collection .* collectionName/],
    [{ url: 'mongodb://u:secret@h/d', client }, /Pass one of/],
    [{ collectionName: '' }, /collectionName .* at least one letter/],
    [{ collection: client.db('x').collection('y'), database: 'z' }, /says both already/],
    [{ stringify: 1 }, /stringify .* true or false/],
    [{ ttlIndex: 'yes' }, /ttlIndex .* true or false/],
    [{ mongoUrl: 'x' }, /mongoUrl/],
  ])('%o is refused with a sentence, and without the address', (options, message) => {
    expect(() => new MongoStore(options as never)).toThrow(message);
    expect(() => new MongoStore(options as never)).not.toThrow(/secret/);
  });

  it('a URL that the client cannot use is said so at the first call, and not quoted', async () => {
    const store = open({ url: 'mongodb://u:se@cret@h:x/' });
    const error: any = await store.get('s').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_STORE_INVALID_OPTION' });
    expect(String(error.message)).not.toMatch(/cret/);
  });
});
