/**
 * Tells open pages what the stores do, as server-sent events. A page that asked again and again instead would renew its
 * session each time, and the cookie's time would never run down.
 *
 * @module
 */
import { overview, shortId } from './overview.js';

const events = /** @type {const} */ (['create', 'set', 'touch', 'destroy', 'conflict', 'drop', 'up', 'down']);
const gatherMs = 150;

/**
 * @typedef {object} Client
 * @property {any} res
 * @property {string} user
 * @property {string} sid
 */

/** @param {import('./store.js').Stores} stores */
export function createStream(stores) {
  /** @type {Set<Client>} */
  const clients = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let closed = false;

  for (const store of [stores.merge, stores.overwrite]) {
    for (const type of events) store.on(type, (/** @type {unknown} */ detail) => publish(type, detail));
  }

  /**
   * @param {string} type
   * @param {any} detail a stored id, or for a drop an object with one
   */
  function publish(type, detail) {
    const storedId = typeof detail === 'string' ? detail : detail?.id;
    for (const { res } of clients) send(res, 'store', { type, id: storedId && shortId(storedId) });
    // Fifty saves in a row make one new overview, not fifty.
    if (clients.size > 0) waiting ??= setTimeout(pushAll, gatherMs);
  }

  function pushAll() {
    waiting = undefined;
    for (const client of clients) void push(client);
  }

  /** @param {Client} client */
  async function push(client) {
    const view = await overview(stores.merge, client.user, client.sid).catch(() => undefined);
    // A store that is away says so by its `down` event; the page keeps what it has.
    if (view === undefined) return;
    if (view.sessions.some(({ current }) => current)) {
      send(client.res, 'overview', view);
    } else {
      send(client.res, 'gone', {});
      end(client);
    }
  }

  /** @param {Client} client */
  function end(client) {
    clients.delete(client);
    client.res.end();
  }

  return {
    /**
     * @param {any} res
     * @param {{ user: string, sid: string }} owner
     */
    open(res, owner) {
      const client = { res, ...owner };
      res.set('Content-Type', 'text/event-stream').flushHeaders();
      res.write('retry: 1000\n\n');
      if (closed) {
        res.end();
        return;
      }
      clients.add(client);
      res.on('close', () => clients.delete(client));
      void push(client);
    },
    close() {
      closed = true;
      clearTimeout(waiting);
      for (const client of clients) end(client);
    },
  };
}

/**
 * @param {any} res
 * @param {string} name
 * @param {unknown} data
 */
function send(res, name, data) {
  if (!res.writableEnded) res.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
