import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StoreDriver } from '@sessile/core/driver';
import { Absent, CliError, UsageError } from '../errors.js';
import type { Place } from '../url.js';
import { FOREIGN_FORMATS, ForeignDriver, type ForeignFormat, type Rows } from './foreign.js';
import { loadClient, loadStore } from './packages.js';
import type { Opened, Purpose } from './types.js';

/** The part of a better-sqlite3 handle that is used here. */
interface Handle extends Rows {
  close(): void;
}

type Format = 'sessile' | ForeignFormat;

const LOCKED_MS = 10_000;
const OUR_TABLE = 'sessile_sessions';
/** What both foreign libraries call theirs. */
const THEIR_TABLE = 'sessions';

/** A file of SQLite: with a table of ours, or one of another library, which can be read. */
export async function openSqlite(place: Place, purpose: Purpose): Promise<Opened> {
  const { url: file, label } = place;
  if (purpose !== 'fill' && !existsSync(file)) throw new Absent(`There is no file ${file}.`);
  if (!existsSync(dirname(file))) throw new CliError(`There is no folder ${dirname(file)}. Make it first.`);
  const { SqliteDriver } = (await loadStore('sqlite')) as { SqliteDriver: new (options: object) => StoreDriver<string> };
  const { table, format } = tableOf(place, purpose);
  if (format !== 'sessile') return openForeign(label, file, table, format, purpose);
  if (purpose !== 'read') return { driver: new SqliteDriver({ file, table }) };
  const database = openReadOnly(file);
  return { driver: new SqliteDriver({ database, table }), close: () => database.close() };
}

function openForeign(label: string, file: string, table: string, format: ForeignFormat, purpose: Purpose): Opened {
  if (purpose !== 'read') {
    const advice = 'It can be read here (ls, show, count) and copied from: sessile copy';
    throw new UsageError(`${label} has the table of ${format}. ${advice} ${label} TO`);
  }
  const database = openReadOnly(file);
  return { driver: new ForeignDriver(database, table, format), close: () => database.close() };
}

/** Nothing is made by looking. A lock that an app holds is waited for: this process serves nobody meanwhile. */
function openReadOnly(file: string): Handle {
  const Database = loadClient('sqlite') as new (file: string, options: object) => Handle;
  return new Database(file, { readonly: true, timeout: LOCKED_MS });
}

/** The table that is meant, and whose it is: as the URL says, else by its columns. */
function tableOf({ url: file, options, label }: Place, purpose: Purpose): { table: string; format: Format } {
  const said = saidFormat(options['format']);
  const columns = existsSync(file) ? columnsOf(file, [options['table'] ?? OUR_TABLE, THEIR_TABLE]) : new Map<string, Set<string>>();
  const fallback = purpose === 'fill' || !columns.has(THEIR_TABLE) ? OUR_TABLE : THEIR_TABLE;
  const table =
    options['table'] ?? (said !== undefined && said !== 'sessile' ? THEIR_TABLE : columns.has(OUR_TABLE) ? OUR_TABLE : fallback);
  const there = columns.get(table);
  if (there === undefined) {
    if (purpose === 'fill') return { table, format: said ?? 'sessile' };
    throw new Absent(`${file} has no table ${table}. Name it: ${label}${label.includes('?') ? '&' : '?'}table=NAME`);
  }
  return { table, format: said ?? formatOf(there, file, table) };
}

function saidFormat(format: string | undefined): Format | undefined {
  if (format === undefined || format === 'sessile') return format;
  const known = FOREIGN_FORMATS.find(({ name }) => name === format);
  if (known !== undefined) return known.name;
  const names = ['sessile', ...FOREIGN_FORMATS.map(({ name }) => name)].join(', ');
  throw new UsageError(`The URL's parameter format is ${JSON.stringify(format.slice(0, 40))}. It is one of: ${names}.`);
}

function formatOf(columns: ReadonlySet<string>, file: string, table: string): Format {
  if (['key', 'expires_at', 'payload'].every((name) => columns.has(name))) return 'sessile';
  const known = FOREIGN_FORMATS.find(({ columns: names }) => names.every((name) => columns.has(name)));
  if (known !== undefined) return known.name;
  const formats = FOREIGN_FORMATS.map(({ name, columns: names }) => `${name} (${names.join(', ')})`).join(' or ');
  throw new CliError(
    `The table ${table} of ${file} is none of sessions: expected the columns key, expires_at, payload, or those of ${formats}.`,
  );
}

function columnsOf(file: string, tables: readonly string[]): Map<string, Set<string>> {
  const database = openReadOnly(file);
  try {
    const statement = database.prepare('SELECT name FROM pragma_table_info(?)');
    const all = tables.map((table): [string, Set<string>] => [
      table,
      new Set((statement.all(table) as { name: string }[]).map(({ name }) => name)),
    ]);
    return new Map(all.filter(([, names]) => names.size > 0));
  } finally {
    database.close();
  }
}
