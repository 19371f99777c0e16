import { createHash } from 'node:crypto';
import { StoreError } from '@sessile/core';
import { type Columns, quoted } from './statements.js';

/** Sends SQL and gives rows as arrays. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<readonly (readonly unknown[])[]>;

/** What the store must know of its table. */
export interface Table {
  /** Quoted, with its schema where one was named. */
  readonly sql: string;
  readonly columns: Columns;
}

const KINDS: Readonly<Record<string, Columns['sess'] | Columns['expire']>> = {
  json: 'json',
  jsonb: 'jsonb',
  text: 'text',
  bigint: 'bigint',
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
};

/**
 * Looks at the table, and makes it where it is missing. Ten processes may do so at once: one makes it, the others wait for that.
 *
 * @throws StoreError ERR_STORE_SCHEMA where it is missing and may not be made, or its columns are of other types.
 */
export async function findTable(query: Query, schema: string | undefined, table: string, create: boolean): Promise<Table> {
  const sql = schema === undefined ? quoted(table) : `${quoted(schema)}.${quoted(table)}`;
  const found = await columnsOf(query, sql);
  if (found !== undefined) return { sql, columns: found };
  if (!create) throw schemaError(`The table ${sql} does not exist.`, 'Create it, or leave out createTable: false.');
  await query(creation(sql, table, schema));
  const made = await columnsOf(query, sql);
  if (made === undefined) throw schemaError(`The table ${sql} was made, and is not there.`, 'Was it dropped meanwhile?');
  return { sql, columns: made };
}

async function columnsOf(query: Query, sql: string): Promise<Columns | undefined> {
  const rows = await query(
    `SELECT a.attname, regexp_replace(format_type(a.atttypid, NULL), '\\(.*\\)', '') FROM pg_attribute a
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`,
    [sql],
  );
  if (rows.length === 0) return undefined;
  const types = new Map(rows.map(([name, type]) => [String(name), String(type)]));
  return {
    sess: kindOf(types, 'sess', ['json', 'jsonb', 'text'], sql),
    expire: kindOf(types, 'expire', ['timestamptz', 'timestamp', 'bigint'], sql),
  };
}

function kindOf<K extends string>(types: ReadonlyMap<string, string>, column: string, kinds: readonly K[], sql: string): K {
  const type = types.get(column) ?? 'missing';
  // A varchar column holds text as well.
  const kind = type === 'character varying' ? 'text' : KINDS[type];
  const known = kinds.find((one) => one === kind);
  if (known !== undefined && types.has('sid')) return known;
  const advice = `Use a table with sid (text), sess (json, jsonb or text) and expire (timestamptz, timestamp or bigint).`;
  throw schemaError(`The table ${sql} is none of ours: its column ${column} is ${type}.`, advice);
}

function schemaError(what: string, advice: string): StoreError {
  return new StoreError('ERR_STORE_SCHEMA', `${what} ${advice} The option table names another one.`);
}

/**
 * One query, so one transaction. `IF NOT EXISTS` alone fails where two processes do it at once.
 *
 * The columns are connect-pg-simple's but for the time zone, which spares it errors of hours and days.
 */
function creation(sql: string, table: string, schema: string | undefined): string {
  return `SELECT pg_advisory_xact_lock(${lockOf(schema, table, 'create')});
    CREATE TABLE IF NOT EXISTS ${sql} (sid varchar NOT NULL PRIMARY KEY, sess json NOT NULL, expire timestamptz NOT NULL);
    CREATE INDEX IF NOT EXISTS ${quoted(indexOf(table))} ON ${sql} (expire);`;
}

/** Names are cut to 63 bytes, and two long names must not meet. */
function indexOf(table: string): string {
  const name = `${table}_expire_idx`;
  return Buffer.byteLength(name) <= 63 ? name : `sessile_${createHash('sha256').update(table).digest('hex').slice(0, 24)}_expire_idx`;
}

/** The number of an advisory lock, the same in every process. */
export function lockOf(schema: string | undefined, table: string, purpose: string): string {
  return createHash('sha256')
    .update(`sessile\0${purpose}\0${schema ?? ''}\0${table}`)
    .digest()
    .readBigInt64BE()
    .toString();
}
