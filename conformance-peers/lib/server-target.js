/** What the targets of stores on a server share. The server comes from testkit. */
import { connect as connectTo } from 'node:net';
import { backend, namespace, proxyTo } from '@sessile/testkit';

/**
 * The address of a server that all runs share.
 *
 * @param {import('@sessile/testkit').BackendName} name
 */
export async function urlOf(name) {
  const server = await backend(name);
  if (server.skip !== undefined) throw new Error(server.skip);
  return server.url;
}

/**
 * A target whose stores talk to the server through a proxy, which can be cut. A store, its second and its neighbour share a connection.
 *
 * @template C, S
 * @param {object} parts
 * @param {string} parts.url of the server itself.
 * @param {(url: string) => C | Promise<C>} parts.connect makes what the stores share.
 * @param {(connection: C, space: string) => S | Promise<S>} parts.open a store in a namespace.
 * @param {(store: S) => unknown} [parts.close] what the store has for that.
 * @param {(connection: C) => unknown} [parts.end]
 * @param {(space: string, sid: string, text: string) => unknown} parts.spoil
 * @param {(space: string) => number | Promise<number>} [parts.rows]
 */
export function serverTarget({ url, connect, open, close, end, spoil, rows, ...rest }) {
  /** @type {WeakMap<object, { place: any, space: string }>} */
  const known = new WeakMap();
  const openIn = async (place, space) => {
    place.users += 1;
    const store = await open(place.connection, space);
    known.set(store, { place, space });
    return store;
  };
  const destroy = async (store) => {
    const { place } = known.get(store);
    await close?.(store);
    place.users -= 1;
    if (place.users > 0) return;
    await end?.(place.connection);
    await place.proxy.close();
  };
  return {
    ...rest,
    destroy,
    async create() {
      const proxy = await proxyTo(url);
      return openIn({ proxy, connection: await connect(proxy.url), users: 0 }, namespace());
    },
    second: (store) => openIn(known.get(store).place, known.get(store).space),
    neighbour: (store) => openIn(known.get(store).place, namespace()),
    async reopen(store) {
      const next = await openIn(known.get(store).place, known.get(store).space);
      await destroy(store);
      return next;
    },
    spoil: (store, sid, text) => spoil(known.get(store).space, sid, text),
    ...(rows && { rows: (store) => rows(known.get(store).space) }),
    async disrupt(store) {
      const { proxy } = known.get(store).place;
      await proxy.refuse();
      return () => proxy.restore();
    },
  };
}

/** What stands in a URL after its scheme: `127.0.0.1:11211`. */
export function hostOf(url) {
  return new URL(url).host;
}

/**
 * Sends one command to a server of lines, as any program could.
 *
 * @returns {Promise<string>} what it said first.
 */
export function say(url, command) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connectTo(Number(port), hostname, () => socket.write(command));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString());
    });
  });
}
