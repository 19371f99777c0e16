import { renewed, TTL_MS } from './sessions.js';

/**
 * What a file in `bench/backends` gives as its default export.
 *
 * @typedef {object} Backend
 * @property {string} name
 * @property {string} raw what the raw driver does, in a line.
 * @property {string[]} packages whose versions are printed.
 * @property {Contestant[]} contestants the first is raw.
 * @property {Aim[]} aims
 * @property {() => string} [serverUrl] of its server, after `setUp`.
 * @property {() => unknown} [setUp] before its first contestant is opened.
 * @property {() => unknown} [tearDown] after its last was closed.
 */

/**
 * `raw` is the yardstick, `again` the same once more for the noise, `limit` a design that shows what could be had.
 *
 * @typedef {object} Contestant
 * @property {string} name
 * @property {'raw' | 'again' | 'ours' | 'peer' | 'limit'} kind
 * @property {() => Subject | Promise<Subject>} open empty.
 * @property {boolean} [bulk] whether it runs in the bulk part.
 * @property {boolean} [footprint] whether its memory per session is measured.
 */

/**
 * A contestant at work. `get` gives null or undefined where there is no session. Bulk verbs that it lacks are left out.
 *
 * @typedef {object} Subject
 * @property {(sid: string) => Promise<any>} get
 * @property {(sid: string, session: any) => Promise<unknown>} set
 * @property {(sid: string, session: any) => Promise<unknown>} touch
 * @property {(sid: string) => Promise<unknown>} [getAndTouch] as our middlewares do both; else it is the one and then the other.
 * @property {(sid: string) => Promise<unknown>} destroy
 * @property {() => Promise<number>} [length]
 * @property {() => Promise<string[]>} [ids]
 * @property {() => Promise<unknown>} [all] each session parsed.
 * @property {(visit: (session: any) => void) => Promise<unknown>} [walk] one after the other.
 * @property {() => Promise<unknown>} [prune]
 * @property {() => Promise<unknown>} [clear]
 * @property {(work: () => Promise<void>) => Promise<void>} [together] runs untimed preparation quickly: in one transaction.
 * @property {() => Promise<number>} [longestCommandMs] for which the server served nobody else, since it was last asked.
 * @property {() => unknown} close
 */

/**
 * What ours is to reach over raw.
 *
 * @typedef {object} Aim
 * @property {string[]} ops ids of operations.
 * @property {number} concurrency
 * @property {number} atLeast
 * @property {string} [over] over this contestant, in place of raw.
 * @property {string} [of] of this contestant alone, where there are several of ours.
 */

/**
 * A store of express-session's kind as a subject.
 *
 * @param {any} store
 * @param {Partial<Subject>} [own] what differs.
 * @returns {Subject}
 */
export function callbackStore(store, own = {}) {
  return {
    get: (sid) => new Promise((resolve, reject) => store.get(sid, settle(resolve, reject))),
    set: (sid, session) => new Promise((resolve, reject) => store.set(sid, session, settle(resolve, reject))),
    touch: (sid, session) => new Promise((resolve, reject) => store.touch(sid, session, settle(resolve, reject))),
    destroy: (sid) => new Promise((resolve, reject) => store.destroy(sid, settle(resolve, reject))),
    ...bulkVerbs(store),
    close: () => {},
    ...own,
  };
}

/** @param {any} store */
function bulkVerbs(store) {
  const verbs = ['length', 'ids', 'all', 'clear'].filter((verb) => typeof store[verb] === 'function');
  return Object.fromEntries(verbs.map((verb) => [verb, () => new Promise((resolve, reject) => store[verb](settle(resolve, reject)))]));
}

/**
 * @param {(value: any) => void} resolve
 * @param {(error: unknown) => void} reject
 */
function settle(resolve, reject) {
  return (/** @type {unknown} */ error, /** @type {unknown} */ value) => {
    if (error) reject(error);
    else resolve(value);
  };
}

/**
 * One of our stores as a subject.
 *
 * @param {any} store
 * @returns {Subject}
 */
export function ourStore(store) {
  return {
    get: (sid) => store.get(sid),
    set: (sid, session) => store.set(sid, session),
    touch: (sid, session) => store.touch(sid, session),
    getAndTouch: async (sid) => {
      const fetched = await store.fetch(sid, TTL_MS);
      const session = fetched?.open();
      if (fetched && !fetched.kept) await store.touch(sid, renewed(session));
      return session;
    },
    destroy: (sid) => store.destroy(sid),
    length: () => store.length(),
    ids: () => store.ids(),
    all: () => store.all(),
    walk: async (visit) => {
      for await (const [, session] of store.entries()) visit(session);
    },
    prune: () => store.prune(),
    clear: () => store.clear(),
    close: () => store.close(),
  };
}
