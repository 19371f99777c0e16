import { once } from 'node:events';
import slotOf from 'cluster-key-slot';
import type { Redis } from 'ioredis';
import type { RedisStore } from '@sessile/store-redis';
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

  it.each(SHAPES)('a slot that moves to where a walk has been is walked all the same, on %s', async (name) => {
    const mine = prefix();
    const { primaries } = await nodesOf(server.urls);
    // So that a primary is one page.
    await Promise.all(primaries.map((url) => raw(url).flushall()));
    const store = open({ client: await shape(name, server.urls), prefix: mine });
    await Promise.all(SIDS.map((sid) => store.set(sid, { sid })));
    const walk = store.entries();
    const [found] = (await walk.next()).value as [string, object];
    const seen = [found];
    const first = await holderOf(primaries, slotOf(mine + found));
    const others = await slotsElsewhere(
      primaries,
      first,
      SIDS.map((sid) => slotOf(mine + sid)),
    );
    expect(others.length).toBeGreaterThan(20);
    const [onItsWay, ...moved] = others.slice(0, 8) as [Held, ...Held[]];
    for (const { slot, holder } of moved) await move(primaries, holder, first, slot);
    await migrate(onItsWay.holder, first, onItsWay.slot);
    for await (const [sid, session] of walk) {
      expect(session).toEqual({ sid });
      seen.push(sid);
    }
    expect([...new Set(seen)].sort()).toEqual([...SIDS].sort());
    expect([await store.length(), (await store.ids()).length]).toEqual([64, 64]);
    await arrive(primaries, first, onItsWay.slot);
    for (const { slot, holder } of [onItsWay, ...moved]) await move(primaries, first, holder, slot);
    await store.clear();
  });

  it.each(SHAPES)(
    'slots that move all the time: a walk misses nothing, and length counts each once, on %s',
    { timeout: 60_000 },
    async (name) => {
      const mine = prefix();
      const { primaries } = await nodesOf(server.urls);
      const store = open({ client: await shape(name, server.urls), prefix: mine });
      await Promise.all(SIDS.map((sid) => store.set(sid, { sid })));
      const run = { moves: 0, ended: false };
      const moving = (async () => {
        for (let n = 0; !run.ended; n += 1) {
          const slot = slotOf(`${mine}s${n % 64}`);
          const holder = await holderOf(primaries, slot);
          await move(primaries, holder, primaries[(primaries.indexOf(holder) + 1) % primaries.length]!, slot);
          run.moves += 1;
        }
      })();
      try {
        for (let round = 0; round < 10 || run.moves < 20; round += 1) {
          expect(await store.length()).toBe(64);
          expect((await store.ids()).sort()).toEqual([...SIDS].sort());
          expect(Object.keys(await store.all())).toHaveLength(64);
        }
      } finally {
        run.ended = true;
        await moving;
      }
      await store.clear();
      expect(await store.length()).toBe(0);
    },
  );

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

  it.each([
    ['an ioredis Cluster', 64],
    ['an ioredis6 Cluster', 4],
    ['a node-redis cluster', 4],
  ] as const)(
    'a primary that dies while 64 write: an error until its replica takes over, and nothing is lost after that, on %s (%i of them)',
    { timeout: 90_000 },
    async (name, clients) => {
      const alive = server.urls.filter(isAlive);
      await expect.poll(() => healthy(alive), { timeout: 20_000 }).toBe(true);
      const mine = prefix();
      const stores = await Promise.all(
        Array.from({ length: clients }, async () => open({ client: await shape(name, alive), prefix: mine, timeoutMs: 1500 })),
      );
      const writers = SIDS.map((sid, n) => new Writer(stores[n % clients]!, sid));
      await Promise.all(writers.map((writer) => writer.write()));
      // One that has a replica left; each shape of client takes another one.
      const victim = await replicated(alive);
      const slots = await slotsOf(alive, victim);
      const run = { ended: false };
      const writing = Promise.all(writers.map((writer) => writer.writeUntil(() => run.ended)));
      await shutDown(victim);
      const others = alive.filter((url) => url !== victim);
      const { primaries } = await nodesOf(others);
      await expect.poll(async () => (await nodesOf(others)).primaries.length, { timeout: 40_000, interval: 50 }).toBe(primaries.length + 1);
      const takenOverAt = performance.now();
      await expect.poll(() => writers.every(({ begunAt }) => begunAt > takenOverAt), { timeout: 40_000 }).toBe(true);
      run.ended = true;
      await writing;
      // Each of those that were with the dead one has met it, or waited for it.
      expect(writers.some(({ failures }) => failures > 0)).toBe(true);
      const reader = open({ client: await shape(name, others), prefix: mine });
      for (const writer of writers) {
        const stored = (await reader.get(writer.sid))!['n'];
        // What was acknowledged before may have died with the primary, which alone knew of it.
        const least = slots.has(slotOf(mine + writer.sid)) ? writer.acknowledgedSince(takenOverAt) : writer.acknowledged;
        expect(stored).toBeGreaterThanOrEqual(least);
        expect(least).toBeGreaterThan(0);
      }
      await expect.poll(() => reader.length().catch(() => 'not yet'), { timeout: 10_000 }).toBe(64);
    },
  );
});

/** Counts up in a session of its own. */
class Writer {
  acknowledged = 0;
  failures = 0;
  /** When the write began that was acknowledged last. */
  begunAt = 0;
  #n = 0;

  constructor(
    readonly store: RedisStore,
    readonly sid: string,
  ) {}

  async write(): Promise<void> {
    const begun = performance.now();
    const n = (this.#n += 1);
    try {
      await this.store.set(this.sid, { n });
      this.acknowledged = n;
      this.begunAt = begun;
    } catch (error) {
      expect((error as { code: string }).code).toMatch(/UNAVAILABLE|TIMEOUT/);
      this.failures += 1;
    }
  }

  async writeUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.write();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  acknowledgedSince(moment: number): number {
    return this.begunAt > moment ? this.acknowledged : 0;
  }
}

/** It ends without an answer. */
async function shutDown(url: string): Promise<void> {
  const admin = raw(url, { retryStrategy: null });
  const ended = once(admin, 'end');
  void admin.call('shutdown', 'nosave', 'now', 'force').catch(() => undefined);
  await ended;
  dead.add(url);
}

/** The slots of a primary. */
async function slotsOf(all: readonly string[], url: string): Promise<Set<number>> {
  const ranges = (await raw(all[0]!).call('cluster', 'slots')) as [number, number, [string, number]][];
  const own = ranges.filter(([, , [, port]]) => port === Number(new URL(url).port));
  return new Set(own.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, n) => from + n)));
}

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

interface Held {
  slot: number;
  holder: string;
}

/** Those of the slots that other primaries have. */
async function slotsElsewhere(primaries: readonly string[], place: string, slots: readonly number[]): Promise<Held[]> {
  const held = await Promise.all([...new Set(slots)].map(async (slot) => ({ slot, holder: await holderOf(primaries, slot) })));
  return held.filter(({ holder }) => holder !== place);
}

/** Moves a slot as a whole. */
async function move(primaries: readonly string[], from: string, to: string, slot: number): Promise<void> {
  await migrate(from, to, slot);
  await arrive(primaries, to, slot);
}

/** Tells all, first of all the new one, as redis-cli does. */
async function arrive(primaries: readonly string[], to: string, slot: number): Promise<void> {
  const id = await idOf(to);
  for (const url of [to, ...primaries.filter((other) => other !== to)]) await raw(url).call('cluster', 'setslot', slot, 'node', id);
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
