import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionStore, SessionStoreOptions } from '@sessile/core';
import { MemcachedStore } from '@sessile/store-memcached';
import { MemoryStore } from '@sessile/store-memory';
import { MongoStore } from '@sessile/store-mongo';
import { PostgresStore } from '@sessile/store-postgres';
import { RedisStore } from '@sessile/store-redis';
import { SqliteStore } from '@sessile/store-sqlite';
import { backend, type BackendName, namespace } from '@sessile/testkit';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import pg from 'pg';
import { afterAll } from 'vitest';

/** One of the six stores, and where its sessions are. */
export interface StoreKind {
  readonly name: string;
  /** Why there is no server for it. */
  readonly skip?: string | undefined;
  /** How much longer than its lifetime a session may live, in ms. */
  readonly resolutionMs: number;
  /** What its server calls itself, with its version. */
  readonly server: () => Promise<string>;
  /**
   * Makes a namespace of a test's own.
   *
   * @returns what opens one more store on it, as each server of a site has one.
   */
  readonly sessions: (options: SessionStoreOptions) => () => SessionStore;
}

const PRUNES_NOTHING = { pruneEveryMs: false } as const;

/** All six. Those whose server is not there say why. */
export async function storeKinds(): Promise<readonly StoreKind[]> {
  return [inMemory, inSqlite(), ...(await Promise.all([inRedis(), inPostgres(), inMongo(), inMemcached()]))];
}

export const inMemory: StoreKind = {
  name: 'MemoryStore',
  resolutionMs: 1,
  server: async () => 'none: this process',
  sessions: (options) => {
    // Its sessions are in this one object: such a site has one process.
    const store = new MemoryStore({ ...PRUNES_NOTHING, ...options });
    return () => store;
  },
};

function inSqlite(): StoreKind {
  const folder = mkdtempSync(join(tmpdir(), 'sessile-frameworks-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    name: 'SqliteStore',
    resolutionMs: 1,
    server: async () => 'none: a file',
    sessions: (options) => {
      const file = join(folder, `${namespace()}.sqlite`);
      return () => new SqliteStore({ file, ...PRUNES_NOTHING, ...options });
    },
  };
}

/** What a kind with a server is made of, once there is one. */
type Opened = Pick<StoreKind, 'server'> & { readonly open: (namespace: string, options: SessionStoreOptions) => SessionStore };

async function onServer(name: string, needs: BackendName, resolutionMs: number, connect: (url: string) => Opened): Promise<StoreKind> {
  const found = await backend(needs);
  const { open, server } = found.skip === undefined ? connect(found.url) : missing(found.skip);
  const sessions: StoreKind['sessions'] = (options) => {
    const own = namespace();
    return () => open(own, options);
  };
  return { name, skip: found.skip, resolutionMs, server, sessions };
}

function missing(why: string): Opened {
  const fail = () => {
    throw new Error(why);
  };
  return { open: fail, server: fail };
}

function inRedis(): Promise<StoreKind> {
  return onServer('RedisStore', 'redis', 1, (url) => {
    const client = new Redis(url, { lazyConnect: true }).setMaxListeners(0);
    afterAll(() => client.disconnect());
    return {
      open: (own, options) => new RedisStore({ client, prefix: `${own}:`, ...options }),
      server: async () => `Redis ${/redis_version:(\S+)/.exec(await client.info('server'))?.[1]}`,
    };
  });
}

function inPostgres(): Promise<StoreKind> {
  return onServer('PostgresStore', 'postgres', 1, (connectionString) => {
    const pool = new pg.Pool({ connectionString, max: 8 });
    afterAll(() => pool.end());
    return {
      open: (table, options) => new PostgresStore({ pool, table, ...PRUNES_NOTHING, ...options }),
      server: async () => `PostgreSQL ${(await pool.query('SHOW server_version')).rows[0].server_version.split(' ')[0]}`,
    };
  });
}

function inMongo(): Promise<StoreKind> {
  return onServer('MongoStore', 'mongo', 1, (url) => {
    const client = new MongoClient(url).setMaxListeners(0);
    afterAll(() => client.close());
    return {
      open: (collectionName, options) => new MongoStore({ client, database: 'frameworks', collectionName, ...PRUNES_NOTHING, ...options }),
      server: async () => mongoVersion(await client.db().command({ buildInfo: 1 })),
    };
  });
}

function mongoVersion({ version, ferretdb }: { version?: string; ferretdb?: { version: string } }): string {
  return ferretdb === undefined ? `MongoDB ${version}` : `FerretDB ${ferretdb.version.replace(/^v/, '')}`;
}

function inMemcached(): Promise<StoreKind> {
  // Its clock moves in whole seconds, and it keeps lives in whole seconds.
  return onServer('MemcachedStore', 'memcached', 2000, (hosts) => ({
    open: (own, options) => new MemcachedStore({ hosts, prefix: `${own}:`, ...options }),
    server: () => memcachedVersion(new URL(hosts)),
  }));
}

async function memcachedVersion({ hostname, port }: URL): Promise<string> {
  const socket = connect(Number(port), hostname).end('version\r\n');
  for await (const line of socket)
    return `memcached ${String(line)
      .trim()
      .replace(/^VERSION /, '')}`;
  throw new Error('memcached hung up');
}
