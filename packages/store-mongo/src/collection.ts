import { StoreError } from '@sessile/core';
import { isRefusal } from './errors.js';
import type { MongoCollection } from './mongo.js';

/**
 * Of a collection that takes letters for equal, one session id would open another's session.
 *
 * @throws StoreError ERR_STORE_SCHEMA
 */
export async function refuseCollation(collection: MongoCollection, options: object): Promise<void> {
  // One that is not there yet, or a user who may not look, is no reason to refuse.
  const { collation } = await collection.options(options).catch((): { collation?: { locale?: string } } => ({}));
  if (collation?.locale === undefined || collation.locale === 'simple') return;
  const found = `The collection compares texts by a collation (${collation.locale}), so that two session ids may be one.`;
  throw new StoreError('ERR_STORE_SCHEMA', `${found} Use a collection without a collation, by the option collectionName.`);
}

/** The server knows an index on `expires` with other options (85), or another one by its name (86). */
const OTHER: ReadonlySet<unknown> = new Set([85, 86]);

/**
 * Makes connect-mongo's own index. Ten processes may do so at once, and it being there is no error. A server that has no such
 * indexes is let be: the store prunes.
 *
 * @throws StoreError ERR_STORE_SCHEMA where there is another index in its place.
 */
export async function makeTtlIndex(collection: MongoCollection, options: object): Promise<void> {
  try {
    await collection.createIndex({ expires: 1 }, { expireAfterSeconds: 0, ...options });
  } catch (error) {
    if (OTHER.has((error as { code?: unknown }).code)) throw otherIndex(error);
    if (!isRefusal(error)) throw error;
  }
}

function otherIndex(cause: unknown): StoreError {
  const found = 'The collection has an index on expires (expires_1) with other options than expireAfterSeconds: 0.';
  return new StoreError('ERR_STORE_SCHEMA', `${found} Drop it, and the store makes its own; or pass ttlIndex: false.`, { cause });
}
