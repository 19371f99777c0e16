import { defineTraits, invalidOption, oneOf, type SessionStoreOptions } from '@sessile/core';
import type { Awaitable, Call, Each, Extend, Page, Replace, Replaced, Stored, StoreDriver, Write } from '@sessile/core/driver';
import { Connection, type SqliteDatabase } from './connection.js';
import type { Row } from './statements.js';

export type { SqliteDatabase } from './connection.js';

/** Options of {@link SqliteStore}, beside those of every store. */
export interface SqliteStoreOptions extends SessionStoreOptions {
  /** The database file; its folder must exist. Default: `./sessions.sqlite`. */
  file?: string | undefined;
  /** A better-sqlite3 handle of yours in place of `file`: it stays yours, with the pragmas that you set. */
  database?: SqliteDatabase | undefined;
  /** The table, which is made where it is missing. Default: `sessile_sessions`. */
  table?: string | undefined;
  /**
   * What a power cut may cost. `normal` (default): the writes of the last moments, never the file. `full`: nothing that was
   * acknowledged, at a disk flush for each commit. Counts for `file` only.
   */
  durability?: 'normal' | 'full' | undefined;
}

/** The names of the store's own options. */
export const OPTION_NAMES: readonly string[] = ['file', 'database', 'table', 'durability'];

/** Stands for "never ends" in the INTEGER column. */
const NEVER = Number.MAX_SAFE_INTEGER;
const PAGE_WITH_PAYLOADS = 250;
const PAGE_OF_KEYS = 2000;
const PRUNE_PAGE = 500;
const COUNT_PAGE = 4000;

/** Sessions as rows of a SQLite table. */
export class SqliteDriver implements StoreDriver<string> {
  readonly traits = defineTraits({ name: 'sqlite', clock: 'app', blocks: true, maxPayloadBytes: 500_000_000 });
  readonly #connection: Connection;

  constructor({ file, database, table = 'sessile_sessions', durability = 'normal' }: SqliteStoreOptions = {}) {
    if (file !== undefined && (typeof file !== 'string' || file === ''))
      throw invalidOption('file', file, 'Pass the path of the database file.');
    if (database !== undefined && typeof database?.prepare !== 'function')
      throw invalidOption('database', database, "Pass what new Database(file) of better-sqlite3 gives, or the option 'file'.");
    if (file !== undefined && database !== undefined) throw invalidOption('file', file, "Pass either 'file' or 'database', not both.");
    if (typeof table !== 'string' || table === '' || table.includes('\0'))
      throw invalidOption('table', table, 'Pass a non-empty table name.');
    oneOf('durability', durability, ['normal', 'full']);
    this.#connection = new Connection({ file: file ?? './sessions.sqlite', database, table, durability });
  }

  read(key: string, call: Call): Awaitable<Stored<string> | null> {
    return this.#connection.run(call, ({ read }) => {
      const now = Date.now();
      return stored(read.get(key, now), now);
    });
  }

  write(item: Write, call: Call): Awaitable<string> {
    return this.#connection.run(call, () => this.#write(item));
  }

  replace(item: Replace<string>, call: Call): Awaitable<Replaced<string>> {
    return this.#connection.run(call, () => this.#replace(item));
  }

  extend(item: Extend, call: Call): Awaitable<boolean> {
    return this.#connection.run(call, () => this.#extend(item));
  }

  remove(key: string, call: Call): Awaitable<boolean> {
    return this.#connection.run(call, () => this.#remove(key));
  }

  /** UPDATE … RETURNING */
  readAndExtend({ key, ttlMs, onlyLonger }: Extend, call: Call): Awaitable<Stored<string> | null> {
    return this.#connection.run(call, (sql) => {
      const now = Date.now();
      const statement = onlyLonger ? sql.lengthenAndRead : sql.extendAndRead;
      return stored(statement.get(ends(now, ttlMs), key, now), now);
    });
  }

  writeMany(items: readonly Write[], call: Call): Each<string> {
    return this.#connection.commit(items, call, (item) => this.#write(item));
  }

  replaceMany(items: readonly Replace<string>[], call: Call): Each<Replaced<string>> {
    return this.#connection.commit(items, call, (item) => this.#replace(item));
  }

  extendMany(items: readonly Extend[], call: Call): Each<boolean> {
    return this.#connection.commit(items, call, (item) => this.#extend(item));
  }

  removeMany(keys: readonly string[], call: Call): Each<boolean> {
    return this.#connection.commit(keys, call, (key) => this.#remove(key));
  }

  #write({ key, payload, ttlMs }: Write): string {
    this.#connection.sql.write.run(key, ends(Date.now(), ttlMs), payload);
    return payload;
  }

  /** The text is its own token: a row that another library or another process wrote can be compared too. */
  #replace({ key, payload, ttlMs, onlyLonger, expected }: Replace<string>): Replaced<string> {
    const { sql } = this.#connection;
    const now = Date.now();
    const keep = ttlMs === 'keep';
    const statement = keep || onlyLonger ? sql.replaceLonger : sql.replace;
    const { changes } = statement.run(payload, keep ? 0 : ends(now, ttlMs), key, expected, now);
    if (changes === 1) return { outcome: 'replaced', token: payload };
    const current = stored(sql.read.get(key, now), now);
    return current === null ? { outcome: 'missing' } : { outcome: 'changed', current };
  }

  #extend({ key, ttlMs, onlyLonger }: Extend): boolean {
    const { sql } = this.#connection;
    const now = Date.now();
    return (onlyLonger ? sql.lengthen : sql.extend).run(ends(now, ttlMs), key, now).changes === 1;
  }

  #remove(key: string): boolean {
    const row = this.#connection.sql.remove.get(key);
    return row !== undefined && row[0] > Date.now();
  }

  async *scan(payloads: boolean, call: Call): AsyncGenerator<Page<string>> {
    for (let after = 0, more = true; more;) {
      const rows = await this.#connection.run(call, ({ pageOfKeys, pageOfRows }) =>
        payloads ? pageOfRows.all(after, PAGE_WITH_PAYLOADS) : pageOfKeys.all(after, PAGE_OF_KEYS),
      );
      const now = Date.now();
      const live = rows.filter(([, , expiresAt]) => expiresAt > now);
      yield live.map(([, key, expiresAt, payload]) => (payloads ? { key, stored: found(payload, expiresAt, now) } : { key }));
      more = rows.length === (payloads ? PAGE_WITH_PAYLOADS : PAGE_OF_KEYS);
      after = rows.at(-1)?.[0] ?? after;
    }
  }

  async count(call: Call): Promise<number> {
    let live = 0;
    await this.#eachPage(call, COUNT_PAGE, (after, until) => {
      live += this.#connection.sql.countPage.get(Date.now(), after, until)?.[0] ?? 0;
    });
    return live;
  }

  async prune(call: Call): Promise<number> {
    let pruned = 0;
    await this.#eachPage(call, PRUNE_PAGE, (after, until) => {
      pruned += this.#connection.sql.prunePage.run(after, until, Date.now()).changes;
    });
    return pruned;
  }

  async clear(call: Call): Promise<void> {
    await this.#eachPage(call, PRUNE_PAGE, (after, until) => {
      this.#connection.sql.clearPage.run(after, until);
    });
  }

  /** Goes through the table in ranges of rowids, and gives way to the event loop after each: SQLite works on it. */
  async #eachPage(call: Call, size: number, work: (after: number, until: number) => void): Promise<void> {
    for (let after = 0; ;) {
      const until = await this.#connection.run(call, (sql) => {
        const last = sql.pageEnd.get(after, size)?.[0] ?? null;
        if (last !== null) work(after, last);
        return last;
      });
      if (until === null) return;
      after = until;
      call.progress();
      await new Promise(setImmediate);
    }
  }

  ping(call: Call): Awaitable<void> {
    return this.#connection.run(call, ({ ping }) => void ping.get());
  }

  close(): void {
    this.#connection.close();
  }
}

function ends(now: number, ttlMs: number): number {
  return ttlMs === Infinity ? NEVER : Math.ceil(now + ttlMs);
}

function stored(row: Row<[payload: string, expiresAt: number]>, now: number): Stored<string> | null {
  return row === undefined ? null : found(row[0], row[1], now);
}

function found(payload: string, expiresAt: number, now: number): Stored<string> {
  return { payload, ttlMs: expiresAt === NEVER ? Infinity : expiresAt - now, token: payload };
}
