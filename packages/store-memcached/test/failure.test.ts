import { describeOutages, opened, type Way } from '@sessile/testkit/outages';
import { openStore } from './fixtures/open-store.js';

const OWN: Way = {
  title: 'its own connections',
  open: async (url, name, timeoutMs) => opened([openStore(url, name, timeoutMs), openStore(url, name, timeoutMs)]),
};

await describeOutages({
  title: 'MemcachedStore',
  backend: 'memcached',
  keeps: false,
  ways: [OWN],
  module: new URL('fixtures/open-store.js', import.meta.url),
});
