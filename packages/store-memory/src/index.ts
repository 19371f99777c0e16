import { SessionStore } from '@sessile/core';
import { MemoryDriver, type MemoryStoreOptions } from './driver.js';

export { MemoryDriver, type MemoryStoreOptions } from './driver.js';

/**
 * Sessions in this process's memory: for development, tests, and apps of one process that may lose sessions on a restart.
 *
 * Bounded by `maxBytes` (default 256 MiB): when it is full, the session that was used least recently goes, and the event
 * `evict` tells its stored id.
 */
export class MemoryStore extends SessionStore {
  /**
   * @param options {@link MemoryStoreOptions}
   * @throws StoreError ERR_STORE_INVALID_OPTION
   */
  constructor(options: MemoryStoreOptions = {}) {
    const driver = new MemoryDriver(options, (storedId) => this.emit('evict', storedId));
    super(driver, options, ['maxEntries', 'maxBytes']);
  }
}
