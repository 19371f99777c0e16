import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, it } from 'vitest';
import { defineConformance } from '@sessile/store-conformance';
import { SqliteStore } from '@sessile/store-sqlite';

const directory = mkdtempSync(join(tmpdir(), 'sessile-sqlite-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const files = new WeakMap<SqliteStore, string>();
let made = 0;

function open(file: string, table = 'sessile_sessions'): SqliteStore {
  const store = new SqliteStore({ file, table });
  files.set(store, file);
  return store;
}

function fileOf(store: SqliteStore): string {
  return files.get(store) as string;
}

/** Works on the file of a store, as another program could. */
function onFile<T>(store: SqliteStore, work: (database: Database.Database) => T): T {
  const database = new Database(fileOf(store));
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** No statement works without its key column. */
function renameColumn(store: SqliteStore, from: string, to: string): void {
  onFile(store, (database) => database.exec(`ALTER TABLE sessile_sessions RENAME COLUMN ${from} TO ${to}`));
}

defineConformance(
  { describe, it },
  {
    name: 'SqliteStore',
    create: () => open(join(directory, `${(made += 1)}.sqlite`)),
    second: (store: SqliteStore) => open(fileOf(store)),
    neighbour: (store: SqliteStore) => open(fileOf(store), "the neighbour's table"),
    async reopen(store: SqliteStore) {
      await store.close();
      return open(fileOf(store));
    },
    spoil: (store: SqliteStore, sid, text) =>
      void onFile(store, (database) => database.prepare('UPDATE sessile_sessions SET payload = ? WHERE key = ?').run(text, sid)),
    rows: (store: SqliteStore) =>
      onFile(store, (database) => database.prepare<[], number>('SELECT count(*) FROM sessile_sessions').pluck().get() as number),
    disrupt(store: SqliteStore) {
      renameColumn(store, 'key', 'away');
      return () => renameColumn(store, 'away', 'key');
    },
    module: new URL('fixtures/conformance-target.js', import.meta.url),
  },
);
