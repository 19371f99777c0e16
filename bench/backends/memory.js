import { MemoryStore } from '@sessile/store-memory';
import session from 'express-session';
import { LRUCache } from 'lru-cache';
import memorystore from 'memorystore';
import { callbackStore, ourStore } from '../lib/contestant.js';

/** @typedef {import('../lib/contestant.js').Subject} Subject */

/** The least that a store in memory has to do: JSON, and a look at the clock. */
class RawMemory {
  #sessions;

  /** @param {Pick<Map<string, { text: string, expiresAt: number }>, 'get' | 'set' | 'delete' | 'clear' | 'entries' | 'values'>} sessions */
  constructor(sessions) {
    this.#sessions = sessions;
  }

  async get(/** @type {string} */ sid) {
    const entry = this.#live(sid);
    return entry === undefined ? null : JSON.parse(entry.text);
  }

  async set(/** @type {string} */ sid, /** @type {any} */ data) {
    this.#sessions.set(sid, { text: JSON.stringify(data), expiresAt: data.cookie.expires.getTime() });
  }

  async touch(/** @type {string} */ sid, /** @type {any} */ data) {
    const entry = this.#live(sid);
    if (entry === undefined) return false;
    entry.expiresAt = data.cookie.expires.getTime();
    return true;
  }

  async destroy(/** @type {string} */ sid) {
    this.#sessions.delete(sid);
  }

  async length() {
    const now = Date.now();
    let live = 0;
    for (const { expiresAt } of this.#sessions.values()) if (expiresAt > now) live += 1;
    return live;
  }

  async ids() {
    const now = Date.now();
    const ids = [];
    for (const [sid, { expiresAt }] of this.#sessions.entries()) if (expiresAt > now) ids.push(sid);
    return ids;
  }

  async all() {
    const now = Date.now();
    const all = Object.create(null);
    for (const [sid, { text, expiresAt }] of this.#sessions.entries()) if (expiresAt > now) all[sid] = JSON.parse(text);
    return all;
  }

  async walk(/** @type {(session: any) => void} */ visit) {
    const now = Date.now();
    for (const { text, expiresAt } of this.#sessions.values()) if (expiresAt > now) visit(JSON.parse(text));
  }

  async prune() {
    const now = Date.now();
    for (const [sid, { expiresAt }] of this.#sessions.entries()) if (expiresAt <= now) this.#sessions.delete(sid);
  }

  async clear() {
    this.#sessions.clear();
  }

  close() {
    this.#sessions.clear();
  }

  #live(/** @type {string} */ sid) {
    const entry = this.#sessions.get(sid);
    return entry === undefined || entry.expiresAt <= Date.now() ? undefined : entry;
  }
}

const openMemorystore = () => {
  const store = new (memorystore(session))();
  return callbackStore(store, { prune: async () => store.prune() });
};

/** @type {import('../lib/contestant.js').Backend} */
export default {
  name: 'memory',
  raw: 'one Map, a JSON string and an expiry number per session, the expiry checked at get; async functions',
  packages: ['@sessile/core', '@sessile/store-memory', 'express-session', 'memorystore', 'lru-cache'],
  contestants: [
    { name: 'raw', kind: 'raw', open: () => new RawMemory(new Map()), bulk: true, footprint: true },
    { name: 'raw again', kind: 'again', open: () => new RawMemory(new Map()), bulk: true },
    {
      name: '@sessile/store-memory',
      kind: 'ours',
      // The default bound of 256 MiB would hold a fifth of the million sessions of the footprint part.
      open: () => ourStore(new MemoryStore({ maxBytes: 8 * 2 ** 30 })),
      bulk: true,
      footprint: true,
    },
    {
      name: 'express-session MemoryStore',
      kind: 'peer',
      open: () => callbackStore(new session.MemoryStore()),
      bulk: true,
      footprint: true,
    },
    { name: 'memorystore', kind: 'peer', open: openMemorystore, bulk: true, footprint: true },
    { name: 'lru-cache + JSON (limit)', kind: 'limit', open: () => new RawMemory(new LRUCache({ max: 200_000 })) },
  ],
  aims: [
    { ops: ['get-hit', 'get-miss', 'set-new', 'set-overwrite'], concurrency: 1, atLeast: 0.9 },
    { ops: ['touch'], concurrency: 1, atLeast: 0.8 },
  ],
};
