import { MongoStore } from '@sessile/store-mongo';
import { describeOutages, opened, type Way } from '@sessile/testkit/outages';
import { MongoClient } from 'mongodb';
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

await describeOutages({
  title: 'MongoStore',
  backend: 'mongo',
  keeps: true,
  ways: [OWN, CLIENT],
  module: new URL('fixtures/open-store.js', import.meta.url),
});
