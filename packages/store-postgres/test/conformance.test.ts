import { describe, it } from 'vitest';
import { defineConformance, type Target } from '@sessile/store-conformance';
import { backend } from '@sessile/testkit';
import targets from './fixtures/conformance-targets.js';

const postgres = await backend('postgres');

describe.skipIf(postgres.skip !== undefined)(`PostgreSQL (${postgres.skip ?? postgres.from})`, async () => {
  if (postgres.skip !== undefined) return;
  for (const target of (await targets()) as Target[]) defineConformance({ describe, it }, target);
});
