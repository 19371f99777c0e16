/** The stores that are soaked: each by its name, with how its server keeps what it has acknowledged, and how a store is made. */
import { MemcachedStore } from '@sessile/store-memcached';
import { MongoStore } from '@sessile/store-mongo';
import { PostgresStore } from '@sessile/store-postgres';
import { RedisStore } from '@sessile/store-redis';

export const STORES = {
  redis: {
    args: ['--appendonly', 'yes', '--appendfsync', 'always'],
    keeps: true,
    open: (url, name, timeoutMs) => new RedisStore({ url, prefix: `${name}:`, timeoutMs }),
  },
  postgres: { args: [], keeps: true, open: (url, table, timeoutMs) => new PostgresStore({ url, table, timeoutMs }) },
  mongo: {
    args: [],
    keeps: true,
    open: (url, collectionName, timeoutMs) => new MongoStore({ url, database: 'soak', collectionName, timeoutMs }),
  },
  memcached: { args: [], keeps: false, open: (hosts, name, timeoutMs) => new MemcachedStore({ hosts, prefix: `${name}:`, timeoutMs }) },
};

export const NAMES = Object.keys(STORES);
