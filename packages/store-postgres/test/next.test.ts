import { afterAll, describe, it } from 'vitest';
import { defineConformance } from '@sessile/store-conformance';
import { PostgresStore } from '@sessile/store-postgres';
import { backend, namespace } from '@sessile/testkit';
import pg from 'pg';

const postgres = await backend('postgres-next');
const pool = new pg.Pool({ connectionString: postgres.url, max: 20 });
const tables = new WeakMap<PostgresStore, string>();

afterAll(() => pool.end());

function open(table: string): PostgresStore {
  const store = new PostgresStore({ pool, table, pruneEveryMs: false });
  tables.set(store, table);
  return store;
}

describe.skipIf(postgres.skip !== undefined)(`the newer release of PostgreSQL (${postgres.skip ?? postgres.from})`, () => {
  if (postgres.skip !== undefined) return;
  defineConformance(
    { describe, it },
    {
      name: 'PostgresStore',
      create: () => open(namespace()),
      second: (store: PostgresStore) => open(tables.get(store) as string),
      neighbour: () => open(namespace()),
    },
  );
});
