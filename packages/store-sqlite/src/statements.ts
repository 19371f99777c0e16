/** A row as an array, or none. */
export type Row<R> = R | undefined;

/** The part of a prepared statement of better-sqlite3 that is used here. */
export interface Statement<P extends unknown[] = unknown[], R = unknown> {
  get(...parameters: P): Row<R>;
  all(...parameters: P): R[];
  run(...parameters: P): { changes: number };
  raw(toggle?: boolean): this;
}

/** Prepares SQL. */
export type Prepare = (sql: string) => Statement;

type PageRow = [rowid: number, key: string, expiresAt: number, payload: string];

/** Every statement of the store, prepared once. */
export interface Statements {
  read: Statement<[key: string, now: number], [payload: string, expiresAt: number]>;
  write: Statement<[key: string, expiresAt: number, payload: string]>;
  replace: Statement<[payload: string, expiresAt: number, key: string, expected: string, now: number]>;
  replaceLonger: Statement<[payload: string, expiresAt: number, key: string, expected: string, now: number]>;
  extend: Statement<[expiresAt: number, key: string, now: number]>;
  lengthen: Statement<[expiresAt: number, key: string, now: number]>;
  extendAndRead: Statement<[expiresAt: number, key: string, now: number], [payload: string, expiresAt: number]>;
  lengthenAndRead: Statement<[expiresAt: number, key: string, now: number], [payload: string, expiresAt: number]>;
  remove: Statement<[key: string], [expiresAt: number]>;
  pageOfRows: Statement<[after: number, limit: number], PageRow>;
  pageOfKeys: Statement<[after: number, limit: number], PageRow>;
  pageEnd: Statement<[after: number, size: number], [rowid: number | null]>;
  countPage: Statement<[now: number, after: number, until: number], [live: number]>;
  prunePage: Statement<[after: number, until: number, now: number]>;
  clearPage: Statement<[after: number, until: number]>;
  ping: Statement<[]>;
  begin: Statement<[]>;
  commit: Statement<[]>;
  rollback: Statement<[]>;
}

/**
 * The table: `expires_at` in ms since the epoch stands before the payload, so that counting reads no overflow pages. It has
 * no index on `expires_at`: that would halve the speed of every save for the sake of pruning.
 */
export function createTable(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${quoted(table)} (key TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL, payload TEXT NOT NULL)`;
}

/** Prepares every statement for a table. */
export function prepareAll(prepare: Prepare, table: string): Statements {
  const t = quoted(table);
  const rows = (sql: string) => prepare(sql).raw();
  const live = 'WHERE key = ? AND expires_at > ?';
  const unchanged = 'WHERE key = ? AND payload = ? AND expires_at > ?';
  const returning = 'RETURNING payload, expires_at';
  return {
    read: rows(`SELECT payload, expires_at FROM ${t} ${live}`),
    write: prepare(
      `INSERT INTO ${t} (key, expires_at, payload) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at, payload = excluded.payload`,
    ),
    replace: prepare(`UPDATE ${t} SET payload = ?, expires_at = ? ${unchanged}`),
    replaceLonger: prepare(`UPDATE ${t} SET payload = ?, expires_at = MAX(expires_at, ?) ${unchanged}`),
    extend: prepare(`UPDATE ${t} SET expires_at = ? ${live}`),
    lengthen: prepare(`UPDATE ${t} SET expires_at = MAX(expires_at, ?) ${live}`),
    extendAndRead: rows(`UPDATE ${t} SET expires_at = ? ${live} ${returning}`),
    lengthenAndRead: rows(`UPDATE ${t} SET expires_at = MAX(expires_at, ?) ${live} ${returning}`),
    remove: rows(`DELETE FROM ${t} WHERE key = ? RETURNING expires_at`),
    pageOfRows: rows(`SELECT rowid, key, expires_at, payload FROM ${t} WHERE rowid > ? ORDER BY rowid LIMIT ?`),
    pageOfKeys: rows(`SELECT rowid, key, expires_at FROM ${t} WHERE rowid > ? ORDER BY rowid LIMIT ?`),
    pageEnd: rows(`SELECT MAX(rowid) FROM (SELECT rowid FROM ${t} WHERE rowid > ? ORDER BY rowid LIMIT ?)`),
    countPage: rows(`SELECT COUNT(*) FILTER (WHERE expires_at > ?) FROM ${t} WHERE rowid > ? AND rowid <= ?`),
    prunePage: prepare(`DELETE FROM ${t} WHERE rowid > ? AND rowid <= ? AND expires_at <= ?`),
    clearPage: prepare(`DELETE FROM ${t} WHERE rowid > ? AND rowid <= ?`),
    ping: prepare('SELECT 1'),
    begin: prepare('BEGIN IMMEDIATE'),
    commit: prepare('COMMIT'),
    rollback: prepare('ROLLBACK'),
  } as Statements;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
