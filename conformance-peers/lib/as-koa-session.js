const ONE_DAY = 86_400_000;

/**
 * Calls a store as koa-session does: with `_expire` and `_maxAge` (or `_session`) in the session, and with `changed` and
 * `rolling` beside it. Stores for koa-session count on both. Where a check gives them itself, they are left as they are.
 */
export class AsKoaSession {
  #store;
  /** Where the marks are ours, and are taken off again. */
  #marked = new Set();

  /** @param {{ get: Function, set: Function, destroy: Function }} store */
  constructor(store) {
    this.#store = store;
  }

  async get(key, maxAge, options = {}) {
    const session = await this.#store.get(key, maxAge, { rolling: false, ...options });
    return session && this.#marked.has(key) ? withoutMarks(session) : session;
  }

  async set(key, session, maxAge, options = {}) {
    const own = isObject(session) && !('_expire' in session || '_session' in session);
    const json = own ? { ...session, ...marksOf(maxAge ?? ONE_DAY) } : session;
    await this.#store.set(key, json, maxAge ?? ONE_DAY, { changed: true, rolling: false, ...options });
    if (own) this.#marked.add(key);
    else this.#marked.delete(key);
  }

  async destroy(key, options = {}) {
    await this.#store.destroy(key, options);
  }
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function marksOf(maxAge) {
  return maxAge === 'session' ? { _session: true } : { _expire: Date.now() + maxAge, _maxAge: maxAge };
}

/** As koa-session, which copies the top level of what it loads. */
function withoutMarks({ _expire, _maxAge, _session, ...session }) {
  return session;
}
