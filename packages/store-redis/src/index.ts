import { SessionStore } from '@sessile/core';
import { RedisDriver } from './driver.js';
import { OPTION_NAMES, type RedisStoreOptions } from './options.js';

export { RedisDriver } from './driver.js';
export type { RedisClient, RedisStoreOptions } from './options.js';

/** Sessions in Redis or Valkey: a single server, one behind sentinels, or a cluster; the same data as connect-redis. */
export class RedisStore extends SessionStore {
  /**
   * Connects to nothing yet: that happens at the first call.
   *
   * @param options {@link RedisStoreOptions}
   * @throws StoreError ERR_STORE_INVALID_OPTION
   */
  constructor(options: RedisStoreOptions = {}) {
    super(new RedisDriver(options), options, OPTION_NAMES);
  }
}
