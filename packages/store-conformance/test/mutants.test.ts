import { describe, expect, it } from 'vitest';
import { ConformanceFailure, runConformance } from '@sessile/store-conformance';
import { type Mutant, mutants } from './mutants.js';
import type { ReferenceStore } from './reference-store.js';

function check({ name, caughtBy, Store, neighbour }: Mutant) {
  const target = {
    name,
    kind: 'both' as const,
    create: () => new Store(),
    second: (store: ReferenceStore) => new Store(store.rows),
    neighbour: neighbour ?? (() => new Store()),
    spoil: write,
    rows: (store: ReferenceStore) => store.rows.size,
  };
  return runConformance(target, { only: [caughtBy], limitMs: 3000 });
}

function write(store: ReferenceStore, sid: string, text: string): void {
  const row = store.rows.get(sid);
  if (row) row.text = text;
}

describe('the kit catches a store that', () => {
  for (const mutant of mutants) {
    it(`${mutant.name}: ${mutant.caughtBy}`, async () => {
      const { results } = await check(mutant);
      const caught = results.find(({ id }) => id === mutant.caughtBy);
      expect(caught?.status).toBe('fail');
      expect(caught?.failure).toBeInstanceOf(ConformanceFailure);
    });
  }
});
