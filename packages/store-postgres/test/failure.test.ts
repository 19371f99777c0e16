import { PostgresStore } from '@sessile/store-postgres';
import { backend, namespace, ownServer, proxyTo } from '@sessile/testkit';
import { describeOutages, opened, type Outage, READS, type Site, type Victim, type Way } from '@sessile/testkit/outages';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
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

/** As its operator: on a connection of its own. */
async function admin({ server }: Site): Promise<pg.Client> {
  const client = new pg.Client(server.url).on('error', () => undefined);
  await client.connect();
  return client;
}

/** A statement before, and another one that mends it. */
function sql(begin: (name: string) => string, end: (name: string) => string) {
  return async (site: Site, { name }: Victim) => {
    const client = await admin(site);
    await client.query(begin(name));
    return async () => {
      await client.query(end(name));
      await client.end();
    };
  };
}

const OUTAGES: readonly Outage[] = [
  {
    title: 'may only be read, as a standby',
    codes: ['ERR_STORE_UNAVAILABLE'],
    comesLater: true,
    works: READS,
    async begin(site) {
      const client = await admin(site);
      await client.query('ALTER SYSTEM SET default_transaction_read_only = on');
      await client.query('SELECT pg_reload_conf()');
      return async () => {
        await client.query('SET default_transaction_read_only = off');
        await client.query('ALTER SYSTEM RESET default_transaction_read_only');
        await client.query('SELECT pg_reload_conf()');
        await client.end();
      };
    },
  },
  {
    title: 'has lost the table',
    codes: ['ERR_STORE_SCHEMA'],
    works: ['ping'],
    everyWay: true,
    begin: sql(
      (name) => `ALTER TABLE ${name} RENAME TO ${name}_away`,
      (name) => `ALTER TABLE ${name}_away RENAME TO ${name}`,
    ),
  },
  {
    title: 'has lost the index',
    codes: [],
    works: 'all',
    begin: sql(
      (name) => `DROP INDEX ${name}_expire_idx`,
      (name) => `CREATE INDEX ${name}_expire_idx ON ${name} (expire)`,
    ),
  },
  {
    title: 'ends every connection of its users',
    codes: ['ERR_STORE_UNAVAILABLE'],
    either: 'all',
    everyWay: true,
    async begin(site) {
      const client = await admin(site);
      const others = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = $1';
      await client.query(others, ['client backend']);
      return () => client.end();
    },
  },
];

await describeOutages({
  title: 'PostgresStore',
  backend: 'postgres',
  keeps: true,
  ways: [OWN, POOL],
  module: new URL('fixtures/open-store.js', import.meta.url),
  outages: OUTAGES,
});

/** Another table fills the disk, and gives it free again. */
const FULL: Outage = {
  title: 'has a full disk',
  codes: ['ERR_STORE_BACKEND'],
  works: READS,
  either: ['get and extend', 'set new', 'set many', 'set loaded', 'touch', 'update', 'destroy'],
  async begin(site) {
    const client = await admin(site);
    // Room in the log for what still works: without it the server itself would stop.
    await client.query('SELECT pg_switch_wal()');
    await client.query('CREATE UNLOGGED TABLE filler (line text)');
    await client.query('CHECKPOINT');
    for (const rows of [1000, 100, 10, 1]) await fill(client, rows);
    return async () => {
      await client.query('DROP TABLE filler');
      await client.end();
    };
  },
};

/** Adds pages to the table until there is no room for so many. */
async function fill(client: pg.Client, pages: number): Promise<void> {
  const insert = `INSERT INTO filler SELECT repeat('x', 1900) FROM generate_series(1, ${pages * 4})`;
  for (;;) {
    try {
      await client.query(insert);
    } catch (error) {
      expect(error).toMatchObject({ code: '53100' });
      return;
    }
  }
}

await describeOutages({
  title: 'PostgresStore',
  backend: 'postgres',
  server: { diskMb: 128, args: ['-c', 'max_wal_size=64MB', '-c', 'min_wal_size=32MB'] },
  keeps: true,
  common: false,
  ways: [OWN],
  outages: [FULL],
});

const postgres = await backend('postgres');

describe.skipIf(postgres.skip !== undefined)('PostgresStore in outages of its own kind', () => {
  const url = postgres.url ?? '';

  function open(options: ConstructorParameters<typeof PostgresStore>[0]): PostgresStore {
    const store = new PostgresStore({ table: namespace(), pruneEveryMs: false, ...options });
    onTestFinished(() => store.close().catch(() => undefined));
    return store;
  }

  function poolOf(options: pg.PoolConfig): pg.Pool {
    const pool = new pg.Pool({ connectionString: url, ...options }).on('error', () => undefined);
    onTestFinished(() => pool.end());
    return pool;
  }

  it('a pool without a free connection is a timeout, not a hang', async () => {
    const pool = poolOf({ max: 1 });
    const store = open({ pool, timeoutMs: 300 });
    await store.set('s', { n: 1 });
    const busy = await pool.connect();
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT', retryable: true });
    busy.release();
    await expect.poll(() => store.get('s').catch(String), { timeout: 5000 }).toEqual({ n: 1 });
  });

  it('a user without rights is ERR_STORE_DENIED', async () => {
    const user = namespace();
    const table = namespace();
    const pool = poolOf({});
    await open({ pool, table }).get('s');
    await pool.query(`CREATE ROLE ${user} LOGIN`);
    const store = open({ pool: poolOf({ options: `-c role=${user}` }), table });
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_DENIED', retryable: false });
  });

  it('a first call that is never answered is not waited for by those after it', async () => {
    const proxy = await proxyTo(url);
    onTestFinished(() => proxy.close());
    const pool = poolOf({ connectionString: proxy.url });
    const store = open({ pool, timeoutMs: 400 });
    (await pool.connect()).release();
    proxy.impair({ delayMs: 3_600_000 });
    await expect(store.get('s')).rejects.toMatchObject({ retryable: true });
    proxy.impair({});
    // The connection that was asked stays silent: it is given up, and another one is asked.
    await expect.poll(() => store.set('s', { n: 1 }).then(() => store.get('s'), String), { timeout: 10_000 }).toEqual({ n: 1 });
  });

  it('a wrong or missing password is ERR_STORE_DENIED, and too many connections are none', { timeout: 60_000 }, async () => {
    const server = await ownServer('postgres');
    if (server.skip !== undefined) throw new Error(server.skip);
    onTestFinished(() => server.stop());
    const operator = new pg.Client(server.url).on('error', () => undefined);
    await operator.connect();
    onTestFinished(() => operator.end());
    await askForPassword(operator, 'visitor');
    const as = (password: string) =>
      open({ url: server.url.replace('postgres@', `visitor${password}@`), table: 'visited', timeoutMs: 2000 });
    for (const store of [as(''), as(':wrong')]) {
      for (let again = 0; again < 2; again += 1)
        await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_DENIED', retryable: false });
    }
    const store = as(':right');
    await store.set('s', { n: 1 });
    const end = () => operator.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'visitor'");
    const codeOf = (call: Promise<unknown>) => call.then(JSON.stringify, (error) => `${error.code} ${error.retryable}`);
    await operator.query("ALTER ROLE visitor PASSWORD 'another'");
    await end();
    await expect.poll(() => codeOf(store.get('s')), { timeout: 5000 }).toBe('ERR_STORE_DENIED false');
    await operator.query("ALTER ROLE visitor PASSWORD 'right' CONNECTION LIMIT 0");
    await expect.poll(() => codeOf(store.get('s')), { timeout: 5000 }).toBe('ERR_STORE_UNAVAILABLE true');
    await operator.query('ALTER ROLE visitor CONNECTION LIMIT 10');
    await expect.poll(() => codeOf(store.get('s')), { timeout: 5000 }).toBe('{"n":1}');
  });

  /** A user whose password is `right`, in a server that trusts everybody else. */
  async function askForPassword(operator: pg.Client, user: string): Promise<void> {
    await operator.query(`CREATE ROLE ${user} LOGIN PASSWORD 'right'`);
    await operator.query(`GRANT ALL ON SCHEMA public TO ${user}`);
    const [{ file }] = (await operator.query('SELECT setting AS file FROM pg_settings WHERE name = $1', ['hba_file'])).rows;
    const lines = [`host all ${user} all scram-sha-256`, 'local all all trust', 'host all all all trust'];
    await operator.query(`COPY (SELECT unnest(ARRAY[${lines.map(pg.escapeLiteral).join()}])) TO ${pg.escapeLiteral(file)}`);
    await operator.query('SELECT pg_reload_conf()');
    const rules = 'SELECT count(*)::int AS rules FROM pg_hba_file_rules WHERE $1 = ANY(user_name)';
    await expect.poll(async () => (await operator.query(rules, [user])).rows[0].rules).toBe(1);
  }
});
