import { RedisStore } from '@sessile/store-redis';
import { backend, namespace, stopAll } from '@sessile/testkit';
import { RedisStore as NodeRedisPeer } from 'connect-redis';
import { RedisStore as IoRedisPeer } from 'connect-redis-8';
import { Redis } from 'ioredis';
import koaRedis from 'koa-redis';
import { createClient } from 'redis';
import { callbackStore, ourStore } from '../lib/contestant.js';

/** @typedef {import('../lib/contestant.js').Subject} Subject */

const BATCH = 1000;

let url = '';
/** @type {Redis} */
let watcher;

const newPrefix = () => `${namespace()}:`;

/** @param {any} data */
const leftOf = (data) => data.cookie.expires.getTime() - Date.now();

/** What the server itself says was its longest command since the last question. */
async function longestCommandMs() {
  const entries = /** @type {[number, number, number][]} */ (await watcher.slowlog('GET', 128));
  await watcher.slowlog('RESET');
  return Math.max(0, ...entries.map(([, , micros]) => micros)) / 1000;
}

/**
 * Plain commands and JSON: it cannot tell what is left of a life, and loses updates.
 *
 * @returns {Subject}
 */
function openRaw() {
  const redis = new Redis(url);
  const prefix = newPrefix();
  return {
    get: async (sid) => {
      const text = await redis.get(prefix + sid);
      return text === null ? null : JSON.parse(text);
    },
    set: (sid, data) => redis.set(prefix + sid, JSON.stringify(data), 'PX', leftOf(data)),
    touch: (sid, data) => redis.pexpire(prefix + sid, leftOf(data)),
    destroy: (sid) => redis.del(prefix + sid),
    ...rawBulk(redis, prefix),
    longestCommandMs,
    close: () => redis.disconnect(),
  };
}

const READ = `local text = redis.call('GET', KEYS[1])
if text then return { text, redis.call('PTTL', KEYS[1]) } end`;
const EXTEND = `if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then return redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return redis.call('EXISTS', KEYS[1])`;
const REPLACE = `local text = redis.call('GET', KEYS[1])
if text ~= ARGV[1] then return text and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 2`;

/**
 * The commands that the contract takes, one by one: what is left of a life, a touch that only lengthens, a compare-and-set.
 *
 * @returns {Subject}
 */
function openSameCommands() {
  const redis = new Redis(url);
  const prefix = newPrefix();
  for (const [name, lua] of Object.entries({ readSession: READ, extendSession: EXTEND, replaceSession: REPLACE })) {
    redis.defineCommand(name, { numberOfKeys: 1, lua });
  }
  const { readSession, extendSession, replaceSession } = /** @type {any} */ (redis);
  /** @type {WeakMap<object, string>} */
  const loaded = new WeakMap();
  return {
    get: async (sid) => {
      const answer = await readSession.call(redis, prefix + sid);
      if (answer === null) return null;
      const session = JSON.parse(answer[0]);
      loaded.set(session, answer[0]);
      return session;
    },
    set: (sid, data) => {
      const text = loaded.get(data);
      if (text === undefined) return redis.set(prefix + sid, JSON.stringify(data), 'PX', leftOf(data));
      return replaceSession.call(redis, prefix + sid, text, JSON.stringify(data), leftOf(data));
    },
    touch: (sid, data) => extendSession.call(redis, prefix + sid, leftOf(data)),
    destroy: (sid) => redis.unlink(prefix + sid),
    close: () => redis.disconnect(),
  };
}

/**
 * @param {Redis} redis
 * @param {string} prefix
 */
function rawBulk(redis, prefix) {
  /** @param {(keys: string[]) => Promise<unknown>} work */
  async function each(work) {
    for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', BATCH);
      cursor = next;
      if (keys.length > 0) await work(keys);
    }
  }
  /** @param {(sid: string, session: any) => void} visit */
  const read = (visit) =>
    each(async (keys) => {
      const texts = await redis.mget(keys);
      for (const [index, text] of texts.entries()) if (text !== null) visit(keys[index].slice(prefix.length), JSON.parse(text));
    });
  return {
    length: async () => {
      let count = 0;
      await each(async (keys) => (count += keys.length));
      return count;
    },
    ids: async () => {
      /** @type {string[]} */
      const ids = [];
      await each(async (keys) => void ids.push(...keys.map((key) => key.slice(prefix.length))));
      return ids;
    },
    all: async () => {
      /** @type {Record<string, any>} */
      const all = {};
      await read((sid, session) => (all[sid] = session));
      return all;
    },
    walk: (/** @type {(session: any) => void} */ visit) => read((_sid, session) => visit(session)),
    clear: () => each((keys) => redis.unlink(keys)),
  };
}

/** Redis removes by itself what has expired. @param {Subject} subject */
function withoutPrune({ prune: _prune, ...subject }) {
  return { ...subject, longestCommandMs };
}

function openOnIoredis() {
  const redis = new Redis(url);
  const store = new RedisStore({ client: redis, prefix: newPrefix() });
  return withoutPrune({ ...ourStore(store), close: () => closeBoth(store, () => redis.disconnect()) });
}

async function openOnNodeRedis() {
  const client = await createClient({ url }).connect();
  const store = new RedisStore({ client: /** @type {any} */ (client), prefix: newPrefix() });
  return withoutPrune({ ...ourStore(store), close: () => closeBoth(store, () => client.destroy()) });
}

/**
 * @param {RedisStore} store
 * @param {() => unknown} end
 */
async function closeBoth(store, end) {
  await store.close();
  end();
}

async function openPeerOnNodeRedis() {
  const client = await createClient({ url }).connect();
  const store = new NodeRedisPeer({ client, prefix: newPrefix() });
  return { ...callbackStore(store), longestCommandMs, close: () => client.destroy() };
}

function openPeerOnIoredis() {
  const client = new Redis(url);
  const store = new IoRedisPeer({ client, prefix: newPrefix() });
  return { ...callbackStore(store), longestCommandMs, close: () => client.disconnect() };
}

/** It has no touch: its users write the session again. @returns {Subject} */
function openKoaRedis() {
  const { hostname, port } = new URL(url);
  const store = koaRedis({ host: hostname, port: Number(port) });
  const prefix = newPrefix();
  return {
    get: (sid) => store.get(prefix + sid),
    set: (sid, data) => store.set(prefix + sid, data, leftOf(data)),
    touch: (sid, data) => store.set(prefix + sid, data, leftOf(data)),
    destroy: (sid) => store.destroy(prefix + sid),
    close: () => store.quit(),
  };
}

const ALL = ['get-hit', 'get-miss', 'set-new', 'set-overwrite', 'touch', 'get+touch', 'get+set', 'destroy'];

/** @type {import('../lib/contestant.js').Backend} */
export default {
  name: 'redis',
  raw: 'ioredis 5 and JSON: GET, SET PX, PEXPIRE, DEL; get+set a plain SET',
  packages: ['@sessile/core', '@sessile/store-redis', 'ioredis', 'redis', 'connect-redis', 'koa-redis'],
  contestants: [
    { name: 'raw', kind: 'raw', open: openRaw, bulk: true },
    { name: 'raw again', kind: 'again', open: openRaw, bulk: true },
    { name: 'ioredis, the same commands', kind: 'limit', open: openSameCommands },
    { name: '@sessile/store-redis', kind: 'ours', open: openOnIoredis, bulk: true },
    { name: 'the same on node-redis', kind: 'ours', open: openOnNodeRedis, bulk: true },
    { name: 'connect-redis 9 on node-redis', kind: 'peer', open: openPeerOnNodeRedis, bulk: true },
    { name: 'connect-redis 8 on ioredis', kind: 'peer', open: openPeerOnIoredis },
    { name: 'koa-redis 4', kind: 'peer', open: openKoaRedis },
  ],
  aims: [
    { ops: ['get-hit'], concurrency: 64, atLeast: 1.6 },
    { ops: ['set-new', 'set-overwrite'], concurrency: 64, atLeast: 1.5 },
    { ops: ['get+set'], concurrency: 64, atLeast: 1 },
    { ops: ['touch'], concurrency: 64, atLeast: 1.8 },
    { ops: ['get+touch'], concurrency: 64, atLeast: 2 },
    ...[1, 2, 8].map((concurrency) => ({ ops: ALL, concurrency, atLeast: 0.85, over: 'ioredis, the same commands' })),
  ],
  serverUrl: () => url,
  setUp: async () => {
    const redis = await backend('redis');
    if (redis.skip !== undefined) throw new Error(redis.skip);
    url = redis.url;
    console.log(`redis: ${redis.from}`);
    watcher = new Redis(url);
    await watcher.config('SET', 'slowlog-log-slower-than', 1000, 'slowlog-max-len', 128);
  },
  tearDown: async () => {
    watcher.disconnect();
    await stopAll();
  },
};
