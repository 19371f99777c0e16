import { describe, it } from 'vitest';
import { defineConformance, type Target } from '@sessile/store-conformance';
import { backend } from '@sessile/testkit';
import targets from './fixtures/conformance-targets.js';

const memcached = await backend('memcached');

describe.skipIf(memcached.skip !== undefined)(`memcached (${memcached.skip ?? memcached.from})`, async () => {
  if (memcached.skip !== undefined) return;
  for (const target of (await targets()) as Target[]) defineConformance({ describe, it }, target);
});
