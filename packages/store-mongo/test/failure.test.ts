import { MongoStore } from '@sessile/store-mongo';
import { describeOutages, type Opened, type Way } from '@sessile/testkit/outages';
import { MongoClient } from 'mongodb';
import { openStore } from './fixtures/open-store.js';

function closing(stores: MongoStore[], end: () => unknown = () => undefined): Opened {
  return {
    stores,
    async close() {
      await Promise.all(stores.map((store) => store.close()));
      await end();
    },
  };
}

const OWN: Way = {
  title: 'a client of its own',
  open: async (url, name, timeoutMs) => closing([openStore(url, name, timeoutMs), openStore(url, name, timeoutMs)]),
};

/** As most have it: its time limits are half a minute. */
const CLIENT: Way = {
  title: "a client of the caller's",
  async open(url, collectionName, timeoutMs) {
    const client = new MongoClient(url);
    const options = { client, database: 'kit', collectionName, timeoutMs, pruneEveryMs: false as const };
    return closing([new MongoStore(options), new MongoStore(options)], () => client.close());
  },
};

await describeOutages({
  title: 'MongoStore',
  backend: 'mongo',
  keeps: true,
  ways: [OWN, CLIENT],
  module: new URL('fixtures/open-store.js', import.meta.url),
});
