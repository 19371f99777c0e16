import { describeOutages, type Way } from '@sessile/testkit/outages';
import { openStore } from './fixtures/open-store.js';

const OWN: Way = {
  title: 'its own connections',
  async open(url, name, timeoutMs) {
    const stores = [openStore(url, name, timeoutMs), openStore(url, name, timeoutMs)];
    return { stores, close: async () => void (await Promise.all(stores.map((store) => store.close()))) };
  },
};

await describeOutages({
  title: 'MemcachedStore',
  backend: 'memcached',
  keeps: false,
  ways: [OWN],
  module: new URL('fixtures/open-store.js', import.meta.url),
});
