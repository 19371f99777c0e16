import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PostgresStore, type PostgresStoreOptions } from '@sessile/store-postgres';
import { assertMove, backend, namespace } from '@sessile/testkit';
import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import pg from 'pg';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { missingPgBouncer, pgBouncer } from './pgbouncer.js';

const postgres = await backend('postgres');
const isMissing = postgres.skip !== undefined;
const url = postgres.url ?? '';
const title = `PostgreSQL (${postgres.skip ?? postgres.from})`;
const run = promisify(execFile);
const writer = fileURLToPath(new URL('fixtures/writer.mjs', import.meta.url));

const DAY_MS = 86_400_000;

const pool = new pg.Pool({ connectionString: url, max: 8 });
afterAll(() => pool.end());

function open(options: PostgresStoreOptions = {}): PostgresStore {
  const own = 'url' in options || 'connection' in options;
  const store = new PostgresStore({ ...(own ? {} : { pool }), table: namespace(), pruneEveryMs: false, ...options });
  onTestFinished(() => store.close());
  return store;
}

function poolOf(options: pg.PoolConfig): pg.Pool {
  const made = new pg.Pool({ connectionString: url, ...options }).on('error', () => undefined);
  onTestFinished(() => made.end());
  return made;
}

const inZone = (zone: string) => poolOf({ options: `-c TimeZone=${zone}` });

async function rows(sql: string, values: unknown[] = []): Promise<any[]> {
  return (await pool.query(sql, values)).rows;
}

const PeerStore = connectPgSimple(session);

/** It makes every table's primary key by one name, so that a database holds one such table: the tests give it each by hand. */
async function peerTable(table: string): Promise<void> {
  await pool.query(
    `CREATE TABLE ${table} (sid varchar NOT NULL COLLATE "default" PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`,
  );
}

/** Its `timestamp` columns are worth a warning, which has a test of its own. */
function silenced(): void {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  onTestFinished(() => warned.mockRestore());
}

function peer(table: string, options: object = {}): session.Store {
  const store = new PeerStore({ pool, tableName: table, pruneSessionInterval: false, ...options });
  onTestFinished(() => store.close());
  return store;
}

/** A method of a callback store as a promise. */
function asked<R>(store: session.Store, verb: 'get' | 'set' | 'touch' | 'destroy', ...args: unknown[]): Promise<R> {
  return new Promise((resolve, reject) => {
    (store as any)[verb](...args, (error: unknown, result: R) => (error ? reject(error as Error) : resolve(result)));
  });
}

const cookie = (ms = DAY_MS) => ({ originalMaxAge: ms, expires: new Date(Date.now() + ms), httpOnly: true, path: '/' });

describe.skipIf(isMissing)(`${title}: the table`, () => {
  it('is made with an index, in a schema and by a name of any letters', async () => {
    const schema = `${namespace()} "the schema"`;
    const table = `ses'sion "x"; DROP TABLE y; -- ${namespace()}`;
    await pool.query(`CREATE SCHEMA ${pg.escapeIdentifier(schema)}`);
    const store = open({ schema, table });
    await store.set('s', { n: 1 });
    expect(await store.get('s')).toEqual({ n: 1 });
    const columns = await rows(
      'SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position',
      [schema, table],
    );
    expect(columns).toEqual([
      { column_name: 'sid', data_type: 'character varying' },
      { column_name: 'sess', data_type: 'json' },
      { column_name: 'expire', data_type: 'timestamp with time zone' },
    ]);
    expect(await rows('SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = $2', [schema, table])).toHaveLength(2);
  });

  it('may have a name of 63 letters beside another that begins alike', async () => {
    const name = `${'x'.repeat(50)}${namespace()}`;
    const [one, two] = [open({ table: `${name.slice(0, 62)}1` }), open({ table: `${name.slice(0, 62)}2` })];
    await one.set('s', { n: 1 });
    expect(await two.get('s')).toBeNull();
    await two.set('s', { n: 2 });
    await one.clear();
    expect(await two.get('s')).toEqual({ n: 2 });
  });

  it('is made once by ten processes at once', async () => {
    const table = namespace();
    const ends = await Promise.all(Array.from({ length: 10 }, () => run(process.execPath, [writer, url, table, '1'])));
    expect(ends.every(({ stderr }) => stderr === '')).toBe(true);
  });

  it('is not made where that is not wanted, and its absence is an error that says what to do', async () => {
    const store = open({ createTable: false });
    const error = await store.get('s').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_STORE_SCHEMA', message: expect.stringMatching(/does not exist.*createTable/) });
  });

  it('of other columns is refused by name', async () => {
    const table = namespace();
    await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess bytea, expire timestamptz)`);
    await expect(open({ table }).get('s')).rejects.toMatchObject({
      code: 'ERR_STORE_SCHEMA',
      message: expect.stringContaining('sess is bytea'),
    });
  });

  it('dropped in use is an error, never "no session", and nobody makes an empty one meanwhile', async () => {
    const table = namespace();
    const store = open({ table });
    await store.set('s', { n: 1 });
    await pool.query(`ALTER TABLE ${table} RENAME TO ${table}away`);
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_SCHEMA' });
    await expect(store.set('t', {})).rejects.toMatchObject({ code: 'ERR_STORE_SCHEMA' });
    await pool.query(`ALTER TABLE ${table}away RENAME TO ${table}`);
    expect(await store.get('s')).toEqual({ n: 1 });
  });
});

describe.skipIf(isMissing)(`${title}: time`, () => {
  it.each(['timestamptz', 'bigint'])('writer and reader may live in different time zones on %s', async (type) => {
    const table = namespace();
    await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess json NOT NULL, expire ${type} NOT NULL)`);
    const tokyo = open({ pool: inZone('Asia/Tokyo'), table });
    const newYork = open({ pool: inZone('America/New_York'), table });
    await tokyo.set('s', { n: 1 }, 60_000);
    await newYork.set('t', { n: 2 }, 60_000);
    expect(await newYork.get('s')).toEqual({ n: 1 });
    expect(await tokyo.get('t')).toEqual({ n: 2 });
    await tokyo.set('u', { n: 3 }, 150);
    await vi.waitFor(async () => expect(await newYork.get('u')).toBeNull(), { timeout: 2000, interval: 10 });
  });

  it('warns once of a timestamp without time zone, and works as the peer does in one zone', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => warned.mockRestore());
    const table = namespace();
    const zone = inZone('Asia/Tokyo');
    await peerTable(table);
    await asked(peer(table, { pool: zone }), 'set', 'peer', { cookie: cookie(60_000), n: 1 });
    const store = open({ pool: zone, table });
    expect(await store.get('peer')).toMatchObject({ n: 1 });
    await store.set('ours', { n: 2, cookie: cookie(60_000) });
    expect(await asked(peer(table, { pool: zone }), 'get', 'ours')).toMatchObject({ n: 2 });
    expect(warned).toHaveBeenCalledTimes(1);
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('ALTER COLUMN expire TYPE timestamptz'), { code: 'SESSILE_TIMESTAMP' });
  });

  it("goes by the server's clock, not by this process's", async () => {
    const store = open();
    await store.set('s', { n: 1 }, 60_000);
    const ahead = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    onTestFinished(() => ahead.mockRestore());
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it.each(['timestamptz', 'timestamp(6)', 'bigint'])('keeps a session for ever, and for 250,000 years, on %s', async (type) => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => void vi.restoreAllMocks());
    const table = namespace();
    await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess json NOT NULL, expire ${type} NOT NULL)`);
    const store = open({ table });
    await store.set('ever', { n: 1 }, Infinity);
    await store.set('long', { n: 2 }, 250_000 * 365 * DAY_MS);
    expect(await store.get('ever')).toEqual({ n: 1 });
    expect(await store.get('long')).toEqual({ n: 2 });
    expect(await store.touch('ever', undefined, 60_000)).toBe(true);
    expect(await store.length()).toBe(2);
  });
});

describe.skipIf(isMissing)(`${title}: what the columns hold`, () => {
  const AWKWARD = { nul: 'a\0b', key: { '\0': 1 }, lone: '\ud800', emoji: '😀', backslash: '\\u0000', big: 1.5e300, small: 5e-324 };

  it.each(['json', 'text'])('%s keeps NUL and lone surrogates', async (type) => {
    const table = namespace();
    await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess ${type} NOT NULL, expire timestamptz NOT NULL)`);
    const store = open({ table });
    await store.set('s', AWKWARD);
    expect(await store.get('s')).toEqual(AWKWARD);
  });

  it('jsonb refuses them with ERR_STORE_ENCODE, keeps what was there, and takes the neighbours of their batch', async () => {
    const table = namespace();
    await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess jsonb NOT NULL, expire timestamptz NOT NULL)`);
    const store = open({ table });
    await store.set('s7', { kept: true });
    const values = Array.from({ length: 32 }, (_, n) => (n === 7 ? AWKWARD : { n, backslash: '\\u0000' }));
    const ends = await Promise.allSettled(values.map((value, n) => store.set(`s${n}`, value)));
    expect(ends[7]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_ENCODE', message: expect.stringContaining('json') } });
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(31);
    expect(await store.get('s7')).toEqual({ kept: true });
    expect(await store.get('s8')).toEqual(values[8]);
  });

  it('jsonb orders keys its own way, and saves of loaded sessions go through all the same', async () => {
    const table = namespace();
    await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess jsonb NOT NULL, expire timestamptz NOT NULL)`);
    const [one, two] = [open({ table }), open({ table })];
    await one.set('s', { zebra: 1, a: { y: 1, x: 2 } });
    const [mine, theirs] = [(await one.get('s'))!, (await two.get('s'))!];
    mine['mine'] = true;
    theirs['theirs'] = true;
    await Promise.all([one.set('s', mine), two.set('s', theirs)]);
    expect(await one.get('s')).toEqual({ zebra: 1, a: { y: 1, x: 2 }, mine: true, theirs: true });
  });

  it.each([
    ['NUL', 'a\0b'],
    ['the mark of a written one', '~u:a%00b'],
    ['an odd escape', '~u:%E0%A4%A'],
    ['quotes', `'"$1;--`],
  ])('keeps a sid with %s', async (_what, sid) => {
    const store = open();
    await store.set(sid, { n: 1 });
    await store.set('a%00b', { n: 2 });
    expect(await store.get(sid)).toEqual({ n: 1 });
    expect((await store.ids()).toSorted()).toEqual([sid, 'a%00b'].toSorted());
    await store.destroy(sid);
    expect(await store.get(sid)).toBeNull();
  });
});

describe.skipIf(isMissing)(`${title}: connect-pg-simple's data`, () => {
  it('is read, extended and replaced by ours', async () => {
    silenced();
    const table = namespace();
    await peerTable(table);
    const theirs = peer(table);
    await asked(theirs, 'set', 's', { cookie: cookie(), user: 'ada' });
    const ours = open({ table });
    const loaded = (await ours.get('s'))!;
    expect(loaded).toMatchObject({ user: 'ada', cookie: { originalMaxAge: DAY_MS } });
    expect(Math.abs(Date.parse(loaded['cookie'].expires) - Date.now() - DAY_MS)).toBeLessThan(3000);
    loaded['seen'] = true;
    await ours.set('s', loaded);
    expect(await asked(theirs, 'get', 's')).toMatchObject({ user: 'ada', seen: true });
    expect(await ours.touch('s', undefined, 2 * DAY_MS)).toBe(true);
    const [{ left }] = await rows(`SELECT extract(epoch from expire - now()::timestamp)::float8 AS left FROM ${table}`);
    expect(Math.abs(left - 2 * 86_400)).toBeLessThan(3);
  });

  it('may be ours: the peer reads, touches and destroys in a table that we made', async () => {
    const table = namespace();
    const ours = open({ table });
    await ours.set('s', { cookie: cookie(), user: 'ada', text: 'é😀' });
    const theirs = peer(table);
    expect(await asked(theirs, 'get', 's')).toMatchObject({ user: 'ada', text: 'é😀' });
    await asked(theirs, 'touch', 's', { cookie: cookie(2 * DAY_MS) });
    const [{ left }] = await rows(`SELECT extract(epoch from expire - now())::float8 AS left FROM ${table}`);
    expect(Math.abs(left - 2 * 86_400)).toBeLessThan(3);
    await asked(theirs, 'destroy', 's');
    expect(await ours.get('s')).toBeNull();
  });

  it.each(['that the peer made', 'that ours made'])(
    'a site moves to ours, back, and one server at a time, on a table %s',
    async (maker) => {
      silenced();
      const table = namespace();
      if (maker === 'that the peer made') await peerTable(table);
      const ours = open({ table });
      await ours.length();
      await assertMove({
        theirs: peer(table),
        ours,
        async left(sid) {
          const [row] = await rows(`SELECT extract(epoch from expire - now())::float8 * 1000 AS left FROM ${table} WHERE sid = $1`, [sid]);
          return row.left;
        },
      });
    },
  );
});

describe.skipIf(isMissing)(`${title}: several processes`, () => {
  it('eight of them write, touch, destroy and prune the same sixty sessions for ten seconds: no deadlock, no lost update', async () => {
    const table = namespace();
    const store = open({ table });
    await store.set('counter', { count: 0 });
    const before = await deadlocks();
    const ends = await Promise.all(Array.from({ length: 8 }, () => run(process.execPath, [writer, url, table, '10000'])));
    const counts = ends.map(({ stdout }) => JSON.parse(stdout) as { writes: number; updates: number });
    expect(await store.get('counter')).toEqual({ count: counts.reduce((sum, { updates }) => sum + updates, 0) });
    expect(counts.every(({ writes }) => writes > 100)).toBe(true);
    expect(await deadlocks()).toBe(before);
  }, 60_000);

  async function deadlocks(): Promise<number> {
    await pool.query('SELECT pg_stat_clear_snapshot()');
    const [{ deadlocks: count }] = await rows('SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()');
    return count;
  }
});

describe.skipIf(isMissing)(`${title}: pruning`, () => {
  it('removes what has expired, in batches, and nothing else', async () => {
    const table = namespace();
    const store = open({ table });
    await store.set('live', { n: 1 });
    await pool.query(`INSERT INTO ${table} SELECT 'old' || n, '{}', now() - interval '1 second' FROM generate_series(1, 2500) AS n`);
    expect(await store.length()).toBe(1);
    expect(await store.prune()).toBe(2500);
    expect(await rows(`SELECT sid FROM ${table}`)).toEqual([{ sid: 'live' }]);
  });

  it('is left to the process that is at it, and passes over a row that somebody holds', async () => {
    const table = namespace();
    const store = open({ table });
    await store.get('s');
    await pool.query(`INSERT INTO ${table} SELECT 'old' || n, '{}', now() - interval '1 second' FROM generate_series(1, 10) AS n`);
    const other = await pool.connect();
    onTestFinished(() => other.release());
    await other.query('BEGIN');
    await other.query(`SELECT * FROM ${table} WHERE sid = 'old1' FOR UPDATE`);
    expect(await store.prune()).toBe(9);
    await other.query('SELECT pg_advisory_xact_lock($1)', [lockOf(table)]);
    expect(await store.prune()).toBe(0);
    await other.query('ROLLBACK');
    expect(await store.prune()).toBe(1);
  });

  function lockOf(table: string): string {
    return createHash('sha256').update(`sessile\0prune\0\0${table}`).digest().readBigInt64BE().toString();
  }
});

describe.skipIf(isMissing)(`${title}: durability`, () => {
  it.each([
    ['all', ['on', 'on']],
    ['data', ['off', 'on']],
    ['none', ['off', 'off']],
  ] as const)('%s: touches and saves commit with %s', async (durable, expected) => {
    const table = namespace();
    const store = open({ table, durable });
    await store.set('s', { n: 1 });
    await pool.query(`CREATE TABLE ${table}seen (setting text);
      CREATE FUNCTION ${table}look() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO ${table}seen VALUES (current_setting(''synchronous_commit'')); RETURN NEW; END';
      CREATE TRIGGER look AFTER INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}look()`);
    await store.touch('s', undefined, 60_000);
    await store.set('s', { n: 2 });
    expect((await rows(`SELECT setting FROM ${table}seen`)).map(({ setting }) => setting)).toEqual(expected);
    expect((await rows('SHOW synchronous_commit'))[0]).toEqual({ synchronous_commit: 'on' });
  });
});

describe.skipIf(isMissing)(`${title}: the pool`, () => {
  it('of yours stays open', async () => {
    const mine = poolOf({});
    const store = open({ pool: mine });
    await store.set('s', { n: 1 });
    await store.close();
    expect((await mine.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

const noBouncer = missingPgBouncer();

describe.skipIf(isMissing || noBouncer !== undefined)(
  `${title}: behind PgBouncer, by the transaction${noBouncer ? ` (${noBouncer})` : ''}`,
  () => {
    const oldBouncer = keepsStatements() ? undefined : 'PgBouncer 1.21 or newer is needed';

    it('without prepared statements: 64 calls at once over 3 connections, and nothing is left on a connection', () => serves(false, []));

    it.skipIf(oldBouncer !== undefined)(`with those that PgBouncer keeps itself${oldBouncer ? ` (${oldBouncer})` : ''}`, () =>
      serves(true, ['max_prepared_statements = 100', 'ignore_startup_parameters = statement_timeout']),
    );

    async function serves(prepare: boolean, options: string[]): Promise<void> {
      await using bouncer = await pgBouncer(url, options);
      const stores = [open({ url: bouncer.url, prepare, table: namespace() }), open({ url: bouncer.url, prepare, durable: 'none' })];
      for (const store of stores) {
        const sids = Array.from({ length: 64 }, (_, n) => `s${n}`);
        await Promise.all(sids.map((sid, n) => store.set(sid, { n })));
        const loaded = await Promise.all(sids.map((sid) => store.get(sid)));
        await Promise.all(sids.map((sid, n) => store.set(sid, Object.assign(loaded[n]!, { changed: true }))));
        await Promise.all(sids.map((sid) => store.touch(sid, undefined, 60_000)));
        await Promise.all(Array.from({ length: 40 }, () => store.update('s0', (data) => void (data['n'] += 1))));
        expect(await store.get('s0')).toEqual({ n: 40, changed: true });
        expect(await store.length()).toBe(64);
        await store.prune();
        await store.clear();
        expect(await store.length()).toBe(0);
      }
      const direct = poolOf({ connectionString: bouncer.url, max: 1 });
      for (let n = 0; n < 6; n += 1) expect((await direct.query('SHOW synchronous_commit')).rows).toEqual([{ synchronous_commit: 'on' }]);
      const held = await rows("SELECT count(*)::int AS held FROM pg_locks WHERE locktype = 'advisory'");
      expect(held).toEqual([{ held: 0 }]);
    }

    /** PgBouncer does so since 1.21. */
    function keepsStatements(): boolean {
      if (noBouncer !== undefined) return false;
      const version = execFileSync('pgbouncer', ['--version'], { encoding: 'utf8' });
      const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
      return major > 1 || minor >= 21;
    }
  },
);

describe('options', () => {
  it.each([
    [{ url: 'mysql://x' }, /url .* Pass 'postgres:/],
    [{ pool: {} }, /pool .* Pass a pool of pg/],
    [{ url: 'postgres://secret@h/d', connection: {} }, /Pass one of/],
    [{ table: '' }, /table .* at least one letter/],
    [{ durable: 'some' }, /durable/],
    [{ prepare: 1 }, /prepare .* true or false/],
    [{ tableName: 'x' }, /tableName/],
  ])('%j is refused with a sentence, and without the address', (options, message) => {
    expect(() => new PostgresStore(options as never)).toThrow(message);
    expect(() => new PostgresStore(options as never)).not.toThrow(/secret/);
  });
});
