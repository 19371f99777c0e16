import { PostgresStore } from '@sessile/store-postgres';
import { describeOutages, opened, type Way } from '@sessile/testkit/outages';
import pg from 'pg';
import { openStore } from './fixtures/open-store.js';

const OWN: Way = {
  title: 'a pool of its own',
  open: async (url, name, timeoutMs) => opened([openStore(url, name, timeoutMs), openStore(url, name, timeoutMs)]),
};

/** Without a limit for statements, as most have it; one for connections is the README's advice. */
const POOL: Way = {
  title: "a pool of the caller's",
  async open(url, table, timeoutMs) {
    const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: timeoutMs });
    const options = { pool, table, timeoutMs, pruneEveryMs: false as const };
    return opened([new PostgresStore(options), new PostgresStore(options)], () => pool.end());
  },
};

await describeOutages({
  title: 'PostgresStore',
  backend: 'postgres',
  keeps: true,
  ways: [OWN, POOL],
  module: new URL('fixtures/open-store.js', import.meta.url),
});
