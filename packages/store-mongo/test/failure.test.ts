import { once } from 'node:events';
import { MongoStore } from '@sessile/store-mongo';
import { backend, namespace, proxyTo } from '@sessile/testkit';
import { describeOutages, opened, type Way } from '@sessile/testkit/outages';
import { MongoClient } from 'mongodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from './fixtures/open-store.js';

const OWN: Way = {
  title: 'a client of its own',
  open: async (url, name, timeoutMs) => opened([openStore(url, name, timeoutMs), openStore(url, name, timeoutMs)]),
};

/** Its time limits are half a minute, as most have it, but for new connections, which is the README's advice. */
const CLIENT: Way = {
  title: "a client of the caller's",
  async open(url, collectionName, timeoutMs) {
    const client = new MongoClient(url, { connectTimeoutMS: 1000 });
    const options = { client, database: 'kit', collectionName, timeoutMs, pruneEveryMs: false as const };
    return opened([new MongoStore(options), new MongoStore(options)], () => client.close());
  },
};

// FerretDB serves without a password, is never a replica, and tells nothing of its disk: docs/reliability.md says so.
await describeOutages({
  title: 'MongoStore',
  backend: 'mongo',
  keeps: true,
  ways: [OWN, CLIENT],
  // FerretDB and its PostgreSQL need more of the machine than other servers.
  atOnce: 2,
  module: new URL('fixtures/open-store.js', import.meta.url),
});

const mongo = await backend('mongo');

describe.skipIf(mongo.skip !== undefined)('MongoStore in outages of its own kind', () => {
  async function clientThroughProxy(options: object = {}) {
    const proxy = await proxyTo(mongo.url!);
    onTestFinished(() => proxy.close());
    const client = new MongoClient(proxy.url, options);
    onTestFinished(() => client.close());
    return { proxy, client };
  }

  function open(client: MongoClient, timeoutMs: number): MongoStore {
    const store = new MongoStore({ client, database: 'kit', collectionName: namespace(), timeoutMs, pruneEveryMs: false });
    onTestFinished(() => store.close().catch(() => undefined));
    return store;
  }

  it('a pool whose connections somebody else needs for long is an error in time, and works when one is free', async () => {
    const { proxy, client } = await clientThroughProxy({ maxPoolSize: 1 });
    const store = open(client, 700);
    await store.set('s', { n: 1 });
    const checkedOut = once(client, 'connectionCheckedOut');
    proxy.impair({ delayMs: 2000 });
    const held = client.db('kit').command({ ping: 1 });
    await checkedOut;
    await expect(store.get('s')).rejects.toMatchObject({ code: 'ERR_STORE_TIMEOUT', retryable: true });
    await proxy.restore();
    await held;
    await expect.poll(() => store.get('s').catch(String), { timeout: 5000 }).toEqual({ n: 1 });
  });

  it('a connection that the client gives up while a command is under way is an outage', async () => {
    const { proxy, client } = await clientThroughProxy({ heartbeatFrequencyMS: 500, connectTimeoutMS: 300 });
    const store = open(client, 5000);
    await store.set('s', { n: 1 });
    proxy.stall();
    await expect(store.set('s', { n: 2 })).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', retryable: true });
  });

  it('a client that looks for its server no more is made to look again', async () => {
    const { proxy, client } = await clientThroughProxy({ serverSelectionTimeoutMS: 500 });
    const store = open(client, 700);
    await store.set('s', { n: 1 });
    // As it happens where all connections end at once: the client asks on a socket that has just ended, and waits for ever.
    const [server] = (client as any).topology.s.servers.values();
    const sinceItAskedMs = () => server.monitor.monitorId.toJSON().timeSinceLastCall;
    await expect.poll(sinceItAskedMs, { timeout: 5000 }).toBeGreaterThan(600);
    server.monitor.connection.socket.destroy();
    server.requestCheck();
    await proxy.refuse();
    await expect(store.get('s')).rejects.toMatchObject({ retryable: true });
    await expect.poll(() => store.status, { timeout: 5000 }).toBe('down');
    await proxy.restore();
    await expect.poll(() => store.get('s').catch(String), { timeout: 10_000 }).toEqual({ n: 1 });
  });
});
