import { defineTraits, StoreError } from '@sessile/core';
import type { Page, Stored, StoreDriver } from '@sessile/core/driver';

/** The part of a better-sqlite3 handle that is used here. */
export interface Rows {
  prepare(sql: string): { get(...parameters: unknown[]): unknown; all(...parameters: unknown[]): unknown[] };
}

/** Tables of other libraries that can be read: the id is in `sid`, the text in `sess`, the end in the column that tells them apart. */
export const FOREIGN_FORMATS = [
  { name: 'better-sqlite3-session-store', columns: ['sid', 'sess', 'expire'], end: 'expire' },
  { name: 'connect-sqlite3', columns: ['sid', 'sess', 'expired'], end: 'expired' },
] as const;

export type ForeignFormat = (typeof FOREIGN_FORMATS)[number]['name'];

interface Row {
  readonly at: number;
  readonly sid: unknown;
  readonly sess: unknown;
  readonly ends: unknown;
}

const PAGE = 250;

/** Another library's table in a SQLite file, for reading. */
export class ForeignDriver implements StoreDriver<string> {
  readonly traits = defineTraits({ name: 'sqlite', clock: 'app', blocks: true });
  readonly #rows: Rows;
  readonly #format: ForeignFormat;
  readonly #columns: string;
  readonly #table: string;

  constructor(rows: Rows, table: string, format: ForeignFormat) {
    this.#rows = rows;
    this.#format = format;
    this.#table = `"${table.replaceAll('"', '""')}"`;
    const { end } = FOREIGN_FORMATS.find(({ name }) => name === format) as (typeof FOREIGN_FORMATS)[number];
    this.#columns = `rowid AS at, sid, sess, ${end} AS ends`;
  }

  read(sid: string): Stored<string> | null {
    const row = this.#rows.prepare(`SELECT ${this.#columns} FROM ${this.#table} WHERE sid = ?`).get(sid) as Row | undefined;
    return row === undefined ? null : (stored(row) ?? null);
  }

  async *scan(payloads: boolean): AsyncGenerator<Page<string>> {
    const statement = this.#rows.prepare(`SELECT ${this.#columns} FROM ${this.#table} WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE}`);
    for (let after = 0, more = true; more;) {
      const rows = statement.all(after) as Row[];
      yield rows.flatMap((row) => pageItem(row, payloads));
      more = rows.length === PAGE;
      after = rows.at(-1)?.at ?? after;
    }
  }

  write(): never {
    throw this.#readOnly();
  }

  extend(): never {
    throw this.#readOnly();
  }

  remove(): never {
    throw this.#readOnly();
  }

  clear(): never {
    throw this.#readOnly();
  }

  close(): void {}

  #readOnly(): StoreError {
    return new StoreError('ERR_STORE_UNSUPPORTED', `The table of ${this.#format} can be read and copied from, not written to.`);
  }
}

function pageItem(row: Row, payloads: boolean): Page<string> {
  const found = stored(row);
  if (found === undefined) return [];
  const key = String(row.sid);
  return payloads ? [{ key, stored: found }] : [{ key }];
}

/** Undefined where it has expired, or has no end that can be read: their own libraries do not find such a row either. */
function stored({ sess, ends }: Row): Stored<string> | undefined {
  const ttlMs = endOf(ends) - Date.now();
  if (!(ttlMs > 0)) return undefined;
  const payload = Buffer.isBuffer(sess) ? sess.toString() : String(sess);
  return { payload, ttlMs, token: payload };
}

/** connect-sqlite3 has ms since 1970; better-sqlite3-session-store has a date in ISO form, which SQLite takes for UTC without a zone too. */
function endOf(ends: unknown): number {
  if (typeof ends === 'number') return ends;
  const text = String(ends);
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  return Date.parse(/(z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text.replace(' ', 'T')}Z`);
}
