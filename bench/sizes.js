/**
 * What a session takes in each backend, as the backend itself says: 20,000 sessions whose text has 1,000 bytes, under ids of 32
 * letters. `node bench/sizes.js [sqlite redis ...]` The figures stand in docs/operating.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MemcachedStore } from '@sessile/store-memcached';
import { MemoryStore } from '@sessile/store-memory';
import { MongoStore } from '@sessile/store-mongo';
import { PostgresStore } from '@sessile/store-postgres';
import { RedisStore } from '@sessile/store-redis';
import { SqliteStore } from '@sessile/store-sqlite';
import { backend, namespace, stopAll } from '@sessile/testkit';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import pg from 'pg';

const COUNT = 20_000;
const TEXT_BYTES = 1000;
const AT_ONCE = 500;
const DAY_MS = 86_400_000;

const sidOf = (n) => `s${n}`.padEnd(32, 'x');

function sessionOf() {
  const session = { cookie: { originalMaxAge: DAY_MS, expires: new Date(Date.now() + DAY_MS), httpOnly: true, path: '/' }, filler: '' };
  session.filler = 'x'.repeat(TEXT_BYTES - JSON.stringify(session).length);
  return session;
}

/** @param {(n: number) => Promise<unknown>} work */
async function forAll(work) {
  for (let from = 0; from < COUNT; from += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => work(from + n)));
}

const fill = (store) => forAll((n) => store.set(sidOf(n), sessionOf()));
const touchAll = (store) => forAll((n) => store.touch(sidOf(n), undefined, 2 * DAY_MS));

/** What `ask` says more than before, for each session. */
async function grownBy(ask, work) {
  const before = await ask();
  await work();
  return Math.round(((await ask()) - before) / COUNT);
}

async function memory() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const store = new MemoryStore({ maxBytes: 1e9 });
  const inUse = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  await store.set('first', {});
  const bytes = await grownBy(inUse, () => fill(store));
  await store.close();
  return { 'heap and external, after a collection': bytes };
}

async function sqlite() {
  const folder = mkdtempSync(join(tmpdir(), 'sessile-sizes-'));
  const file = join(folder, 'sessions.sqlite');
  const store = new SqliteStore({ file });
  await store.ping();
  await fill(store);
  const log = statSync(`${file}-wal`).size;
  await store.close();
  const bytes = Math.round(statSync(file).size / COUNT);
  rmSync(folder, { recursive: true });
  return { 'the file, closed': bytes, 'the log (-wal) before that, in all': log };
}

async function redis({ url }) {
  const client = new Redis(url);
  const store = new RedisStore({ client, prefix: `${namespace()}:` });
  const used = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
  await store.ping();
  const bytes = await grownBy(used, () => fill(store));
  await store.clear();
  await store.close();
  client.disconnect();
  return { used_memory: bytes };
}

async function postgres({ url }) {
  const pool = new pg.Pool({ connectionString: url });
  const table = namespace();
  const store = new PostgresStore({ pool, table, pruneEveryMs: false });
  const size = async () => Number((await pool.query(`SELECT pg_total_relation_size('${table}') AS size`)).rows[0].size);
  const updates = async () =>
    (
      await pool.query(
        `SELECT pg_stat_get_tuples_updated('${table}'::regclass)::int AS all, pg_stat_get_tuples_hot_updated('${table}'::regclass)::int AS hot`,
      )
    ).rows[0];
  await store.length();
  await pool.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
  const fresh = await grownBy(size, () => fill(store));
  const touched = await grownBy(size, () => touchAll(store));
  await pool.query('SELECT pg_stat_force_next_flush()');
  await new Promise((done) => setTimeout(done, 1500));
  const { all, hot } = await updates();
  await pool.query(`VACUUM ${table}`);
  const again = await grownBy(size, () => touchAll(store));
  await store.close();
  await pool.query(`DROP TABLE ${table}`);
  await pool.end();
  return {
    'table, toast and indexes': fresh,
    'and more after a touch of each, before a vacuum': touched,
    'and more after another one, after a vacuum': again,
    updates: all,
    'of them HOT': hot,
  };
}

async function mongo({ url }) {
  const client = new MongoClient(url);
  const collectionName = namespace();
  const store = new MongoStore({ client, database: 'sizes', collectionName });
  const stats = () => client.db('sizes').command({ collStats: collectionName });
  await store.ping();
  await fill(store);
  const { size, storageSize, totalIndexSize } = await stats();
  await store.close();
  await client.db('sizes').dropDatabase();
  await client.close();
  return {
    size: Math.round(size / COUNT),
    storageSize: Math.round(storageSize / COUNT),
    totalIndexSize: Math.round(totalIndexSize / COUNT),
  };
}

async function memcached({ url }) {
  const store = new MemcachedStore({ hosts: url, prefix: `${namespace()}:` });
  await store.ping();
  const of = (name) => async () =>
    Number(new RegExp(`STAT ${name} (\\d+)`).exec(await said(url, name === 'bytes' ? 'stats' : 'stats slabs'))?.[1]);
  const allocatedBefore = await of('total_malloced')();
  const bytes = await grownBy(of('bytes'), () => fill(store));
  const allocated = Math.round(((await of('total_malloced')()) - allocatedBefore) / COUNT);
  await store.close();
  return { 'bytes of items': bytes, 'slabs, more than before': allocated };
}

function said(url, command) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      answer += chunk;
      if (answer.endsWith('END\r\n')) socket.end(() => resolve(answer));
    });
  });
}

const SIZES = { memory, sqlite, redis, postgres, mongo, memcached };
const WITHOUT_SERVER = new Set(['memory', 'sqlite']);

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SIZES);
try {
  for (const name of names) console.log(name, await sizeIn(name));
} finally {
  await stopAll();
}

async function sizeIn(name) {
  if (WITHOUT_SERVER.has(name)) return SIZES[name]();
  const server = await backend(/** @type {import('@sessile/testkit').BackendName} */ (name));
  return server.skip ?? SIZES[name](server);
}
