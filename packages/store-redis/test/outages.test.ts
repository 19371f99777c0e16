import { RedisStore } from '@sessile/store-redis';
import { describeOutages, opened, type Way } from '@sessile/testkit/outages';
import { SHAPES } from './fixtures/clients.js';
import { openStore } from './fixtures/open-store.js';

const OWN: Way = {
  title: 'a connection of its own',
  open: async (url, name, timeoutMs) => opened([openStore(url, name, timeoutMs), openStore(url, name, timeoutMs)]),
};

/** Two stores on one client of the caller's. */
function on(shape: keyof typeof SHAPES): Way {
  return {
    title: shape,
    waitsForEver: true,
    async open(url, name, timeoutMs) {
      const { client, end } = (await SHAPES[shape].make([url] as never, [], {})) as any;
      const options = { client, prefix: `${name}:`, timeoutMs };
      return opened([new RedisStore(options), new RedisStore(options)], end);
    },
  };
}

await describeOutages({
  title: 'RedisStore',
  backend: 'redis',
  args: ['--appendonly', 'yes', '--appendfsync', 'always'],
  keeps: true,
  ways: [OWN, on('ioredis'), on('ioredis6'), on('node-redis'), on('a node-redis pool')],
  module: new URL('fixtures/open-store.js', import.meta.url),
  isForeign: (error) =>
    error instanceof Error && /client[\\/](pool|index|socket)\.js/.test(error.stack ?? '') && !/store-redis/.test(error.stack ?? ''),
});
