import { createRequire } from 'node:module';
import { StoreError } from '@sessile/core';

/** A filter, an update or a document. */
export type Doc = Readonly<Record<string, unknown>>;

/** The part of a collection of mongodb 6 or 7 that is used here. */
export interface MongoCollection {
  readonly writeConcern?: { readonly w?: unknown } | undefined;
  findOne(filter: object, options: object): Promise<unknown>;
  find(filter: object, options: object): { toArray(): Promise<unknown[]> };
  updateOne(filter: object, update: object, options: object): Promise<{ readonly matchedCount: number }>;
  bulkWrite(operations: readonly never[], options: object): Promise<{ readonly matchedCount: number }>;
  findOneAndUpdate(filter: object, update: object, options: object): Promise<unknown>;
  findOneAndDelete(filter: object, options: object): Promise<unknown>;
  deleteMany(filter: object, options: object): Promise<{ readonly deletedCount: number }>;
  countDocuments(filter: object, options: object): Promise<number>;
  options(options: object): Promise<{ readonly collation?: { readonly locale?: string } }>;
  createIndex(index: { expires: 1 }, options: object): Promise<string>;
}

/** The part of a client of mongodb 6 or 7 that is used here. */
export interface MongoConnection {
  connect(): Promise<unknown>;
  db(name?: string): { collection(name: string): MongoCollection };
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
  close(): Promise<void>;
}

/**
 * A client of the package mongodb, which is loaded here, when it is needed. What the URL says of times goes before `limits`.
 *
 * @throws StoreError ERR_STORE_UNSUPPORTED where the package is missing, ERR_STORE_INVALID_OPTION where it cannot use the URL.
 */
export function connect(url: string, limits: Readonly<Record<string, number>>): MongoConnection {
  const { MongoClient } = load();
  const said = url.toLowerCase();
  const own = Object.entries(limits).filter(([name]) => !said.includes(`${name.toLowerCase()}=`));
  try {
    return new MongoClient(url, Object.fromEntries(own));
  } catch {
    // The client's own message may quote the password.
    throw new StoreError('ERR_STORE_INVALID_OPTION', "The option url cannot be used. Write 'mongodb://user:password@host:27017/database'.");
  }
}

function load(): { MongoClient: new (url: string, options: object) => MongoConnection } {
  try {
    return createRequire(import.meta.url)('mongodb') as ReturnType<typeof load>;
  } catch (cause) {
    throw new StoreError('ERR_STORE_UNSUPPORTED', 'The package mongodb is missing. Run: npm install mongodb', { cause });
  }
}
