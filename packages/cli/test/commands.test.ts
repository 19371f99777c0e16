import { storedIdsOf } from '@sessile/core/stored';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refOf } from '../src/ref.js';
import { all, json, open, put, sessile, sqlite, stored } from './kit.js';
import { cluster, memcached, mongo, postgres, redis } from './servers.js';

const HOUR_MS = 3_600_000;
const ENCRYPTED = '{"$sessile":1,"k":"aaaaaaaa","d":"AAAA"}';
const [, hashOfDave] = storedIdsOf('dave-sid');
const sites = [redis, cluster, postgres, mongo, memcached, sqlite];

describe.each(sites)('on $title', (site) => {
  const { skip, kind } = site;
  const url = site.url();

  beforeAll(
    () =>
      put(url, [
        stored('alice-sid', { user: { id: 42, name: 'a-secret-name' }, theme: 'dark' }, HOUR_MS),
        { ...stored('bob-sid', { user: { id: 7 }, roles: ['admin', 'staff'] }), expiresAt: Infinity },
        stored(hashOfDave, { user: { id: 42 } }),
        { ...stored('carol-sid', {}), payload: ENCRYPTED },
        stored('erin-sid', { user: { id: 9 } }),
      ]),
    120_000,
  );

  afterAll(async () => {
    const sessions = await open(url);
    await sessions.clear();
    await sessions.done();
  });

  it.skipIf(skip)('ls shows refs, ends, sizes and keys; neither ids nor values', async () => {
    const { code, stdout, stderr } = await sessile('ls', url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^REF +ENDS \(UTC\) +LEFT +SIZE +KEYS$/);
    expect(lines).toHaveLength(6);
    const lineOf = (id: string) => lines.find((line) => line.startsWith(refOf(id)));
    expect(lineOf('alice-sid')).toMatch(/ \d{4}-\d\d-\d\d \d\d:\d\d:\d\d +(59m( \d+s)?|1h) +\d+ B +user theme$/);
    expect(lineOf('bob-sid')).toMatch(/ never +\d+ B +user roles$/);
    expect(lineOf('carol-sid')).toMatch(/ \(encrypted\)$/);
    expect(stdout).not.toMatch(/-sid|h1-|a-secret-name|dark/);
  });

  it.skipIf(skip)('ls --json prints a line of JSON for each; --show-ids its id; --match and --limit choose', async () => {
    const [plain, chosen, one] = await Promise.all([
      sessile('ls', url, '--json'),
      sessile('ls', url, '--json', '--show-ids', '--match', 'user.id=42'),
      sessile('ls', url, '--json', '--limit', '1'),
    ]);
    const rows = plain.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const alice = rows.find(({ ref }) => ref === refOf('alice-sid'));
    expect(alice).toMatchObject({ lifetime: 'limited', form: 'plain', keys: ['user', 'theme'] });
    expect(Math.abs(Date.parse(alice.expiresAt) - Date.now() - HOUR_MS)).toBeLessThan(60_000);
    expect(rows.find(({ ref }) => ref === refOf('bob-sid'))).toMatchObject({ lifetime: 'never', expiresAt: null });
    expect(rows.find(({ ref }) => ref === refOf('carol-sid'))).toMatchObject({ form: 'encrypted', keys: null });
    expect(plain.stdout).not.toMatch(/-sid|h1-/);
    const ids = chosen.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id);
    expect(ids.sort()).toEqual(['alice-sid', hashOfDave].sort());
    expect(chosen.stderr).toMatch(/^1 session could not be looked into for --match/);
    expect(one.stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  it.skipIf(skip)('show finds a session by its id, its ref, or the id whose hash is stored', async () => {
    const [byId, byRef, hashed, nobody] = await Promise.all([
      json('show', url, 'alice-sid'),
      json('show', url, refOf('alice-sid')),
      json('show', url, 'dave-sid'),
      sessile('show', url, 'nobody'),
    ]);
    expect(byId).toMatchObject({ id: 'alice-sid', data: { user: { id: 42, name: 'a-secret-name' }, theme: 'dark' } });
    expect(byRef.id).toBe('alice-sid');
    expect(hashed.id).toBe(hashOfDave);
    expect(nobody).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('no such live session') });
  });

  it.skipIf(skip)('count counts, all or what matches', async () => {
    const [whole, some, nobody] = await Promise.all([
      json('count', url),
      json('count', url, '--match', 'roles=admin', '--match', 'user.id=7'),
      sessile('count', url, '--match', 'user.id=4'),
    ]);
    expect(whole).toEqual({ count: 5, unreadable: 0 });
    expect(some).toEqual({ count: 1, unreadable: 1 });
    expect(nobody).toMatchObject({ code: 0, stdout: '0\n' });
  });

  it.skipIf(skip)('ping says that it answers', async () => {
    expect(await json('ping', url)).toMatchObject({ ok: true, ms: expect.any(Number) });
  });

  it.skipIf(skip)('prune removes what has expired, or says that nothing is to be done', async () => {
    const { code, stdout } = await sessile('prune', url);
    expect(code).toBe(0);
    expect(stdout).toMatch(kind === 'redis' || kind === 'memcached' ? /^Nothing to do/ : /^Removed \d+ sessions? that had expired/);
  });

  it.skipIf(skip)('revoke ends sessions by id, ref or data, and says what was not there', async () => {
    expect(await json('revoke', url, '--match', 'user.id=42', '--dry-run')).toEqual({
      revoked: 2,
      missing: 0,
      unreadable: 1,
      dryRun: true,
    });
    expect(await json('count', url)).toMatchObject({ count: 5 });
    expect(await json('revoke', url, '--match', 'user.id=42')).toMatchObject({ revoked: 2 });
    expect(await sessile('revoke', url, refOf('erin-sid'), 'nobody')).toMatchObject({
      code: 3,
      stdout: 'Revoked 1 session. Not there: 1.\n',
    });
    expect([...(await all(url)).keys()].sort()).toEqual(['bob-sid', 'carol-sid']);
  });

  it.skipIf(skip)('clear refuses without a terminal, unless it is told --yes', async () => {
    const [refused, pretended] = await Promise.all([sessile('clear', url), json('clear', url, '--dry-run')]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('Add --yes') });
    expect(pretended).toEqual({ cleared: 2, dryRun: true });
    expect(await json('clear', url, '--yes')).toEqual({ cleared: 2, dryRun: false });
    expect(await json('count', url)).toMatchObject({ count: 0 });
  });
});
