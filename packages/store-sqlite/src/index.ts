import { SessionStore } from '@sessile/core';
import { OPTION_NAMES, SqliteDriver, type SqliteStoreOptions } from './driver.js';

export { type SqliteDatabase, SqliteDriver, type SqliteStoreOptions } from './driver.js';

/** Sessions in a SQLite file, which several processes of one machine may share. */
export class SqliteStore extends SessionStore {
  /**
   * Opens nothing yet: the file is opened at the first call, and again later where that failed.
   *
   * @param options {@link SqliteStoreOptions}
   * @throws StoreError ERR_STORE_INVALID_OPTION
   */
  constructor(options: SqliteStoreOptions = {}) {
    super(new SqliteDriver(options), options, OPTION_NAMES);
  }
}
