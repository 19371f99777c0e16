import { SessionStore } from '@sessile/core';
import { OPTION_NAMES, PostgresDriver, type PostgresStoreOptions } from './driver.js';

export { type PgPool, PostgresDriver, type PostgresStoreOptions } from './driver.js';

/** Sessions in a PostgreSQL table, that of connect-pg-simple or one of its own. */
export class PostgresStore extends SessionStore {
  /**
   * Connects at the first call.
   *
   * @param options {@link PostgresStoreOptions}
   * @throws StoreError ERR_STORE_INVALID_OPTION
   */
  constructor(options: PostgresStoreOptions = {}) {
    super(new PostgresDriver(options), options, OPTION_NAMES);
  }
}
