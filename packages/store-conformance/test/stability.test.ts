import { expect, it } from 'vitest';
import { modelChecks, runConformance } from '@sessile/store-conformance';
import { MemoryStore } from '@sessile/store-memory';

const SEEDS = Array.from({ length: 200 }, (_, i) => i + 1);
const target = { name: 'MemoryStore', create: () => new MemoryStore() };
const few = modelChecks(0.02);

it('random histories give the memory store one verdict with 200 seeds', { timeout: 60_000 }, async () => {
  const verdicts = new Map<string, number[]>();
  for (const seed of SEEDS) {
    const { results } = await runConformance(target, { checks: few, only: [], seed });
    const verdict = results.map(({ id, status }) => `${id} ${status}`).join(', ');
    verdicts.set(verdict, [...(verdicts.get(verdict) ?? []), seed]);
  }
  expect([...verdicts.keys()]).toEqual(['MDL-3 pass, MDL-4 pass, MDL-4.a skip, MDL-1 pass, MDL-2 skip']);
});
