import { connect } from 'node:net';
import { StoredSessions } from '@sessile/core/stored';
import { MemcachedDriver, MemcachedStore, type MemcachedStoreOptions } from '@sessile/store-memcached';
import { assertMove, backend, namespace, ownServer } from '@sessile/testkit';
import connectMemcached from 'connect-memcached';
import session from 'express-session';
import Memcached from 'memcached';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

const memcached = await backend('memcached');
const second = await backend('memcached-second');
const url = memcached.url ?? '';
const isMissing = memcached.skip !== undefined || second.skip !== undefined;

const DAY_MS = 86_400_000;

function open(options: MemcachedStoreOptions = {}): MemcachedStore {
  const store = new MemcachedStore({ ...(options.client ? {} : { hosts: url }), prefix: `${namespace()}:`, ...options });
  onTestFinished(() => store.close());
  return store;
}

const hostOf = (address: string) => address.replace('memcached://', '');

function rawClient(address = url): Memcached {
  const client = new Memcached(hostOf(address));
  onTestFinished(() => client.end());
  return client;
}

/** What the peer writes and reads. */
function peer(prefix: string): session.Store {
  const PeerStore = connectMemcached(session) as unknown as new (options: object) => session.Store;
  return new PeerStore({ client: rawClient(), prefix });
}

const cookie = (ms = DAY_MS) => ({ originalMaxAge: ms, expires: new Date(Date.now() + ms), httpOnly: true, path: '/' });

/** An item's expiry in seconds since 1970, or -1, as the server's own dump tells it. */
async function expiryOf(key: string): Promise<number> {
  const dump = await say(url, 'lru_crawler metadump all\r\n', 'END\r\n');
  const line = dump.split('\n').find((text) => text.startsWith(`key=${encodeURIComponent(key)} `));
  return Number(/exp=(-?\d+)/.exec(line ?? '')?.[1]);
}

/** Sends a command as any program could, and reads until the answer ends. */
function say(address: string, command: string, end = '\r\n'): Promise<string> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(command));
    socket.on('data', (chunk) => {
      answer += String(chunk);
      if (answer.endsWith(end)) socket.end(() => resolve(answer));
    });
    socket.once('error', reject);
  });
}

const title = `memcached (${memcached.skip ?? memcached.from})`;

describe.skipIf(isMissing)(`${title}: keys`, () => {
  it.each([
    ['spaces and line breaks', 'a b\r\nset x 0 0 1\r\n'],
    ['NUL', 'a\0b'],
    ['emoji', '😀'],
    ['1,024 bytes', 'x'.repeat(1024)],
    ['1,024 bytes of emoji', '😀'.repeat(256)],
    ["our own mark's letters", '~u:a%20b'],
    ["the package's own field", 'cas'],
    ['a prototype', '__proto__'],
  ])('keeps a sid with %s apart', async (_what, sid) => {
    const store = open();
    await store.set(sid, { mine: true });
    await store.set(`z${Array.from(sid).slice(1).join('')}`, { other: true });
    expect(await store.get(sid)).toEqual({ mine: true });
    await store.destroy(sid);
    expect(await store.get(sid)).toBeNull();
    expect(await store.length()).toBe(1);
  });

  it('takes no sid for what stands for another one', async () => {
    const store = open();
    await store.set('a b', { mine: true });
    expect(await store.get('~u:a%20b')).toBeNull();
    expect(await store.ids()).toEqual(['a b']);
  });

  it('lists a sid that is too long for a key by what stands for it', async () => {
    const store = open();
    await store.set('x'.repeat(300), { mine: true });
    expect(await store.ids()).toEqual([expect.stringMatching(/^~h:[\w-]{43}$/)]);
    expect(await store.length()).toBe(1);
  });

  it('refuses a prefix that cannot be part of a key', () => {
    expect(() => open({ prefix: 'a b' })).toThrow(/prefix.*visible ASCII/s);
    expect(() => open({ prefix: 'x'.repeat(151) })).toThrow(/at most 150/);
  });
});

describe.skipIf(isMissing)(`${title}: time`, () => {
  it.each([
    ['a minute', 60_000],
    ['30 days', 30 * DAY_MS],
    ['a year', 365 * DAY_MS],
  ])('stores %s as it is given, rounded up by at most two seconds', async (_what, ttlMs) => {
    const prefix = `${namespace()}:`;
    const store = open({ prefix });
    const before = Date.now();
    await store.set('s', { n: 1 }, ttlMs);
    const exp = await expiryOf(`${prefix}s`);
    expect(exp * 1000).toBeGreaterThanOrEqual(before + ttlMs - 1000);
    expect(exp * 1000).toBeLessThanOrEqual(Date.now() + ttlMs + 3000);
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it.each([
    ['for ever', Infinity],
    ['a hundred years, which do not fit into its 32 bits', 100 * 365 * DAY_MS],
  ])('keeps a session %s without an expiry', async (_what, ttlMs) => {
    const prefix = `${namespace()}:`;
    const store = open({ prefix });
    await store.set('s', { n: 1 }, ttlMs);
    expect(await expiryOf(`${prefix}s`)).toBe(-1);
  });

  it('moves the date in the session and the expiry together, by compare-and-set', async () => {
    const prefix = `${namespace()}:`;
    const store = open({ prefix });
    await store.set('s', { cookie: cookie(60_000) });
    const loaded = (await store.get('s'))!;
    loaded['cookie'].expires = new Date(Date.now() + DAY_MS);
    expect(await store.touch('s', loaded)).toBe(true);
    expect((await expiryOf(`${prefix}s`)) * 1000).toBeGreaterThan(Date.now() + DAY_MS - 5000);
    const moved = Date.parse((await store.get('s'))!['cookie'].expires);
    expect(Math.abs(moved - loaded['cookie'].expires.getTime())).toBeLessThan(50);
  });
});

describe.skipIf(isMissing)(`${title}: walks`, () => {
  it('that are read slowly hold up nobody: the server gets rid of its list at once', async () => {
    // More than what the network holds on its way.
    const count = 40_000;
    const sids = Array.from({ length: count }, (_, n) => `${n}-${'x'.repeat(200)}`);
    const store = open({ ttlMs: 600_000 });
    await Promise.all(sids.map((sid) => store.set(sid, {})));
    const walk = store.entries();
    await walk.next();
    const other = open({ prefix: `${namespace()}:` });
    const asked = Array.from({ length: 1000 }, (_, n) => other.get(`nobody-${n}`));
    expect(await Promise.all(asked)).toEqual(asked.map(() => null));
    expect(await store.get(sids[count - 1] as string)).toMatchObject({});
    await walk.return(undefined);
    await store.clear();
    expect(await store.length()).toBe(0);
  });

  it.each([
    ['of an hour', 3_600_000],
    ['of forty days, which memcached keeps as a date', 40 * DAY_MS],
    ['without an end', Infinity],
  ])('tell what is left of a life %s, which nothing else does', async (_, ms) => {
    const sessions = new StoredSessions(new MemcachedDriver({ hosts: url, prefix: `${namespace()}:` }));
    onTestFinished(() => sessions.close());
    const asked = Date.now() + ms;
    await sessions.write([{ id: 's', payload: '{"n":1}', expiresAt: asked }]);
    expect((await sessions.read(['s']))[0]).toMatchObject({ payload: '{"n":1}', expiresAt: undefined });
    for await (const [found] of sessions.pages()) {
      expect(found?.id).toBe('s');
      // In whole seconds, of which one more was asked for, and by a clock that may be one behind.
      const isNear = found?.expiresAt === asked || Math.abs((found?.expiresAt ?? 0) - asked) < 10_000;
      expect({ ends: found?.expiresAt, isNear }).toMatchObject({ isNear: true });
    }
  });
});

describe.skipIf(isMissing)(`${title}: size`, () => {
  it('refuses what is larger than an item may be, and keeps what was there', async () => {
    const store = open();
    await store.set('s', { n: 1 });
    const error = await store.set('s', { text: 'x'.repeat(1_100_000) }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_STORE_PAYLOAD_TOO_LARGE', retryable: false });
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('takes a session of 900 KB, in pieces as the network cuts it', async () => {
    const store = open();
    const text = 'é😀\r\n'.repeat(100_000);
    await store.set('s', { text });
    expect(await store.get('s')).toEqual({ text });
  });
});

describe.skipIf(isMissing)(`${title}: neighbours`, () => {
  it('never flushes: clear() leaves what others keep on the server', async () => {
    const others = rawClient();
    const key = namespace();
    await new Promise((resolve) => others.set(key, 'theirs', 60, resolve));
    const store = open();
    await store.set('s', { n: 1 });
    await store.clear();
    expect(await store.length()).toBe(0);
    expect(await new Promise((resolve) => others.get(key, (_error, value) => resolve(value)))).toBe('theirs');
  });

  it('lists and clears nothing without a prefix, unless the server is its own', async () => {
    const store = open({ prefix: '' });
    for (const work of [() => store.all(), () => store.ids(), () => store.length(), () => store.clear()]) {
      await expect(work()).rejects.toMatchObject({ code: 'ERR_STORE_UNSUPPORTED', message: expect.stringContaining('ownsServer: true') });
    }
    const server = await ownServer('memcached');
    if (server.skip !== undefined) return;
    onTestFinished(() => server.stop());
    const owner = open({ hosts: server.url, prefix: '', ownsServer: true });
    await owner.set('s', { n: 1 });
    expect(await owner.ids()).toEqual(['s']);
    await owner.clear();
    expect(await owner.length()).toBe(0);
  });
});

describe.skipIf(isMissing)(`${title}: spoilt values`, () => {
  it('reports a value that is no JSON once, and serves the others of its batch', async () => {
    const prefix = `${namespace()}:`;
    const store = open({ prefix });
    const sids = Array.from({ length: 32 }, (_, n) => `s${n}`);
    await Promise.all(sids.map((sid, n) => store.set(sid, { n })));
    // With the package's mark for JSON: its own get would throw where nobody can catch it.
    await say(url, `set ${prefix}s7 2 60 9\r\n{"broken"\r\n`);
    const answers = await Promise.allSettled(sids.map((sid) => store.get(sid)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(31);
    expect(answers[7]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_DECODE' } });
    await store.destroy('s7');
    expect(await store.get('s7')).toBeNull();
  });
});

describe.skipIf(isMissing)(`${title}: a server that evicts nothing (-M)`, () => {
  it('refuses new sessions when it is full, and keeps those that it has', async () => {
    const server = await ownServer('memcached', { args: ['-M', '-m', '4'] });
    if (server.skip !== undefined) throw new Error(server.skip);
    onTestFinished(() => server.stop());
    const store = open({ hosts: server.url });
    await store.set('first', { n: 1 });
    const text = 'x'.repeat(500_000);
    const saved = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => store.set(`s${n}`, { text })));
    const refused = saved.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const each of refused) expect(each).toMatchObject({ reason: { code: 'ERR_STORE_BACKEND' } });
    expect(await store.get('first')).toEqual({ n: 1 });
  });
});

describe.skipIf(isMissing)(`${title}: connect-memcached's data`, () => {
  it('is read by ours, with its lifetime', async () => {
    const prefix = `${namespace()}:`;
    const theirs = peer(prefix);
    await new Promise((resolve) => theirs.set('s', { cookie: cookie(), user: 'ada' } as never, resolve));
    const ours = open({ prefix });
    const loaded = await ours.get('s');
    expect(loaded).toMatchObject({ user: 'ada', cookie: { originalMaxAge: DAY_MS } });
    expect(await ours.touch('s', loaded)).toBe(true);
    expect((await expiryOf(`${prefix}s`)) * 1000).toBeGreaterThan(Date.now() + DAY_MS - 5000);
  });

  it('is read by the peer when ours wrote it, with its lifetime', async () => {
    const prefix = `${namespace()}:`;
    await open({ prefix }).set('s', { cookie: cookie(), user: 'ada', text: 'é😀' });
    const seen = await new Promise<unknown>((resolve, reject) => {
      peer(prefix).get('s', (error, data) => (error ? reject(error as Error) : resolve(data)));
    });
    expect(seen).toMatchObject({ user: 'ada', text: 'é😀' });
    expect((await expiryOf(`${prefix}s`)) * 1000).toBeGreaterThan(Date.now() + DAY_MS - 5000);
  });

  it('a site moves to ours, back, and one server at a time', async () => {
    const prefix = `${namespace()}:`;
    await assertMove({
      theirs: peer(prefix),
      ours: open({ prefix }),
      left: async (sid) => (await expiryOf(prefix + sid)) * 1000 - Date.now(),
    });
  });
});

describe.skipIf(isMissing)(`${title}: several servers`, () => {
  it('puts each session where the package would', async () => {
    const prefix = `${namespace()}:`;
    const client = new Memcached([hostOf(url), hostOf(second.url ?? '')]);
    onTestFinished(() => client.end());
    const store = open({ hosts: [url, second.url ?? ''], prefix });
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.set(`s${n}`, { n })));
    const keys = Array.from({ length: 50 }, (_, n) => `${prefix}s${n}`);
    const seen = await new Promise<object>((resolve) => client.getMulti(keys, (_error, data) => resolve(data)));
    expect(Object.keys(seen)).toHaveLength(50);
    expect(await store.length()).toBe(50);
    expect(Object.keys(await store.all())).toHaveLength(50);
    await store.clear();
    expect(await store.length()).toBe(0);
  });

  it("takes a client's servers and namespace, and leaves it open", async () => {
    const space = `${namespace()}/`;
    const client = new Memcached(hostOf(url), { namespace: space });
    onTestFinished(() => client.end());
    const store = open({ client: client as never, prefix: 'p:' });
    await store.set('s', { n: 1 });
    await store.close();
    expect(await new Promise((resolve) => client.get('p:s', (_error, data) => resolve(data)))).toEqual({ n: 1 });
  });

  it('fails for the sessions of a server that is down, and serves the others', async () => {
    const server = await ownServer('memcached');
    if (server.skip !== undefined) return;
    onTestFinished(() => server.stop());
    const store = open({ hosts: [url, server.url] });
    const sids = Array.from({ length: 64 }, (_, n) => `s${n}`);
    await Promise.all(sids.map((sid) => store.set(sid, { n: 1 })));
    await server.kill();
    const answers = await Promise.allSettled(sids.map((sid) => store.get(sid)));
    const failed = answers.filter(({ status }) => status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(64);
    for (const answer of failed) expect(answer).toMatchObject({ reason: { code: 'ERR_STORE_UNAVAILABLE', retryable: true } });
    expect(store.status).toBe('up');
    await server.start();
    await vi.waitFor(() => Promise.all(sids.map((sid) => store.get(sid))), { timeout: 5000 });
  });
});

describe.skipIf(isMissing)(`${title}: order and coalescing`, () => {
  it('answers each get with the set that was called before it, 64 sessions at once', async () => {
    const store = open();
    const rounds = Array.from({ length: 20 }, (_, n) => n);
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, s) =>
        rounds.map((n) => {
          void store.set(`s${s}`, { n });
          return store.get(`s${s}`);
        }),
      ).flat(),
    );
    expect(answers.map((answer) => answer?.['n'])).toEqual(Array.from({ length: 64 }, () => rounds).flat());
  });

  it('loses no update of two stores at once', async () => {
    const prefix = `${namespace()}:`;
    const stores = [open({ prefix }), open({ prefix })];
    await stores[0]?.set('s', { n: 0 });
    await Promise.all(stores.flatMap((store) => Array.from({ length: 50 }, () => store.update('s', (data) => void (data['n'] += 1)))));
    expect(await stores[0]?.get('s')).toEqual({ n: 100 });
  });
});
