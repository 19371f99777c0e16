import { once } from 'node:events';
import slotOf from 'cluster-key-slot';
import type { Redis } from 'ioredis';
import { backend, ownServer, type OwnServer } from '@sessile/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open, prefix, raw, shape } from './servers.js';

const cluster = await backend('redis-cluster');
const urls = cluster.urls ?? [];

const SHAPES = ['an ioredis Cluster', 'an ioredis6 Cluster', 'a node-redis cluster'] as const;
/** Commands about sessions go to primaries, whatever the caller's client does with reads. */
const TO_REPLICAS = {
  'an ioredis Cluster': { scaleReads: 'slave' },
  'an ioredis6 Cluster': { scaleReads: 'slave' },
  'a node-redis cluster': { useReplicas: true },
};

const SIDS = Array.from({ length: 64 }, (_, n) => `s${n}`);

/** The nodes of a cluster, by their part in it. */
async function nodesOf(all: readonly string[]): Promise<{ primaries: string[]; replicas: string[] }> {
  const roles = await Promise.all(all.map(async (url) => ((await raw(url).call('role')) as string[])[0]));
  return { primaries: all.filter((_, n) => roles[n] === 'master'), replicas: all.filter((_, n) => roles[n] !== 'master') };
}

async function idOf(url: string): Promise<string> {
  return (await raw(url).call('cluster', 'myid')) as string;
}

describe.skipIf(cluster.skip !== undefined)(`RedisStore on a cluster (${cluster.skip ?? cluster.from})`, () => {
  it.each(SHAPES)('64 sids in 64 slots are one batch of calls, on %s', async (name) => {
    const store = open({ client: await shape(name, urls), prefix: prefix() });
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(SIDS.map((sid) => store.set(sid, { sid, round })));
      const loaded = await Promise.all(SIDS.map((sid) => store.get(sid)));
      expect(loaded).toEqual(SIDS.map((sid) => ({ sid, round })));
      await Promise.all(loaded.map((session, n) => store.set(SIDS[n]!, Object.assign(session!, { more: n }))));
      expect(await Promise.all(SIDS.map((sid) => store.touch(sid)))).toEqual(SIDS.map(() => true));
      expect(await store.get('s7')).toEqual({ sid: 's7', round, more: 7 });
    }
    await Promise.all(SIDS.slice(0, 32).map((sid) => store.destroy(sid)));
    expect(await store.length()).toBe(32);
    await store.clear();
    expect(await store.length()).toBe(0);
  });

  it.each(SHAPES)('every primary is counted, listed and cleared, on %s', async (name) => {
    const mine = prefix();
    const store = open({ client: await shape(name, urls), prefix: mine });
    const neighbour = open({ client: await shape(name, urls), prefix: prefix() });
    const many = Array.from({ length: 300 }, (_, n) => `s${n}`);
    await Promise.all(many.map((sid) => store.set(sid, { sid })));
    await neighbour.set('s', { n: 1 });
    const { primaries } = await nodesOf(urls);
    for (const url of primaries) expect((await raw(url).keys(`${mine}*`)).length).toBeGreaterThan(30);
    expect(await store.length()).toBe(300);
    expect((await store.ids()).sort()).toEqual([...many].sort());
    expect(Object.keys(await store.all())).toHaveLength(300);
    await store.clear();
    for (const url of primaries) expect(await raw(url).keys(`${mine}*`)).toEqual([]);
    expect(await neighbour.length()).toBe(1);
    await neighbour.clear();
  });

  it.each(SHAPES)('reads come from primaries, also where the client reads from replicas, on %s', async (name) => {
    const { replicas } = await nodesOf(urls);
    const client = await shape(name, urls, TO_REPLICAS[name]);
    const store = open({ client, prefix: prefix() });
    const scripts = async () => {
      const all = await Promise.all(replicas.map((url) => raw(url).info('commandstats')));
      return all.join().match(/cmdstat_(evalsha|eval|get)\b/g) ?? [];
    };
    await Promise.all(replicas.map((url) => raw(url).config('RESETSTAT')));
    await Promise.all(SIDS.map((sid) => store.set(sid, { sid })));
    for (const coalesced of [SIDS, SIDS.slice(0, 1)]) {
      expect(await Promise.all(coalesced.map((sid) => store.get(sid)))).toEqual(coalesced.map((sid) => ({ sid })));
    }
    await store.get('s1', { extendMs: 90_000_000 });
    await Promise.all(SIDS.map((sid) => store.touch(sid)));
    // A replica is told of writes as plain commands.
    expect(await scripts()).toEqual([]);
    await store.clear();
  });

  it('a prefix with a hash tag keeps all sessions in one slot', async () => {
    const tag = `{${prefix()}}`;
    for (const name of SHAPES) {
      const store = open({ client: await shape(name, urls), prefix: tag });
      await Promise.all(SIDS.map((sid) => store.set(sid, { sid })));
      expect(await store.length()).toBe(64);
      await store.clear();
    }
  });

  it('a keyPrefix of the cluster, or of its nodes, stands before ours', async () => {
    for (const options of [{ keyPrefix: prefix() }, { redisOptions: { keyPrefix: prefix() } }]) {
      const client = await shape('an ioredis Cluster', urls, options);
      const store = open({ client, prefix: 'sess:' });
      await Promise.all(SIDS.map((sid) => store.set(sid, { sid })));
      expect(await Promise.all(SIDS.map((sid) => store.get(sid)))).toEqual(SIDS.map((sid) => ({ sid })));
      const full = `${options.keyPrefix ?? options.redisOptions!.keyPrefix}sess:s1`;
      expect(await (await shape('an ioredis Cluster', urls)).get(full)).toBe('{"sid":"s1"}');
      expect(await store.length()).toBe(64);
      expect((await store.ids()).sort()).toEqual([...SIDS].sort());
      await store.clear();
      expect(await store.length()).toBe(0);
    }
  });
});

describe.skipIf(cluster.skip !== undefined)('RedisStore on a cluster that changes', () => {
  let server: OwnServer;
  beforeAll(async () => {
    const started = await ownServer('redis-cluster', { args: ['--repl-diskless-sync-delay', '0'] });
    if (started.skip !== undefined) throw new Error(started.skip);
    server = started;
  }, 90_000);
  afterAll(() => server?.stop());

  it.each(SHAPES)('forgotten scripts make no difference, on %s', async (name) => {
    const store = open({ client: await shape(name, server.urls), prefix: prefix() });
    const { primaries } = await nodesOf(server.urls);
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(primaries.map((url) => raw(url).script('FLUSH')));
      await Promise.all(SIDS.map((sid) => store.set(sid, { round })));
      await Promise.all(primaries.map((url) => raw(url).script('FLUSH')));
      expect(await Promise.all(SIDS.map((sid) => store.get(sid)))).toEqual(SIDS.map(() => ({ round })));
    }
  });

  it.each(SHAPES)('a slot on its way to another primary is followed (ASK), and so is one that has arrived (MOVED), on %s', async (name) => {
    const client = await shape(name, server.urls);
    const mine = prefix();
    const store = open({ client, prefix: mine });
    await Promise.all(SIDS.map((sid) => store.set(sid, { sid })));
    const slot = slotOf(`${mine}s7`);
    const { primaries } = await nodesOf(server.urls);
    const holder = await holderOf(primaries, slot);
    const next = primaries.find((url) => url !== holder)!;
    await migrate(holder, next, slot);
    const read = () => Promise.all(SIDS.map((sid) => store.get(sid)));
    // Keys that are gone from the old one: it answers ASK.
    expect(await read()).toEqual(SIDS.map((sid) => ({ sid })));
    expect(await store.get('s7')).toEqual({ sid: 's7' });
    const loaded = await read();
    await Promise.all(loaded.map((session, n) => store.set(SIDS[n]!, Object.assign(session!, { n }))));
    for (const url of primaries) await raw(url).call('cluster', 'setslot', slot, 'node', await idOf(next));
    expect(await read()).toEqual(SIDS.map((sid, n) => ({ sid, n })));
    await Promise.all(SIDS.map((sid) => store.destroy(sid)));
    expect(await read()).toEqual(SIDS.map(() => null));
    await migrate(next, holder, slot);
    for (const url of primaries) await raw(url).call('cluster', 'setslot', slot, 'node', await idOf(holder));
  });

  it.each(SHAPES)('a failover in the middle of a run loses nothing that was acknowledged, on %s', { timeout: 60_000 }, async (name) => {
    const store = open({ client: await shape(name, server.urls), prefix: prefix(), timeoutMs: 2000 });
    await Promise.all(SIDS.map((sid) => store.set(sid, { n: 0 })));
    const replica = await freshReplica(server.urls);
    const run = { ended: false };
    const acknowledged = new Map(SIDS.map((sid) => [sid, 0]));
    const loops = SIDS.map(async (sid) => {
      for (let n = 1; !run.ended; n += 1) {
        await store.set(sid, { n }).then(
          () => acknowledged.set(sid, n),
          (error: { code: string }) => expect(error.code).toMatch(/UNAVAILABLE|TIMEOUT/),
        );
      }
    });
    await expect.poll(() => takeOver(raw(replica)), { timeout: 20_000, interval: 500 }).toBe('master');
    const works = async () =>
      Promise.all(SIDS.map((sid) => store.get(sid))).then(
        () => true,
        () => false,
      );
    await expect.poll(works, { timeout: 20_000 }).toBe(true);
    run.ended = true;
    await Promise.all(loops);
    for (const [sid, n] of acknowledged) expect((await store.get(sid))!['n']).toBeGreaterThanOrEqual(n);
    await expect.poll(() => healthy(server.urls), { timeout: 20_000 }).toBe(true);
  });

  it.each(SHAPES)(
    'a primary that dies is an error until its replica takes over, then it works again, on %s',
    { timeout: 60_000 },
    async (name) => {
      await expect.poll(() => healthy(server.urls.filter(isAlive)), { timeout: 20_000 }).toBe(true);
      const store = open({ client: await shape(name, server.urls.filter(isAlive)), prefix: prefix(), timeoutMs: 1500 });
      await Promise.all(SIDS.map((sid) => store.set(sid, { n: 0 })));
      // One that has a replica left; each shape of client takes another one.
      const victim = await replicated(server.urls.filter(isAlive));
      const admin = raw(victim, { retryStrategy: null });
      const ended = once(admin, 'end');
      // It ends without an answer.
      void admin.call('shutdown', 'nosave', 'now', 'force').catch(() => undefined);
      await ended;
      dead.add(victim);
      const works = async () =>
        Promise.all(SIDS.map((sid) => store.set(sid, { n: 1 }))).then(
          () => true,
          (error: { code: string }) => {
            expect(error.code).toMatch(/UNAVAILABLE|TIMEOUT/);
            return false;
          },
        );
      expect(await works()).toBe(false);
      await expect.poll(works, { timeout: 40_000 }).toBe(true);
      await expect.poll(() => store.length().catch(() => 'not yet'), { timeout: 10_000 }).toBe(64);
      expect(await Promise.all(SIDS.map((sid) => store.get(sid)))).toEqual(SIDS.map(() => ({ n: 1 })));
    },
  );
});

/** Servers that a test has ended. */
const dead = new Set<string>();

function isAlive(url: string): boolean {
  return !dead.has(url);
}

/** A primary whose replica follows it. */
async function replicated(alive: readonly string[]): Promise<string> {
  const infos = await Promise.all(alive.map((url) => raw(url).info('replication')));
  return alive[infos.findIndex((info) => /role:master/.test(info) && /connected_slaves:[1-9]/.test(info))]!;
}

async function holderOf(primaries: readonly string[], slot: number): Promise<string> {
  const slots = (await raw(primaries[0]!).call('cluster', 'slots')) as [number, number, [string, number]][];
  const [, , [, port]] = slots.find(([from, to]) => from <= slot && slot <= to)!;
  return primaries.find((url) => Number(new URL(url).port) === port)!;
}

/** Moves the keys of a slot, which then is on its way: the old primary answers ASK. */
async function migrate(from: string, to: string, slot: number): Promise<void> {
  await raw(to).call('cluster', 'setslot', slot, 'importing', await idOf(from));
  await raw(from).call('cluster', 'setslot', slot, 'migrating', await idOf(to));
  const keys = (await raw(from).call('cluster', 'getkeysinslot', slot, 1000)) as string[];
  const { hostname, port } = new URL(to);
  if (keys.length > 0) await raw(from).call('migrate', hostname, port, '', 0, 5000, 'keys', ...keys);
}

/** Shards that had a failover: for some seconds the others vote for no other one in them. */
const changed = new Set<string>();

/** A replica in a shard that had no failover yet. */
async function freshReplica(all: readonly string[]): Promise<string> {
  for (const url of all) {
    const [role, host, port] = (await raw(url).call('role')) as [string, string, number];
    const primary = `redis://${host}:${port}`;
    if (role !== 'slave' || changed.has(url) || changed.has(primary)) continue;
    changed.add(url).add(primary);
    return url;
  }
  throw new Error('every shard had a failover');
}

/** Asks a replica to take over, again where it could not; what it is now. */
async function takeOver(replica: Redis): Promise<string> {
  const [role] = (await replica.call('role')) as [string];
  if (role !== 'master') await replica.call('cluster', 'failover').catch(() => undefined);
  return role;
}

/** All six agree, and every replica follows. */
async function healthy(all: readonly string[]): Promise<boolean> {
  const infos = await Promise.all(all.map((url) => raw(url).info('replication')));
  return infos.every((info) => info.includes('role:master') || info.includes('master_link_status:up'));
}
