// oxlint-disable oxc/no-async-endpoint-handlers -- Express 5 passes what they reject with to the error handler
/**
 * The JSON API of the page.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Router } from 'express';
import { browserName } from './browser-name.js';
import { overview, ownSessions, shortId } from './overview.js';

const parallelRequests = 50;
const slowMs = 2000;
const startedAt = Date.now();

/** @typedef {import('@sessile/core').SessionStore} SessionStore */

/** A request that is answered with a sentence and a status below 500. */
class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {object} options
 * @param {import('./store.js').Stores} options.stores
 * @param {ReturnType<typeof import('./stream.js').createStream>} options.stream
 * @param {string} options.cookieName
 */
export function createApi({ stores, stream, cookieName }) {
  const api = Router();
  addState(api, { stores, cookieName });
  addLogin(api);
  api.use(signedInOnly);
  addLogout(api);
  addCounter(api, stores.merge);
  addSessions(api, stores.merge);
  addHits(api);
  addSlowRequest(api, stores.merge);
  api.get('/stream', (req, res) => stream.open(res, { user: req.session.user, sid: req.sessionID }));
  return api;
}

/** @type {(req: any, res: any, next: () => void) => void} */
function signedInOnly(req, res, next) {
  if (req.session.user === undefined) throw new Refusal(401, 'You are not signed in.');
  next();
}

/**
 * All that the page shows, in one answer.
 *
 * @param {any} api
 * @param {{ stores: import('./store.js').Stores, cookieName: string }} options
 */
function addState(api, { stores, cookieName }) {
  const server = { store: stores.name, persistent: stores.file !== undefined, startedAt };
  api.get('/state', async (req, res) => {
    const signedIn = req.session.user !== undefined;
    res.json({ server, ...(signedIn ? await signedInState(req, stores.merge) : signedOutState(req, res, cookieName)) });
  });
}

/**
 * @param {any} req
 * @param {SessionStore} store
 */
async function signedInState(req, store) {
  // What the middleware does at the end of the request, done now so that the answer can tell the new time.
  req.session.touch();
  const { user, counter, createdAt, cookie } = req.session;
  const time = { remainingMs: cookie.maxAge, lifetimeMs: cookie.originalMaxAge };
  return { user, counter, createdAt, ...time, ...(await overview(store, user, req.sessionID)) };
}

/**
 * @param {any} req
 * @param {any} res
 * @param {string} cookieName
 */
function signedOutState(req, res, cookieName) {
  const cookieSent = (req.get('cookie') ?? '').includes(`${cookieName}=`);
  if (cookieSent) res.clearCookie(cookieName);
  return { user: null, cookieSent };
}

/** @param {any} api */
function addLogin(api) {
  api.post('/login', async (req, res) => {
    const user = typeof req.body?.name === 'string' ? req.body.name.normalize().trim() : '';
    if (user === '' || user.length > 40) throw new Refusal(422, 'A name has 1 to 40 characters.');
    // A new id at each login: one that somebody else planted in the browser before is worth nothing after it.
    await req.session.regenerate();
    const browser = browserName(req.get('user-agent'));
    Object.assign(req.session, { user, createdAt: Date.now(), browser, counter: 0 });
    res.json({ user });
  });
}

/** @param {any} api */
function addLogout(api) {
  api.post('/logout', async (req, res) => {
    await req.session.destroy();
    res.json({});
  });
}

/**
 * @param {any} api
 * @param {SessionStore} store
 */
function addCounter(api, store) {
  api.post('/counter', async (req, res) => {
    // Two quick clicks change the same key, and no merge can add them up: `update` reads, counts and writes in one.
    const session = await store.update(req.sessionID, (current) => {
      current.counter += 1;
    });
    res.json({ counter: session?.counter ?? null });
  });
}

/**
 * @param {any} api
 * @param {SessionStore} store
 */
function addSessions(api, store) {
  api.post('/revoke', async (req, res) => {
    // The page knows the beginning of a stored id only, and may end its own user's sessions only.
    const sessions = await ownSessions(store, req.session.user);
    const found = sessions.find(({ storedId }) => shortId(storedId) === req.body?.id);
    if (found === undefined) throw new Refusal(404, 'You have no such session.');
    res.json({ revoked: await store.revoke(found.storedId) });
  });
}

/**
 * The fifty requests.
 *
 * @param {any} api
 */
function addHits(api) {
  api.post('/hits/reset', (req, res) => {
    req.session.hits = {};
    res.json({});
  });

  api.post('/hits/:n', async (req, res) => {
    const n = Number(req.params.n);
    if (!Number.isInteger(n) || n < 1 || n > parallelRequests) throw new Refusal(422, `The number is 1 to ${parallelRequests}.`);
    // Loaded before this wait and saved after it: what the neighbours save meanwhile is not in this copy.
    await sleep(20 + Math.random() * 100);
    req.session.hits ??= {};
    req.session.hits[`n${n}`] = 1;
    res.json({});
  });

  api.get('/hits', (req, res) => {
    res.json({ kept: Object.keys(req.session.hits ?? {}).map((key) => Number(key.slice(1))) });
  });
}

/**
 * @param {any} api
 * @param {SessionStore} store
 */
function addSlowRequest(api, store) {
  /** @type {Set<string>} */
  const running = new Set();

  api.post('/slow', async (req, res) => {
    running.add(req.sessionID);
    await sleep(slowMs);
    running.delete(req.sessionID);
    req.session.slowRequestAt = Date.now();
    const drops = await dropsDuring(store, store.storedId(req.sessionID), () => req.session.save());
    res.json({ drop: drops[0] ?? null });
  });

  // A logout that overtakes the slow request on its way would show nothing: whoever logs out asks here first.
  api.get('/slow', (req, res) => res.json({ running: running.has(req.sessionID) }));
}

/**
 * Which saves of this session the store says it did not make while `work` ran.
 *
 * @param {SessionStore} store
 * @param {string} storedId
 * @param {() => Promise<void>} work
 */
async function dropsDuring(store, storedId, work) {
  /** @type {{ id: string, reason: string }[]} */
  const drops = [];
  const note = (/** @type {import('@sessile/core').Drop} */ { id, reason }) => {
    if (id === storedId) drops.push({ id: shortId(id), reason });
  };
  store.on('drop', note);
  await work().finally(() => store.off('drop', note));
  return drops;
}
