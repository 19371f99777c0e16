import { SessionStore } from '@sessile/core';
import { MemcachedDriver, type MemcachedStoreOptions, OPTION_NAMES } from './driver.js';

export { type Hosts, type MemcachedClient, MemcachedDriver, type MemcachedStoreOptions } from './driver.js';

/** Sessions in memcached, one server or several. A session may be evicted at any time: memcached is a cache. */
export class MemcachedStore extends SessionStore {
  /**
   * Connects at the first call, and again when a connection was lost.
   *
   * @param options {@link MemcachedStoreOptions}
   * @throws StoreError ERR_STORE_INVALID_OPTION
   */
  constructor(options: MemcachedStoreOptions = {}) {
    super(new MemcachedDriver(options), options, OPTION_NAMES);
  }
}
