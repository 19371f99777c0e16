import type { StoreDriver } from '@sessile/core/driver';
import { StoredSessions } from '@sessile/core/stored';
import { UsageError } from '../errors.js';
import type { Kind, Place } from '../url.js';
import { loadClient, loadStore } from './packages.js';
import { openSqlite } from './sqlite.js';
import type { Opened, Purpose, Store } from './types.js';

// oxlint-disable-next-line typescript/no-explicit-any -- tokens are the driver's own affair
type Driver = new (options: object) => StoreDriver<any>;

const OPENERS: Readonly<Record<Kind, (place: Place, purpose: Purpose, timeoutMs: number) => Promise<Opened>>> = {
  redis: openRedis,
  postgres: openPostgres,
  mongo: openMongo,
  memcached: openMemcached,
  sqlite: openSqlite,
};

/**
 * Opens the store that a URL names; servers are reached at the first call.
 *
 * @throws CliError where its packages are missing, StoreError where its options cannot be used.
 */
export async function openStore(place: Place, purpose: Purpose, timeoutMs: number): Promise<Store> {
  const { driver, close } = await OPENERS[place.kind](place, purpose, timeoutMs);
  const sessions = new StoredSessions(driver, { timeoutMs });
  return {
    place,
    sessions,
    async close() {
      await sessions.close().catch(() => undefined);
      close?.();
    },
  };
}

async function openRedis({ scheme, url, hosts, options, user, password }: Place, _purpose: Purpose, timeoutMs: number): Promise<Opened> {
  const { RedisDriver } = (await loadStore('redis')) as { RedisDriver: Driver };
  const own = {
    ...prefixOf(options),
    ...(options['ownsDatabase'] !== undefined && { ownsDatabase: flag(options, 'ownsDatabase') }),
    timeoutMs,
  };
  if (!scheme.endsWith('-cluster')) return { driver: new RedisDriver({ ...own, url }) };
  const { Cluster } = loadClient('redis') as {
    Cluster: new (nodes: string[], options: object) => { disconnect(): void; on(event: string, listener: () => void): void };
  };
  const redisOptions = { username: user, password, connectTimeout: timeoutMs, ...(scheme === 'rediss-cluster' && { tls: {} }) };
  const client = new Cluster(
    hosts.map((host) => `redis://${host}`),
    { redisOptions, lazyConnect: true, clusterRetryStrategy: (times: number) => (times > 5 ? null : 200 * times) },
  );
  // Without a listener ioredis writes to the console.
  client.on('error', () => undefined);
  return { driver: new RedisDriver({ ...own, client }), close: () => client.disconnect() };
}

async function openPostgres({ url, options }: Place, purpose: Purpose, timeoutMs: number): Promise<Opened> {
  const { PostgresDriver } = (await loadStore('postgres')) as { PostgresDriver: Driver };
  const { table, schema } = options;
  const prepare = options['prepare'] === undefined ? {} : { prepare: flag(options, 'prepare') };
  return { driver: new PostgresDriver({ url, timeoutMs, ...defined({ table, schema }), ...prepare, createTable: purpose === 'fill' }) };
}

async function openMongo({ url, options }: Place, purpose: Purpose, timeoutMs: number): Promise<Opened> {
  const { MongoDriver } = (await loadStore('mongo')) as { MongoDriver: Driver };
  const { collection: collectionName } = options;
  const stringify = options['stringify'] === undefined ? {} : { stringify: flag(options, 'stringify') };
  return { driver: new MongoDriver({ url, timeoutMs, ...defined({ collectionName }), ...stringify, ttlIndex: purpose === 'fill' }) };
}

async function openMemcached({ hosts, options }: Place, _purpose: Purpose, timeoutMs: number): Promise<Opened> {
  const { MemcachedDriver } = (await loadStore('memcached')) as { MemcachedDriver: Driver };
  const { maxItemBytes } = options;
  const own = {
    ...prefixOf(options),
    ...(options['ownsServer'] !== undefined && { ownsServer: flag(options, 'ownsServer') }),
    ...(maxItemBytes !== undefined && { maxItemBytes: Number(maxItemBytes) }),
  };
  return { driver: new MemcachedDriver({ ...own, hosts, timeoutMs }) };
}

function prefixOf({ prefix }: Place['options']): { prefix?: string } {
  return prefix === undefined ? {} : { prefix };
}

function flag(options: Place['options'], name: string): boolean {
  const value = options[name];
  if (value === 'true' || value === '') return true;
  if (value === 'false') return false;
  throw new UsageError(`The URL's parameter ${name} is ${JSON.stringify(value)}. Write ${name}=true or ${name}=false.`);
}

function defined(options: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
