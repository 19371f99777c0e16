import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SessionStore } from '@sessile/core';
import { RedisDriver } from '@sessile/store-redis';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { all, folder, json, opened, put, sqlite, start, stored } from './kit.js';
import { memcached, mongo, postgres, redis } from './servers.js';

const HOUR_MS = 3_600_000;

const dataOf = (found: Awaited<ReturnType<typeof all>>, id: string): unknown => JSON.parse(found.get(id)?.payload ?? 'null');

describe.each([redis, postgres, mongo, memcached, sqlite])('a copy that follows, to $title', (site) => {
  const { skip } = site;
  let [from, to, file] = ['', '', ''];

  beforeEach(async () => {
    [from, to, file] = [sqlite.url(), site.url(), join(folder, `${randomUUID()}.state`)];
  });

  async function copied(...ids: string[]) {
    await put(
      from,
      ids.map((id) => stored(id, { id }, HOUR_MS)),
    );
    await json('copy', from, to, '--resume', file);
    return { source: await opened(from), target: await opened(to) };
  }

  const follow = (...more: string[]): Promise<any> => json('copy', from, to, '--resume', file, '--follow', ...more);

  it.skipIf(skip)('brings what changed and came, moves ends, and takes away what ended', async () => {
    const { source } = await copied('same', 'changed', 'touched', 'cut', 'destroyed');
    await source.write([
      stored('changed', { new: true }),
      stored('touched', { id: 'touched' }, 5 * HOUR_MS),
      stored('cut', { id: 'cut' }, HOUR_MS / 2),
      stored('came', {}),
    ]);
    await source.remove(['destroyed']);
    expect(await follow('--dry-run')).toMatchObject({ put: 1, replaced: 1, lengthened: 1, shortened: 1, removed: 1, dryRun: true });
    expect(await follow()).toMatchObject({
      put: 1,
      replaced: 1,
      lengthened: 1,
      shortened: 1,
      same: 1,
      removed: 1,
      kept: 0,
    });
    await expect
      .poll(async () => [...(await all(to)).keys()].sort(), { timeout: 10_000 })
      .toEqual(['came', 'changed', 'cut', 'same', 'touched']);
    const now = await all(to);
    expect(dataOf(now, 'changed')).toEqual({ new: true });
    expect(dataOf(now, 'touched')).toEqual({ id: 'touched' });
    const left = (id: string) => ((now.get(id)?.expiresAt ?? 0) - Date.now()) / HOUR_MS;
    expect(left('touched')).toBeCloseTo(5, 1);
    expect(left('cut')).toBeCloseTo(0.5, 1);
  });

  it.skipIf(skip)('leaves what the target changed, used or ended itself, unless told', async () => {
    const { source, target } = await copied('own', 'both', 'out', 'used');
    await target.write([stored('own', { own: 1 }), stored('both', { own: 2 })]);
    const [used] = await target.read(['used']);
    await target.replace([{ found: used!, payload: JSON.stringify({ id: 'used', own: 3 }), expiresAt: Date.now() + 9 * HOUR_MS }]);
    await target.remove(['out']);
    await source.write([stored('both', { source: 2 }), stored('out', { source: 3 })]);
    await source.remove(['used']);
    expect(await follow()).toMatchObject({ put: 0, replaced: 0, kept: 2, endedInTarget: 1, removed: 0 });
    const now = await all(to);
    expect([dataOf(now, 'own'), dataOf(now, 'both'), dataOf(now, 'used'), now.has('out')]).toEqual([
      { own: 1 },
      { own: 2 },
      { id: 'used', own: 3 },
      false,
    ]);
    expect(await follow('--conflicts', 'overwrite')).toMatchObject({ put: 1, replaced: 1 });
    expect(dataOf(await all(to), 'both')).toEqual({ source: 2 });
  });
});

describe('sessions that the target had before', () => {
  it.each([
    ['keep', 1 * HOUR_MS, { target: true }],
    ['later', 1 * HOUR_MS, { source: true }],
    ['later', 9 * HOUR_MS, { target: true }],
    ['overwrite', 9 * HOUR_MS, { source: true }],
  ])('--conflicts %s, where it ends in %s ms', async (conflicts, ms, expected) => {
    const [from, to] = [sqlite.url(), sqlite.url()];
    await put(from, [stored('s', { source: true }, 5 * HOUR_MS)]);
    await put(to, [stored('s', { target: true }, ms), stored('other', {})]);
    await json('copy', from, to, '--conflicts', conflicts, '--follow');
    const now = await all(to);
    expect(dataOf(now, 's')).toEqual(expected);
    // It was never this copy's.
    expect(now.has('other')).toBe(true);
  });

  it('the same session is found again, without a file too, and followed', async () => {
    const [from, to] = [sqlite.url(), sqlite.url()];
    await put(from, [stored('a', { n: 1 }), stored('b', { n: 1 })]);
    await json('copy', from, to);
    expect(await json('copy', from, to)).toMatchObject({ put: 0, same: 2, kept: 0 });
  });
});

describe('with --match', () => {
  it('what was copied is followed, whatever it matches by now', async () => {
    const [from, to, file] = [sqlite.url(), sqlite.url(), join(folder, `${randomUUID()}.state`)];
    const command = ['copy', from, to, '--match', 'user.id=42', '--resume', file];
    await put(from, [stored('s', { user: { id: 42 } }), stored('t', { user: { id: 7 } })]);
    await json(...command);
    // Logged out, in the session that it had.
    await put(from, [stored('s', {})]);
    expect(await json(...command, '--follow')).toMatchObject({ replaced: 1, read: 1 });
    expect(dataOf(await all(to), 's')).toEqual({});
  });
});

describe.skipIf(redis.skip ?? postgres.skip)('under an app that goes on writing', () => {
  const SIDS = Array.from({ length: 1000 }, (_, n) => `user-${n}`);

  /** What users do, through a store as an app has it, until it is told to stop. */
  async function appOn(url: string): Promise<{ stop(): Promise<number> }> {
    const [address = '', prefix = ''] = url.split('?prefix=');
    const store = new SessionStore(new RedisDriver({ url: address, prefix }));
    onTestFinished(() => store.close());
    await Promise.all(SIDS.map((sid) => store.set(sid, { visits: 0, sid }, HOUR_MS)));
    const app = { runs: true, acts: 0 };
    const user = async (): Promise<void> => {
      while (app.runs) {
        const sid = SIDS[Math.floor(Math.random() * SIDS.length)] as string;
        const dice = Math.random();
        if (dice < 0.1) await store.destroy(sid);
        else if (dice < 0.2) await store.touch(sid, undefined, 5 * HOUR_MS);
        else if (dice < 0.3) await store.set(`new-${app.acts}`, { new: app.acts }, HOUR_MS);
        else await store.update(sid, (session) => void (session['visits'] += 1));
        app.acts += 1;
        // A user reads, too.
        await sleep(2);
      }
    };
    const users = Array.from({ length: 16 }, user);
    return {
      async stop() {
        app.runs = false;
        await Promise.all(users);
        return app.acts;
      },
    };
  }

  it('copies while it runs; when it has stopped, a last pass makes both the same', { timeout: 60_000 }, async () => {
    const [from, to, file] = [redis.url(), postgres.url(), join(folder, `${randomUUID()}.state`)];
    const users = await appOn(from);
    const { code, stderr } = await start(['copy', from, to, '--resume', file, '--follow']).ended;
    const acts = await users.stop();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(acts).toBeGreaterThan(100);
    await json('copy', from, to, '--resume', file, '--follow');
    const [source, target] = [await all(from), await all(to)];
    expect([...target.keys()].sort()).toEqual([...source.keys()].sort());
    for (const [id, { payload, expiresAt }] of source) {
      expect(dataOf(target, id)).toEqual(JSON.parse(payload));
      expect(Math.abs((target.get(id)?.expiresAt ?? 0) - (expiresAt ?? 0))).toBeLessThan(10_000);
    }
  });
});
