import { defineTraits, invalidOption, oneOf, type SessionStoreOptions } from '@sessile/core';
import type { Call, Extend, Page, Replace, Replaced, Stored, StoreDriver, Write } from '@sessile/core/driver';
import { Database, type PgPool, type Row, type Rows } from './database.js';
import { keyOf, sidOf } from './keys.js';

export type { PgPool } from './database.js';

/** Options of {@link PostgresStore}, beside those of every store. */
export interface PostgresStoreOptions extends SessionStoreOptions {
  /** A pool of pg. It stays yours: its settings count, and `close()` leaves it open. */
  pool?: PgPool | undefined;
  /** `postgres://user:password@host:5432/database`. Default: the environment's `DATABASE_URL`, else libpq's variables (`PGHOST`, ...), else localhost. */
  url?: string | undefined;
  /** Options of a pool of pg in place of `url`: `{ host, user, max, ssl }`. */
  connection?: object | undefined;
  /** The table's schema. Default: the first of the connection's search_path that has the table. */
  schema?: string | undefined;
  /** The table. Default: `session`, as in connect-pg-simple. */
  table?: string | undefined;
  /** Make the table and its index where they are missing. Default: true. */
  createTable?: boolean | undefined;
  /**
   * Use named prepared statements, which each connection parses once. Set it to false behind PgBouncer in transaction mode, older
   * than 1.21 or without max_prepared_statements. Default: true.
   */
  prepare?: boolean | undefined;
  /**
   * What is on the disk when it is acknowledged. `'all'` (default). `'data'`: a touch may be lost with the power. `'none'`: the
   * writes of the last moments too. A crash of this process or of the server's loses nothing either way.
   */
  durable?: 'all' | 'data' | 'none' | undefined;
}

/** The names of the store's own options. */
export const OPTION_NAMES: readonly string[] = ['pool', 'url', 'connection', 'schema', 'table', 'createTable', 'prepare', 'durable'];

const PAGE_OF_ROWS = 1000;
const PAGE_OF_KEYS = 5000;
const PAGE = 1000;

/** Sessions as rows of a PostgreSQL table. The token is the text as the server keeps it. */
export class PostgresDriver implements StoreDriver<string> {
  readonly traits = defineTraits({ name: 'postgres', payload: 'json', maxPayloadBytes: 200_000_000, singles: 4 });
  readonly #database: Database;
  #closed = false;

  constructor(options: PostgresStoreOptions = {}) {
    check(options);
    const {
      pool,
      url,
      connection,
      schema,
      table = 'session',
      createTable = true,
      prepare = true,
      durable = 'all',
      timeoutMs = 5000,
    } = options;
    const asyncCommit = { touches: durable !== 'all', writes: durable === 'none' };
    const settings = { pool, connection: connectionOf(url, connection), schema, table, createTable, prepare, asyncCommit, timeoutMs };
    this.#database = new Database(settings);
  }

  open(report: (state: 'up' | 'down', cause?: unknown) => void): void {
    this.#database.open(report);
  }

  async read(sid: string, call: Call): Promise<Stored<string> | null> {
    const { rows } = await this.#database.run('read', [keyOf(sid)], call);
    return stored(rows[0]);
  }

  async readMany(sids: readonly string[], call: Call): Promise<(Stored<string> | null)[]> {
    const keys = sids.map(keyOf);
    const { rows } = await this.#database.run('readMany', [keys], call);
    const found = byKey(rows, ([, payload, left]) => stored([payload, left]));
    return keys.map((key) => found.get(key) ?? null);
  }

  async write({ key, payload, ttlMs }: Write, call: Call): Promise<string> {
    const { rows } = await this.#database.run('write', [keyOf(key), payload, lifetime(ttlMs)], call);
    return (rows[0]?.[0] as string | null | undefined) ?? payload;
  }

  async writeMany(items: readonly Write[], call: Call): Promise<string[]> {
    const keys = items.map(({ key }) => keyOf(key));
    const values = [keys, items.map(({ payload }) => payload), items.map(({ ttlMs }) => lifetime(ttlMs))];
    const { rows } = await this.#database.run('writeMany', values, call);
    const kept = byKey(rows, ([, text]) => text as string | null);
    return items.map(({ payload }, index) => kept.get(keys[index] as string) ?? payload);
  }

  async replace(item: Replace<string>, call: Call): Promise<Replaced<string>> {
    const { key, payload, ttlMs, onlyLonger, expected } = item;
    const values = [keyOf(key), payload, lifetime(ttlMs), onlyLonger, ttlMs === 'keep', expected];
    const { rows } = await this.#database.run('replace', values, call);
    const [kept, done, text, left] = rows[0] as Row;
    return replaced(done, kept, stored([text, left]), item);
  }

  async replaceMany(items: readonly Replace<string>[], call: Call): Promise<Replaced<string>[]> {
    const keys = items.map(({ key }) => keyOf(key));
    const columns = [
      ...[keys, items.map(({ payload }) => payload), items.map(({ ttlMs }) => lifetime(ttlMs))],
      ...[items.map(({ onlyLonger }) => onlyLonger), items.map(({ ttlMs }) => ttlMs === 'keep'), items.map(({ expected }) => expected)],
    ];
    const { rows } = await this.#database.run('replaceMany', columns, call);
    const locked = byKey(rows, (row) => row);
    return items.map((item, index) => {
      const row = locked.get(keys[index] as string);
      if (row === undefined) return { outcome: 'missing' };
      const [, kept, done, text, left] = row;
      return replaced(done, kept, stored([text, left]), item);
    });
  }

  async extend({ key, ttlMs, onlyLonger }: Extend, call: Call): Promise<boolean> {
    const { rowCount } = await this.#database.run('extend', [keyOf(key), lifetime(ttlMs), onlyLonger], call);
    return rowCount === 1;
  }

  async extendMany(items: readonly Extend[], call: Call): Promise<boolean[]> {
    const keys = items.map(({ key }) => keyOf(key));
    const values = [keys, items.map(({ ttlMs }) => lifetime(ttlMs)), items.map(({ onlyLonger }) => onlyLonger)];
    const { rows } = await this.#database.run('extendMany', values, call);
    const extended = new Set(rows.map(([key]) => key));
    return keys.map((key) => extended.has(key));
  }

  /** UPDATE … RETURNING */
  async readAndExtend({ key, ttlMs, onlyLonger }: Extend, call: Call): Promise<Stored<string> | null> {
    const { rows } = await this.#database.run('readAndExtend', [keyOf(key), lifetime(ttlMs), onlyLonger], call);
    return stored(rows[0]);
  }

  async remove(sid: string, call: Call): Promise<boolean> {
    const { rows } = await this.#database.run('remove', [keyOf(sid)], call);
    return rows[0]?.[0] === true;
  }

  async removeMany(sids: readonly string[], call: Call): Promise<boolean[]> {
    const keys = sids.map(keyOf);
    const { rows } = await this.#database.run('removeMany', [keys], call);
    const removed = new Set(rows.map(([key]) => key));
    return keys.map((key) => removed.has(key));
  }

  /** By the primary key, so that the server never sorts or holds the whole table. */
  async *scan(payloads: boolean, call: Call): AsyncGenerator<Page<string>> {
    const size = payloads ? PAGE_OF_ROWS : PAGE_OF_KEYS;
    for (let after = '', more = true; more;) {
      const { rows } = await this.#database.run(payloads ? 'pageOfRows' : 'pageOfKeys', [after, size], call);
      const live = rows.filter(([, isLive]) => isLive);
      yield live.map(([key, , text, left]) => ({ key: sidOf(key as string), ...(payloads && { stored: found(text as string, left) }) }));
      more = rows.length === size;
      after = (rows.at(-1)?.[0] as string | undefined) ?? after;
    }
  }

  async count(call: Call): Promise<number> {
    const { rows } = await this.#database.run('count', [], call);
    return rows[0]?.[0] as number;
  }

  async clear(call: Call): Promise<void> {
    for (let after: string | null = ''; after !== null;) {
      const { rows }: { rows: Rows } = await this.#database.run('clearPage', [after, PAGE], call);
      after = (rows[0]?.[0] as string | null | undefined) ?? null;
      call.progress();
    }
  }

  /** One process at a time; where another is at it, nothing is left to do. */
  async prune(call: Call): Promise<number> {
    let pruned = 0;
    for (let more = true; more && !this.#closed;) {
      const { rowCount } = await this.#database.run('prunePage', [PAGE], call);
      pruned += rowCount ?? 0;
      more = rowCount === PAGE;
      call.progress();
    }
    return pruned;
  }

  ping(): Promise<void> {
    return this.#database.ping();
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#database.close();
  }
}

function check({ pool, url, connection, schema, table, createTable, prepare, durable }: PostgresStoreOptions): void {
  if (pool !== undefined && typeof pool?.query !== 'function') throw invalidOption('pool', pool, "Pass a pool of pg, or the option 'url'.");
  // Its text is not shown: there may be a password in it.
  if (url !== undefined && (typeof url !== 'string' || !/^postgres(ql)?:\/\//.test(url)))
    throw invalidOption('url', typeof url === 'string' ? 'some other text' : url, "Pass 'postgres://user:password@host:5432/database'.");
  if ([pool, url, connection].filter((given) => given !== undefined).length > 1)
    throw invalidOption('url', 'set beside another', "Pass one of 'pool', 'url' and 'connection'.");
  if (connection !== undefined && (typeof connection !== 'object' || connection === null))
    throw invalidOption('connection', connection, "Pass options of a pool of pg, such as { host: 'db' }.");
  for (const [name, value] of Object.entries({ schema, table }))
    if (value !== undefined && (typeof value !== 'string' || value === '' || value.includes('\0')))
      throw invalidOption(name, value, 'Pass a name without NUL, of at least one letter.');
  for (const [name, value] of Object.entries({ createTable, prepare }))
    if (value !== undefined && typeof value !== 'boolean') throw invalidOption(name, value, 'Pass true or false.');
  if (durable !== undefined) oneOf('durable', durable, ['all', 'data', 'none']);
}

function connectionOf(url: string | undefined, connection: object | undefined): object {
  if (connection !== undefined) return connection;
  const target = url ?? process.env['DATABASE_URL'];
  return target === undefined ? {} : { connectionString: target };
}

/** Null stands for no end, and for "keep", which has a column of its own. */
function lifetime(ttlMs: number | 'keep'): number | null {
  return ttlMs === 'keep' || ttlMs === Infinity ? null : ttlMs;
}

function stored(row: Row | undefined): Stored<string> | null {
  const text = row?.[0] as string | null | undefined;
  return text === undefined || text === null ? null : found(text, row?.[1]);
}

function found(text: string, left: unknown): Stored<string> {
  // Looked at a moment after it was found live.
  return { payload: text, ttlMs: left === null ? Infinity : Math.max(left as number, 0.001), token: text };
}

function replaced(done: unknown, kept: unknown, current: Stored<string> | null, item: Replace<string>): Replaced<string> {
  if (done === true) return { outcome: 'replaced', token: (kept as string | null) ?? item.payload };
  if (current === null) return { outcome: 'missing' };
  // The statement's snapshot may be older than the row that it waited for.
  return current.token === item.expected ? { outcome: 'changed' } : { outcome: 'changed', current };
}

function byKey<R>(rows: Rows, value: (row: Row) => R): Map<string, R> {
  return new Map(rows.map((row) => [row[0] as string, value(row)]));
}
