import { PostgresStore } from '@sessile/store-postgres';
import { describeOutages, type Opened, type Way } from '@sessile/testkit/outages';
import pg from 'pg';
import { openStore } from './fixtures/open-store.js';

function closing(stores: PostgresStore[], end: () => unknown = () => undefined): Opened {
  return {
    stores,
    async close() {
      await Promise.all(stores.map((store) => store.close()));
      await end();
    },
  };
}

const OWN: Way = {
  title: 'a pool of its own',
  open: async (url, name, timeoutMs) => closing([openStore(url, name, timeoutMs), openStore(url, name, timeoutMs)]),
};

/** As most have it: no time limit of its own. */
const POOL: Way = {
  title: "a pool of the caller's",
  async open(url, table, timeoutMs) {
    const pool = new pg.Pool({ connectionString: url, max: 10 });
    const options = { pool, table, timeoutMs, pruneEveryMs: false as const };
    return closing([new PostgresStore(options), new PostgresStore(options)], () => pool.end());
  },
};

await describeOutages({
  title: 'PostgresStore',
  backend: 'postgres',
  keeps: true,
  ways: [OWN, POOL],
  module: new URL('fixtures/open-store.js', import.meta.url),
});
