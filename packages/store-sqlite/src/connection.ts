import { createRequire } from 'node:module';
import { StoreError, type StoreErrorCode } from '@sessile/core';
import type { Awaitable, Call } from '@sessile/core/driver';
import { createTable, prepareAll, type Statement, type Statements } from './statements.js';

/** The part of a better-sqlite3 handle that is used here. */
export interface SqliteDatabase {
  prepare(sql: string): unknown;
  exec(sql: string): unknown;
  pragma(sql: string): unknown;
  close(): unknown;
  readonly inTransaction: boolean;
}

interface Settings {
  file: string;
  database: SqliteDatabase | undefined;
  table: string;
  durability: 'normal' | 'full';
}

const BUSY = /^SQLITE_(BUSY|LOCKED)/;
const CODES: readonly (readonly [RegExp, StoreErrorCode])[] = [
  [/^SQLITE_(READONLY|PERM|AUTH)/, 'ERR_STORE_DENIED'],
  [/^SQLITE_TOOBIG/, 'ERR_STORE_PAYLOAD_TOO_LARGE'],
];

/**
 * The file, opened at the first call and again after a failure, with every statement prepared once.
 *
 * SQLite works on the event loop, so a lock that another process holds is never waited for inside of it: the work is tried
 * again from a timer until the call is out of time.
 */
export class Connection {
  readonly #settings: Settings;
  #database: SqliteDatabase | undefined;
  #sql: Statements | undefined;
  #closed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The statements, of an open database. */
  get sql(): Statements {
    if (this.#closed) throw new StoreError('ERR_STORE_CLOSED', 'The store was closed meanwhile.');
    this.#sql ??= this.#open();
    return this.#sql;
  }

  run<R>(call: Call, work: (sql: Statements) => R): Awaitable<R> {
    try {
      return work(this.sql);
    } catch (error) {
      if (!isBusy(error)) throw this.#known(error);
      return this.#later(call, work);
    }
  }

  /** Does many items in one transaction. An item that fails undoes itself alone; a commit that fails undoes all. */
  commit<I, R>(items: readonly I[], call: Call, one: (item: I) => R): Awaitable<(R | Error)[]> {
    return this.run(call, (sql) => {
      sql.begin.run();
      try {
        const results = items.map((item) => this.#item(item, one));
        sql.commit.run();
        return results;
      } catch (error) {
        if (this.#database?.inTransaction === true) sql.rollback.run();
        throw error;
      }
    });
  }

  /** SQLite undoes a failed statement by itself, and on a full disk the whole transaction. */
  #item<I, R>(item: I, one: (item: I) => R): R | Error {
    try {
      return one(item);
    } catch (error) {
      if (isBusy(error) || this.#database?.inTransaction !== true) throw error;
      return this.#known(error);
    }
  }

  async #later<R>(call: Call, work: (sql: Statements) => R): Promise<R> {
    for (let attempt = 0; ; attempt += 1) {
      const pause = Math.random() * Math.min(50, 2 ** attempt);
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (call.timeLeftMs <= 0) break;
      try {
        return work(this.sql);
      } catch (error) {
        if (!isBusy(error)) throw this.#known(error);
      }
    }
    throw new StoreError('ERR_STORE_TIMEOUT', 'The database file was locked by another process all the time.');
  }

  #open(): Statements {
    const { database, table } = this.#settings;
    this.#database = database ?? this.#openFile();
    return this.#prepare(this.#database, table);
  }

  #openFile(): SqliteDatabase {
    if (this.#database !== undefined) return this.#database;
    const { file, durability } = this.#settings;
    const database = openWith(load(), file);
    this.#database = database;
    unlessReadOnly(() => database.pragma('journal_mode = WAL'));
    database.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
    return database;
  }

  #prepare(database: SqliteDatabase, table: string): Statements {
    // A file that may only be read can still serve the sessions in it.
    unlessReadOnly(() => database.exec(createTable(table)));
    return prepareAll((sql) => database.prepare(sql) as Statement, table);
  }

  #known(error: unknown): Error {
    const code = codeOf(error);
    const message = error instanceof Error ? error.message : '';
    if (code === 'SQLITE_ERROR' && /no such (table|column)|has no column|does not match any PRIMARY KEY/.test(message))
      return this.#schema(message);
    const [, known] = CODES.find(([pattern]) => pattern.test(code)) ?? [];
    if (known === undefined) return error as Error;
    return new StoreError(known, `SQLite refused: ${message}.`, { cause: error });
  }

  /**
   * The table is another's, or was dropped while we ran. It is not made anew then: an empty one would tell every user that
   * there is no session of theirs.
   */
  #schema(message: string): StoreError {
    const advice =
      'If the table was dropped, bring it back, or restart the process, which makes an empty one. The option table names another one.';
    return new StoreError('ERR_STORE_SCHEMA', `The session table is not as expected: ${message}. ${advice}`);
  }

  close(): void {
    this.#closed = true;
    if (this.#settings.database === undefined) this.#database?.close();
    this.#database = undefined;
    this.#sql = undefined;
  }
}

function unlessReadOnly(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!codeOf(error).startsWith('SQLITE_READONLY')) throw error;
  }
}

function isBusy(error: unknown): boolean {
  return BUSY.test(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function openWith(Database: Open, file: string): SqliteDatabase {
  try {
    return new Database(file, { timeout: 0 });
  } catch (error) {
    // Its native part is looked for here, not when it is loaded.
    if (error instanceof Error && /bindings file|ERR_DLOPEN_FAILED/.test(`${error.message} ${codeOf(error)}`)) throw missing(error);
    throw error;
  }
}

type Open = new (file: string, options: { timeout: number }) => SqliteDatabase;

function load(): Open {
  try {
    return createRequire(import.meta.url)('better-sqlite3') as Open;
  } catch (cause) {
    throw missing(cause);
  }
}

function missing(cause: unknown): StoreError {
  const advice = 'Run: npm install better-sqlite3';
  return new StoreError('ERR_STORE_UNSUPPORTED', `The package better-sqlite3 is missing or was not built. ${advice}`, { cause });
}
