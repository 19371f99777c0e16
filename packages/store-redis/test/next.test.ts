import { describe, it } from 'vitest';
import { defineConformance } from '@sessile/store-conformance';
import { RedisStore } from '@sessile/store-redis';
import { backend, namespace } from '@sessile/testkit';

const redis = await backend('redis-next');
const prefixes = new WeakMap<RedisStore, string>();

function open(prefix: string): RedisStore {
  const store = new RedisStore({ url: redis.url, prefix });
  prefixes.set(store, prefix);
  return store;
}

describe.skipIf(redis.skip !== undefined)(`the newer release of Redis (${redis.skip ?? redis.from})`, () => {
  if (redis.skip !== undefined) return;
  defineConformance(
    { describe, it },
    {
      name: 'RedisStore',
      create: () => open(`${namespace()}:`),
      second: (store: RedisStore) => open(prefixes.get(store) as string),
      neighbour: () => open(`${namespace()}:`),
    },
  );
});
