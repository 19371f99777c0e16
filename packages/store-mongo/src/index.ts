import { SessionStore } from '@sessile/core';
import { MongoDriver } from './driver.js';
import { type MongoStoreOptions, OPTION_NAMES } from './options.js';

export { MongoDriver } from './driver.js';
export type { MongoCollection, MongoConnection } from './mongo.js';
export type { MongoStoreOptions } from './options.js';

/** Sessions in a MongoDB collection, that of connect-mongo or one of its own. */
export class MongoStore extends SessionStore {
  /**
   * Connects at the first call.
   *
   * @param options {@link MongoStoreOptions}
   * @throws StoreError ERR_STORE_INVALID_OPTION
   */
  constructor(options: MongoStoreOptions = {}) {
    super(new MongoDriver(options), options, OPTION_NAMES);
  }
}
