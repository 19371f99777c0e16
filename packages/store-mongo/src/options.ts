import { invalidOption, type SessionStoreOptions } from '@sessile/core';
import type { MongoCollection, MongoConnection } from './mongo.js';

/** Options of {@link MongoStore}, beside those of every store. */
export interface MongoStoreOptions extends SessionStoreOptions {
  /** A MongoClient, or a promise of one. It stays yours: its settings count, and `close()` leaves it open. */
  client?: MongoConnection | Promise<MongoConnection> | undefined;
  /** A collection of yours, in place of `client`, `database` and `collectionName`. */
  collection?: MongoCollection | undefined;
  /** `mongodb://user:password@host:27017/database`. Default: the environment's `MONGODB_URI`, else `MONGO_URL`, else localhost. */
  url?: string | undefined;
  /** Default: that of the URL or the client. */
  database?: string | undefined;
  /** Default: `sessions`, as in connect-mongo. */
  collectionName?: string | undefined;
  /** Whether a session is stored as a text of JSON (default), or as a document. Both are read. */
  stringify?: boolean | undefined;
  /** Make a TTL index on `expires`, by which the server removes what has expired. Default: true. */
  ttlIndex?: boolean | undefined;
}

/** The names of the store's own options. */
export const OPTION_NAMES: readonly string[] = ['client', 'collection', 'url', 'database', 'collectionName', 'stringify', 'ttlIndex'];

/** @throws StoreError ERR_STORE_INVALID_OPTION */
export function check(options: MongoStoreOptions): void {
  const { client, collection, url } = options;
  if ([client, collection, url].filter((way) => way !== undefined).length > 1) {
    throw invalidOption('client', client ?? {}, 'Pass one of client, collection and url.');
  }
  if (client !== undefined && !has(client, 'db') && !has(client, 'then')) {
    throw invalidOption('client', client, 'Pass a MongoClient of the package mongodb, or a promise of one.');
  }
  if (url !== undefined && !/^mongodb(\+srv)?:\/\//.test(url)) {
    throw invalidOption('url', typeof url, "Pass 'mongodb://user:password@host:27017/database'.");
  }
  checkCollection(options);
  for (const name of ['stringify', 'ttlIndex'] as const) checkBoolean(name, options[name]);
}

function checkCollection({ collection, database, collectionName }: MongoStoreOptions): void {
  if (collection !== undefined && !has(collection, 'findOneAndUpdate')) {
    throw invalidOption('collection', collection, 'Pass a collection of the package mongodb; its name goes into collectionName.');
  }
  for (const [name, value] of Object.entries({ database, collectionName })) {
    if (value === undefined) continue;
    if (collection !== undefined) throw invalidOption(name, value, 'The option collection says both already.');
    if (typeof value !== 'string' || value === '') throw invalidOption(name, value, 'Pass a string of at least one letter.');
  }
}

function checkBoolean(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw invalidOption(name, value, 'Pass true or false.');
}

function has(value: unknown, method: string): boolean {
  return typeof (value as Record<string, unknown> | null)?.[method] === 'function';
}
