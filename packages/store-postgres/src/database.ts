import { createRequire } from 'node:module';
import { StoreError } from '@sessile/core';
import type { Call } from '@sessile/core/driver';
import { isAway, isPassing, known } from './errors.js';
import { findTable, lockOf, type Table } from './schema.js';
import { type Statement, type Statements, statementsOf } from './statements.js';

/** Rows as arrays of columns. */
export type Rows = readonly Row[];

/** Columns as the store's statements have them: texts, numbers, booleans and nulls. */
export type Row = readonly unknown[];

interface Answer {
  rows: Rows;
  rowCount: number | null;
}

/** The part of a pool of pg that is used here. */
export interface PgPool {
  query(query: object): Promise<unknown>;
  end(): Promise<void>;
  on(event: string, listener: (...args: never[]) => void): unknown;
  listenerCount(event: string): number;
}

/** How the store uses the server. */
export interface Settings {
  pool: PgPool | undefined;
  connection: object;
  schema: string | undefined;
  table: string;
  createTable: boolean;
  prepare: boolean;
  asyncCommit: { touches: boolean; writes: boolean };
  timeoutMs: number;
}

const UNREACHABLE = /^(ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ETIMEDOUT|ENOENT|57P03)$/;

/** A pool, its table, and what is sent to it. Nothing is done at session level: the connections are shared. */
export class Database {
  readonly #settings: Settings;
  #pool: PgPool | undefined;
  #table: Promise<{ statements: Statements; table: Table }> | undefined;
  #report: (state: 'up' | 'down', cause?: unknown) => void = () => undefined;
  #probe: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  open(report: (state: 'up' | 'down', cause?: unknown) => void): void {
    this.#report = report;
  }

  /** Runs one of the store's statements, once more where another transaction was in its way. */
  async run(verb: keyof Statements, values: readonly unknown[], call: Call): Promise<Answer> {
    const { statements } = await this.#opened();
    try {
      return await this.#send(statements[verb], values);
    } catch (error) {
      if (!isPassing(error) || call.timeLeftMs <= 0) throw this.#failed(error);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    return this.#send(statements[verb], values).catch((error: unknown) => {
      throw this.#failed(error);
    });
  }

  /** Past the table: whether the server answers. */
  async ping(): Promise<void> {
    await this.#query('SELECT 1').catch((error: unknown) => {
      throw this.#failed(error);
    });
    this.#isUp();
  }

  /** What the columns are, once the table was looked at. */
  async table(): Promise<Table> {
    return (await this.#opened()).table;
  }

  /** A failure is not kept: the next call looks again. */
  #opened(): Promise<{ statements: Statements; table: Table }> {
    this.#table ??= this.#look().catch((error: unknown) => {
      this.#table = undefined;
      throw this.#failed(error);
    });
    return this.#table;
  }

  async #look(): Promise<{ statements: Statements; table: Table }> {
    const { schema, table: name, createTable, asyncCommit } = this.#settings;
    const table = await findTable((text, values) => this.#query(text, values), schema, name, createTable);
    if (table.columns.expire === 'timestamp') warn(table.sql);
    return { table, statements: statementsOf(table.sql, table.columns, asyncCommit, lockOf(schema, name, 'prune')) };
  }

  async #query(text: string, values?: readonly unknown[]): Promise<Rows> {
    const answer = (await this.#open().query({ text, values, rowMode: 'array', query_timeout: this.#limitMs })) as Answer | Answer[];
    return Array.isArray(answer) ? [] : answer.rows;
  }

  #send({ name, text }: Statement, values: readonly unknown[]): Promise<Answer> {
    const query = { text, values, rowMode: 'array', query_timeout: this.#limitMs };
    return this.#open().query(this.#settings.prepare ? { ...query, name } : query) as Promise<Answer>;
  }

  #open(): PgPool {
    if (this.#closed) throw new StoreError('ERR_STORE_CLOSED', 'The store was closed meanwhile.');
    if (this.#pool === undefined) {
      this.#pool = this.#settings.pool ?? this.#ownPool();
      // A pool that nobody listens to ends the process when an idle connection breaks. The listener stays: others may rely on it.
      if (this.#pool.listenerCount('error') === 0) this.#pool.on('error', ignore);
    }
    return this.#pool;
  }

  #ownPool(): PgPool {
    const { connection, timeoutMs, prepare } = this.#settings;
    const { Pool } = load();
    // PgBouncer knows no statement_timeout at the start of a connection; there, the client's own has to do.
    const limits = prepare ? { statement_timeout: timeoutMs } : {};
    return new Pool({ connectionTimeoutMillis: timeoutMs, ...limits, ...connection });
  }

  /**
   * When a connection is given up that gives no answer: else its session, and all that waits for it, would wait with it. Where the
   * server ends the statement itself, it is given the time to say so.
   */
  get #limitMs(): number {
    const { pool, prepare, timeoutMs } = this.#settings;
    return pool === undefined && !prepare ? timeoutMs : timeoutMs + 1000;
  }

  #failed(error: unknown): unknown {
    const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
    if (UNREACHABLE.test(String(code)) || /trying to connect/.test(String(message))) this.#isDown(error);
    return known(error);
  }

  /** Nothing is queued for a server that is away: it is asked in the background until it answers. */
  #isDown(cause: unknown): void {
    if (this.#closed) return;
    this.#report('down', cause);
    if (this.#probe === undefined) this.#askIn(soonMs());
  }

  #askIn(ms: number): void {
    clearTimeout(this.#probe);
    if (!this.#closed) this.#probe = setTimeout(() => this.#ask(), ms).unref();
  }

  /** A pool without time limits may wait for ever on a connection that was lost: then it is asked again, on another one. */
  #ask(): void {
    this.#askIn(this.#settings.timeoutMs);
    this.ping().catch((error: unknown) => {
      // A refusal is an answer: the calls will tell of it.
      if (isAway(error)) this.#askIn(soonMs());
      else this.#isUp();
    });
  }

  #isUp(): void {
    clearTimeout(this.#probe);
    this.#probe = undefined;
    this.#report('up');
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#probe);
    if (this.#settings.pool === undefined) await this.#pool?.end();
  }
}

function ignore(): void {}

/** With jitter: processes that lost the same server do not all ask in the same moment. */
function soonMs(): number {
  return 100 + Math.random() * 300;
}

/** Once per process, by its code. */
function warn(sql: string): void {
  process.emitWarning(
    `The column expire of ${sql} is a timestamp without time zone: all processes must connect with the same TimeZone. ` +
      `To be rid of that: ALTER TABLE ${sql} ALTER COLUMN expire TYPE timestamptz;`,
    { code: 'SESSILE_TIMESTAMP' },
  );
}

function load(): { Pool: new (options: object) => PgPool } {
  try {
    return createRequire(import.meta.url)('pg') as { Pool: new (options: object) => PgPool };
  } catch (cause) {
    throw new StoreError('ERR_STORE_UNSUPPORTED', 'The package pg is missing. Run: npm install pg', { cause });
  }
}
