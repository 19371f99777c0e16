import { PostgresStore } from '@sessile/store-postgres';
import { backend, namespace, stopAll } from '@sessile/testkit';
import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import pg from 'pg';
import { callbackStore, ourStore } from '../lib/contestant.js';

/** @typedef {import('../lib/contestant.js').Subject} Subject */

const CONNECTIONS = 10;

let url = '';

const newPool = () => new pg.Pool({ connectionString: url, max: CONNECTIONS });

/** @param {any} data */
const endOf = (data) => data.cookie.expires.getTime();

/**
 * Named statements over a pool, and JSON.
 *
 * @returns {Promise<Subject>}
 */
async function openRaw() {
  const pool = newPool();
  const table = namespace();
  await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess text NOT NULL, expire bigint NOT NULL)`);
  await pool.query(`CREATE INDEX ON ${table} (expire)`);
  /**
   * @param {string} name
   * @param {string} text
   * @param {unknown[]} values
   */
  const run = async (name, text, values) => (await pool.query({ name: `${table}-${name}`, text, values })).rows;
  return {
    get: async (sid) => {
      const [row] = await run('get', `SELECT sess FROM ${table} WHERE sid = $1 AND expire > $2`, [sid, Date.now()]);
      return row === undefined ? null : JSON.parse(row.sess);
    },
    set: (sid, data) =>
      run(
        'set',
        `INSERT INTO ${table} VALUES ($1, $2, $3) ON CONFLICT (sid) DO UPDATE SET sess = EXCLUDED.sess, expire = EXCLUDED.expire`,
        [sid, JSON.stringify(data), endOf(data)],
      ),
    touch: (sid, data) => run('touch', `UPDATE ${table} SET expire = $2 WHERE sid = $1 AND expire > $3`, [sid, endOf(data), Date.now()]),
    destroy: (sid) => run('destroy', `DELETE FROM ${table} WHERE sid = $1`, [sid]),
    ...rawBulk(run, table),
    close: () => pool.end(),
  };
}

/**
 * @param {(name: string, text: string, values: unknown[]) => Promise<any[]>} run
 * @param {string} table
 */
function rawBulk(run, table) {
  const all = () => run('all', `SELECT sid, sess FROM ${table} WHERE expire > $1`, [Date.now()]);
  return {
    length: async () => Number((await run('length', `SELECT count(*) FROM ${table} WHERE expire > $1`, [Date.now()]))[0].count),
    ids: async () => (await run('ids', `SELECT sid FROM ${table} WHERE expire > $1`, [Date.now()])).map(({ sid }) => sid),
    all: async () => Object.fromEntries((await all()).map(({ sid, sess }) => [sid, JSON.parse(sess)])),
    walk: async (/** @type {(session: any) => void} */ visit) => {
      for (const { sess } of await all()) visit(JSON.parse(sess));
    },
    prune: () => run('prune', `DELETE FROM ${table} WHERE expire <= $1`, [Date.now()]),
    clear: () => run('clear', `DELETE FROM ${table}`, []),
  };
}

/** @param {'all' | 'data'} durable */
async function openOurs(durable) {
  const pool = newPool();
  const store = new PostgresStore({ pool, table: namespace(), durable, pruneEveryMs: false });
  return { ...ourStore(store), close: () => closeBoth(store, pool) };
}

/**
 * @param {PostgresStore} store
 * @param {pg.Pool} pool
 */
async function closeBoth(store, pool) {
  await store.close();
  await pool.end();
}

/** It has neither length nor all, ids or clear. @returns {Promise<Subject>} */
async function openPeer() {
  const pool = newPool();
  const table = namespace();
  await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`);
  await pool.query(`CREATE INDEX ON ${table} (expire)`);
  const PeerStore = connectPgSimple(session);
  const store = new PeerStore({ pool, tableName: table, pruneSessionInterval: false });
  return callbackStore(store, {
    prune: () =>
      new Promise((resolve, reject) => store.pruneSessions((/** @type {any} */ error) => (error ? reject(error) : resolve(undefined)))),
    close: async () => {
      store.close();
      await pool.end();
    },
  });
}

const ALL = ['get-hit', 'get-miss', 'set-new', 'set-overwrite', 'touch', 'get+touch', 'get+set', 'destroy'];

/** @type {import('../lib/contestant.js').Backend} */
export default {
  name: 'postgres',
  raw: `pg, named statements, pool of ${CONNECTIONS}, text payload, bigint expiry with an index; get+set a plain upsert`,
  packages: ['@sessile/core', '@sessile/store-postgres', 'pg', 'connect-pg-simple'],
  contestants: [
    { name: 'raw', kind: 'raw', open: openRaw, bulk: true },
    { name: 'raw again', kind: 'again', open: openRaw, bulk: true },
    { name: '@sessile/store-postgres', kind: 'ours', open: () => openOurs('all'), bulk: true },
    { name: "the same, durable: 'data'", kind: 'limit', open: () => openOurs('data') },
    { name: 'connect-pg-simple', kind: 'peer', open: openPeer, bulk: true },
  ],
  aims: [
    { ops: ['get-hit'], concurrency: 64, atLeast: 4 },
    { ops: ['set-new', 'set-overwrite'], concurrency: 64, atLeast: 3 },
    { ops: ['get+set'], concurrency: 64, atLeast: 2.3 },
    { ops: ['touch'], concurrency: 64, atLeast: 3.5 },
    ...[1, 2, 8].map((concurrency) => ({ ops: ALL, concurrency, atLeast: 0.85 })),
  ],
  serverUrl: () => url,
  setUp: async () => {
    const postgres = await backend('postgres');
    if (postgres.skip !== undefined) throw new Error(postgres.skip);
    url = postgres.url;
    console.log(`postgres: ${postgres.from}`);
  },
  tearDown: stopAll,
};
