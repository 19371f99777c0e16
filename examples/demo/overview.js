/**
 * What the page shows of the store: this user's sessions, and all rows. Never a sid, and of a stored id only the beginning.
 *
 * @module
 */
const otherRowsShown = 5;

/** @typedef {import('@sessile/core').SessionData} SessionData */
/** @typedef {{ storedId: string, session: SessionData }} Entry */

/**
 * Enough to tell rows apart, too little to look anything up.
 *
 * @param {string} storedId
 */
export const shortId = (storedId) => storedId.replace(/^h1-/, '').slice(0, 8);

/**
 * @param {import('@sessile/core').SessionStore} store
 * @param {string} user
 * @returns {Promise<Entry[]>}
 */
export async function ownSessions(store, user) {
  const own = [];
  for await (const [storedId, session] of store.entries()) if (session.user === user) own.push({ storedId, session });
  return own;
}

/**
 * @param {import('@sessile/core').SessionStore} store
 * @param {string} user
 * @param {string} sid the session that asks
 */
export async function overview(store, user, sid) {
  const current = store.storedId(sid);
  const sessions = [];
  const rows = [];
  let otherRows = 0;
  for await (const [storedId, session] of store.entries()) {
    const own = session.user === user;
    if (own) sessions.push(describeSession(storedId, session, storedId === current));
    if (!own) otherRows += 1;
    if (own || otherRows <= otherRowsShown) rows.push(describeRow(storedId, session, { own, current: storedId === current }));
  }
  sessions.sort((a, b) => Number(b.current) - Number(a.current) || b.createdAt - a.createdAt);
  rows.sort((a, b) => Number(b.current) - Number(a.current) || Number(b.payload !== null) - Number(a.payload !== null));
  return { sessions, rows, hiddenRows: Math.max(0, otherRows - otherRowsShown) };
}

/**
 * @param {string} storedId
 * @param {SessionData} session
 * @param {boolean} current
 */
function describeSession(storedId, session, current) {
  const { cookie, ...data } = session;
  return {
    id: shortId(storedId),
    browser: String(data.browser),
    createdAt: Number(data.createdAt),
    expiresInMs: expiresInMs(cookie),
    keys: countLeaves(data),
    current,
  };
}

/**
 * The rows of other people show that they are there, not what is in them.
 *
 * @param {string} storedId
 * @param {SessionData} session
 * @param {{ own: boolean, current: boolean }} whose
 */
function describeRow(storedId, session, { own, current }) {
  const payload = JSON.stringify(session);
  return {
    id: shortId(storedId),
    bytes: Buffer.byteLength(payload),
    expiresInMs: expiresInMs(session.cookie),
    payload: own ? payload : null,
    current,
  };
}

/** @param {any} cookie */
function expiresInMs(cookie) {
  return Math.max(0, new Date(cookie.expires).getTime() - Date.now());
}

/**
 * @param {unknown} value
 * @returns {number}
 */
function countLeaves(value) {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum, child) => sum + countLeaves(child), 0);
}
