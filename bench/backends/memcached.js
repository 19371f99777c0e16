import { MemcachedStore } from '@sessile/store-memcached';
import { backend, namespace, stopAll } from '@sessile/testkit';
import connectMemcached from 'connect-memcached';
import session from 'express-session';
import Memcached from 'memcached';
import { callbackStore, ourStore } from '../lib/contestant.js';

/** @typedef {import('../lib/contestant.js').Subject} Subject */

let url = '';

const hostOf = () => url.replace('memcached://', '');
const newPrefix = () => `${namespace()}:`;

/**
 * A call of the package as a promise.
 *
 * @param {(done: (error: unknown, value: any) => void) => void} call
 * @returns {Promise<any>}
 */
function promised(call) {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error) reject(error);
      else resolve(value);
    });
  });
}

/** @param {any} data */
const secondsOf = (data) => Math.ceil((data.cookie.expires.getTime() - Date.now()) / 1000);

/**
 * The package and JSON. It has no command that lists keys.
 *
 * @returns {Subject}
 */
function openRaw() {
  const client = new Memcached(hostOf());
  const prefix = newPrefix();
  return {
    get: async (sid) => {
      const text = await promised((done) => client.get(prefix + sid, done));
      return text === undefined ? null : JSON.parse(text);
    },
    set: (sid, data) => promised((done) => client.set(prefix + sid, JSON.stringify(data), secondsOf(data), done)),
    touch: (sid, data) => promised((done) => client.touch(prefix + sid, secondsOf(data), done)),
    destroy: (sid) => promised((done) => client.del(prefix + sid, done)),
    close: () => client.end(),
  };
}

/**
 * Its length() answers with statistics, and its clear() empties the server: neither is measured.
 *
 * @returns {Subject}
 */
function openPeer() {
  const client = new Memcached(hostOf());
  const PeerStore = connectMemcached(session);
  const { length: _length, clear: _clear, ...verbs } = callbackStore(new PeerStore({ client, prefix: newPrefix() }));
  return { ...verbs, close: () => client.end() };
}

const openOurs = () => ourStore(new MemcachedStore({ hosts: url, prefix: newPrefix() }));

/** touch, and get+touch, are compare-and-sets here: the date in the session moves with the expiry. @type {string[]} */
const SINGLE = ['get-hit', 'get-miss', 'set-new', 'set-overwrite', 'destroy'];

/** @type {import('../lib/contestant.js').Backend} */
export default {
  name: 'memcached',
  raw: 'the memcached package and JSON; touch is its touch, get+set a plain set',
  packages: ['@sessile/core', '@sessile/store-memcached', 'memcached', 'connect-memcached'],
  contestants: [
    { name: 'raw', kind: 'raw', open: openRaw },
    { name: 'raw again', kind: 'again', open: openRaw },
    { name: '@sessile/store-memcached', kind: 'ours', open: openOurs, bulk: true },
    { name: 'connect-memcached', kind: 'peer', open: openPeer },
  ],
  aims: [
    { ops: ['get-hit'], concurrency: 64, atLeast: 1.5 },
    ...[1, 2, 8].map((concurrency) => ({ ops: SINGLE, concurrency, atLeast: 0.85 })),
  ],
  serverUrl: () => url,
  setUp: async () => {
    const memcached = await backend('memcached');
    if (memcached.skip !== undefined) throw new Error(memcached.skip);
    url = memcached.url;
    console.log(`memcached: ${memcached.from}`);
  },
  tearDown: stopAll,
};
