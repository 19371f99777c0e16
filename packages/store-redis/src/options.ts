import { invalidOption, type SessionStoreOptions, StoreError } from '@sessile/core';
import { type IoRedisClient, type IoRedisCluster, IoRedisClusterLink, IoRedisLink, type IoRedisOptions, openIoRedis } from './ioredis.js';
import type { Link } from './link.js';
import { type NodeRedisClient, type NodeRedisCluster, NodeRedisClusterLink, NodeRedisLink } from './node-redis.js';

/** A client of ioredis (`Redis`, `Cluster`) or of node-redis (client, pool, cluster). */
export type RedisClient = IoRedisClient | IoRedisCluster | NodeRedisClient | NodeRedisCluster;

/** Options of {@link RedisStore}, beside those of every store. */
export interface RedisStoreOptions extends SessionStoreOptions {
  /**
   * A client of yours: `Redis` or `Cluster` of ioredis 5 or 6; a client, pool or cluster of node-redis 5, connected. It stays
   * yours: its settings count, and `close()` leaves it open.
   */
  client?: RedisClient | undefined;
  /** `redis://user:password@host:port/db`, or `rediss://` for TLS. Default: the environment's `REDIS_URL`, else `redis://localhost:6379`. */
  url?: string | undefined;
  /** Options of ioredis in place of `url`: `{ host, port, tls }`, `{ sentinels, name }`. */
  connection?: IoRedisOptions | undefined;
  /** What stands before each session id; taken as it is, globs too. Default: `sess:`. */
  prefix?: string | undefined;
  /**
   * With an empty prefix: nothing but sessions is in this database. `length` is then DBSIZE and `clear` is FLUSHDB, and without
   * it `all`, `ids`, `length`, `entries` and `clear` refuse. Default: false.
   */
  ownsDatabase?: boolean | undefined;
}

/** The names of the store's own options. */
export const OPTION_NAMES: readonly string[] = ['client', 'url', 'connection', 'prefix', 'ownsDatabase'];

/** Checked options with their defaults. */
export interface Settings {
  open: () => Link;
  /** Whether the connection is the store's, so that it ends it. */
  own: boolean;
  /** Whether keys lie on several servers. */
  sharded: boolean;
  prefix: string;
  ownsDatabase: boolean;
}

/** @throws StoreError ERR_STORE_INVALID_OPTION */
export function settingsOf(options: RedisStoreOptions): Settings {
  const { client, url, connection, prefix = 'sess:', ownsDatabase = false, timeoutMs = 5000 } = options;
  if ([client, url, connection].filter((given) => given !== undefined).length > 1)
    throw new StoreError(
      'ERR_STORE_INVALID_OPTION',
      "Of the options 'client', 'url' and 'connection' only one can be used. Remove the others.",
    );
  if (typeof prefix !== 'string' || hasLoneSurrogate(prefix)) throw invalidOption('prefix', prefix, "Pass a string, such as 'sess:'.");
  checkOwnership(ownsDatabase, prefix);
  if (client !== undefined) return { ...linkTo(client), own: false, prefix, ownsDatabase };
  const target =
    connection === undefined ? checkUrl(url ?? process.env['REDIS_URL'] ?? 'redis://localhost:6379') : checkConnection(connection);
  return { open: () => openIoRedis(target, timeoutMs), sharded: false, own: true, prefix, ownsDatabase };
}

function checkOwnership(ownsDatabase: unknown, prefix: string): void {
  if (typeof ownsDatabase !== 'boolean') throw invalidOption('ownsDatabase', ownsDatabase, 'Pass true or false.');
  if (ownsDatabase && prefix !== '')
    throw invalidOption('ownsDatabase', true, "It goes with prefix: '' alone: with a prefix the store finds its own sessions by it.");
}

/** Its text is not shown: there may be a password in it. */
function checkUrl(url: unknown): string {
  if (typeof url === 'string' && /^rediss?:\/\/./.test(url) && URL.canParse(url)) return url;
  const advice = "Write 'redis://host:6379', 'redis://user:password@host:6379/0', or 'rediss://…' for TLS.";
  throw new StoreError(
    'ERR_STORE_INVALID_OPTION',
    `The option url (or REDIS_URL in the environment) is no URL of a Redis server. ${advice}`,
  );
}

function checkConnection(connection: unknown): IoRedisOptions {
  if (typeof connection === 'object' && connection !== null && !Array.isArray(connection)) return connection as IoRedisOptions;
  throw invalidOption('connection', connection, "Pass options of ioredis, such as { host: 'redis', port: 6379 }, or the option 'url'.");
}

/** Tells clients apart by what they have: there may be several copies and versions of a library. */
function linkTo(client: unknown): Pick<Settings, 'open' | 'sharded'> {
  const has = (name: string) => typeof client === 'object' && client !== null && name in client;
  if (has('call') && has('status')) {
    if ((client as IoRedisCluster).isCluster) return { open: () => new IoRedisClusterLink(client as IoRedisCluster), sharded: true };
    return { open: () => new IoRedisLink(client as IoRedisClient), sharded: false };
  }
  if (has('sendCommand') && has('nodeClient')) return { open: () => new NodeRedisClusterLink(client as NodeRedisCluster), sharded: true };
  // A sentinel of node-redis takes other arguments.
  if (has('sendCommand') && (has('isReady') || has('totalClients')) && !has('getSentinelNode'))
    return { open: () => new NodeRedisLink(client as NodeRedisClient), sharded: false };
  throw invalidOption('client', client, EXPECTED_CLIENT);
}

const EXPECTED_CLIENT =
  "Pass what new Redis() or new Cluster() of ioredis gives, or createClient(), createClientPool() or createCluster() of node-redis. For sentinels use ioredis, or the option 'connection'.";

/** As UTF-8 it would be another text. */
function hasLoneSurrogate(text: string): boolean {
  return Buffer.from(text).toString() !== text;
}
