import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { storedIdsOf } from '@sessile/core/stored';
import { beforeAll, describe, expect, it } from 'vitest';
import { all, folder, json, opened, put, sessile, type Site, sqlite, start, stored } from './kit.js';
import { cluster, memcached, mongo, postgres, redis } from './servers.js';

const SESSIONS = 2000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The lives differ by hours. memcached counts in seconds, and a busy machine takes its time between a look at one store and the other. */
const NEAR_MS = 10_000;

const servers = [redis, postgres, mongo, memcached];
const skipAll = servers.map(({ skip }) => skip).find((skip) => skip !== undefined);

/** Every tenth never ends; the others end at different times, some after the 30 days from which memcached counts in dates. */
function manySessions() {
  return Array.from({ length: SESSIONS }, (_, n) => {
    const session = stored(`sid-${n}`, { user: { id: n }, text: `é"\\ ${'x'.repeat(n % 200)}` }, HOUR_MS + n * 3_600_000);
    return n % 10 === 0 ? { ...session, expiresAt: Infinity } : session;
  });
}

type Stored = Awaited<ReturnType<typeof all>>;

function expectSame(target: Stored, source: Stored) {
  expect(target.size).toBe(source.size);
  for (const [id, { payload, expiresAt }] of source) {
    const copy = target.get(id);
    expect(JSON.parse(copy?.payload ?? 'null')).toEqual(JSON.parse(payload));
    const [is, should] = [copy?.expiresAt ?? Number.NaN, expiresAt ?? Number.NaN];
    if (is !== should) expect(Math.abs(is - should)).toBeLessThan(NEAR_MS);
  }
}

describe.skipIf(skipAll)('copy between servers', () => {
  const sources = servers.map((site): [Site, string] => [site, site.url()]);
  beforeAll(() => Promise.all(sources.map(([, url]) => put(url, manySessions()))), 120_000);

  const pairs = sources.flatMap(([from, url]) =>
    servers.filter((to) => to !== from).map((to) => ({ from: from.kind, to: to.kind, url, toUrl: to.url() })),
  );

  it.each(pairs)('from $from to $to: every session, with what is left of its life', async ({ url, toUrl }) => {
    const report = await json('copy', url, toUrl);
    expect(report).toMatchObject({ read: SESSIONS, put: SESSIONS, failed: 0, guessed: 0 });
    expectSame(await all(toUrl), await all(url));
  });
});

describe('copy', () => {
  it.skipIf(redis.skip ?? cluster.skip)('goes into a cluster and out of it', async () => {
    const [from, through, to] = [redis.url(), cluster.url(), redis.url()];
    await put(from, manySessions().slice(0, 300));
    await json('copy', from, through);
    await json('copy', through, to);
    expectSame(await all(to), await all(from));
  });

  it("moves stored ids and payloads as they are: hashed, encrypted, compressed, another serializer's", async () => {
    const [from, to] = [sqlite.url(), sqlite.url()];
    const [, hashed] = storedIdsOf('sid');
    const payloads = {
      [hashed]: '{"a":1}',
      encrypted: '{"$sessile":1,"k":"key","d":"AAAA"}',
      packed: '{"$sessile":1,"z":"deflate","d":"q1ZKVLIy1FFKUrKqBQA="}',
      other: 'a:1',
    };
    await put(
      from,
      Object.entries(payloads).map(([id, payload]) => ({ id, payload, expiresAt: Date.now() + DAY_MS })),
    );
    await json('copy', from, to);
    const copied = await all(to);
    expect(Object.fromEntries([...copied].map(([id, { payload }]) => [id, payload]))).toEqual(payloads);
  });

  it.skipIf(postgres.skip)('wraps what is not JSON for a target that holds JSON alone', async () => {
    const [from, to] = [sqlite.url(), postgres.url()];
    await put(from, [{ id: 's', payload: 'a:1', expiresAt: Date.now() + DAY_MS }]);
    await json('copy', from, to);
    expect(JSON.parse((await all(to)).get('s')?.payload ?? '')).toEqual({ $sessile: 1, d: Buffer.from('a:1').toString('base64') });
    expect(await json('copy', from, to)).toMatchObject({ put: 0, failed: 0 });
  });

  it.skipIf(memcached.skip)('puts the real end into the cookie where the target does not tell it', async () => {
    const [from, to] = [sqlite.url(), memcached.url()];
    const stale = new Date(Date.now() + 60_000).toISOString();
    await put(from, [stored('touched', { cookie: { expires: stale, path: '/' } }, DAY_MS)]);
    await json('copy', from, to);
    const { cookie } = JSON.parse((await all(to)).get('touched')?.payload ?? '');
    expect(Math.abs(Date.parse(cookie.expires) - Date.now() - DAY_MS)).toBeLessThan(60_000);
    expect(cookie.path).toBe('/');
  });

  it('--match copies what matches, and --dry-run nothing', async () => {
    const [from, to] = [sqlite.url(), sqlite.url()];
    await put(from, [stored('a', { user: { id: 42 } }), stored('b', { user: { id: 7 } }), stored('c', {})]);
    expect(await json('copy', from, to, '--match', 'user.id=42', '--dry-run')).toMatchObject({ dryRun: true, put: 1, read: 1 });
    expect((await sessile('count', to)).stderr).toContain('There is no file');
    expect(await json('copy', from, to, '--match', 'user.id=42')).toMatchObject({ put: 1 });
    expect([...(await all(to)).keys()]).toEqual(['a']);
  });

  it('what cannot be stored is counted and told, and the rest is copied', async () => {
    const [from, to] = [sqlite.url(), memcached.url()];
    await put(from, [stored('small', {}), stored('large', { text: 'x'.repeat(2_000_000) })]);
    const { code, stdout } = await sessile('copy', from, to);
    expect(code).toBe(1);
    expect(stdout).toMatch(/1 {2}new/);
    expect(stdout).toMatch(/1 {2}failed +ERR_STORE_PAYLOAD_TOO_LARGE: The session takes 2000011 bytes/);
  });

  it('refuses a store into itself, and prefixes of which one begins with the other', async () => {
    const url = 'redis://localhost:6379/0?prefix=';
    for (const [from, to] of [
      [`${url}a:`, 'redis://localhost?prefix=a:'],
      [`${url}a:`, `${url}a:b:`],
      ['sqlite:./x.db', 'sqlite:./x.db'],
    ])
      expect(await sessile('copy', from as string, to as string)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/same store|begins with the other/),
      });
  });
});

describe('a copy that was ended', () => {
  const MANY = 4000;

  async function partly(signal: 'SIGKILL' | 'SIGINT') {
    const [from, to, file] = [sqlite.url(), mongo.url(), join(folder, `${randomUUID()}.state`)];
    await put(
      from,
      Array.from({ length: MANY }, (_, n) => stored(`secret-sid-${n}`, { n, secret: 'secret-data' })),
    );
    const command = ['copy', from, to, '--resume', file];
    const target = await opened(to);
    const { child, ended } = start(command);
    await expect.poll(() => target.count(), { timeout: 30_000, interval: 10 }).toBeGreaterThan(500);
    child.kill(signal);
    const ran = await ended;
    const there = await target.count();
    // Else nothing was ended.
    expect(there).toBeLessThan(MANY);
    return { from, to, file, command, ran, there };
  }

  it.skipIf(mongo.skip)('killed: goes on from its file, which holds neither ids nor data', async () => {
    const { from, to, file, command, there } = await partly('SIGKILL');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file).includes('secret')).toBe(false);
    expect(await json(...command)).toMatchObject({ read: MANY, put: MANY - there, same: there, failed: 0 });
    expectSame(await all(to), await all(from));
  });

  it.skipIf(mongo.skip)('killed: what changed meanwhile in one of the stores is told apart', async () => {
    const { from, to, command } = await partly('SIGKILL');
    const [ids, source, target] = [[...(await all(to)).keys()], await opened(from), await opened(to)];
    const [inSource, inTarget, gone] = ids as [string, string, string];
    await source.write([stored(inSource, { n: 'newer' })]);
    await target.write([stored(inTarget, { n: 'own' })]);
    await target.remove([gone]);
    // Of what was under way at the moment of its death alone it does not know whether it was put there.
    await json(...command);
    const now = await all(to);
    expect(JSON.parse(now.get(inSource)?.payload ?? '')).toEqual({ n: 'newer' });
    expect(JSON.parse(now.get(inTarget)?.payload ?? '')).toEqual({ n: 'own' });
    expect(now.has(gone)).toBe(false);
  });

  it.skipIf(mongo.skip)('interrupted: ends its batch, says how to go on, and goes on', async () => {
    const { command, ran, there } = await partly('SIGINT');
    expect(ran.code).toBe(130);
    expect(ran.stderr).toBe(
      `sessile: Interrupted: ${there.toLocaleString('en-US')} sessions are in the target. Run the same command again to go on.\n`,
    );
    expect(await json(...command)).toMatchObject({ put: MANY - there, same: there });
  });

  it('a file of another copy is refused', async () => {
    const [from, to, file] = [sqlite.url(), sqlite.url(), join(folder, 'other.state')];
    await put(from, [stored('a', {})]);
    await json('copy', from, to, '--resume', file);
    expect(await sessile('copy', from, sqlite.url(), '--resume', file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('belongs to a copy between other stores'),
    });
    expect(await sessile('copy', from, to, '--resume', new URL(import.meta.url).pathname)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('was not made by sessile copy'),
    });
  });
});
