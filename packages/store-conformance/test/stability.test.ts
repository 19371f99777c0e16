import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SessionStore } from '@sessile/core';
import { type Check, checks, modelChecks, runConformance, type Target, type Trial } from '@sessile/store-conformance';
import { MemoryDriver, MemoryStore } from '@sessile/store-memory';
import { targetOf } from './reference-target.js';

const SEEDS = Array.from({ length: 200 }, (_, i) => i + 1);

/** A store that a second object can be opened on, so that every random check is asked. */
class OpenStore extends SessionStore {
  readonly reach: () => MemoryDriver;

  constructor(driver = new MemoryDriver()) {
    super(driver);
    this.reach = () => driver;
  }
}

const target: Target<OpenStore> = {
  name: 'two SessionStores over one MemoryDriver',
  create: () => new OpenStore(),
  second: (store) => new OpenStore(store.reach()),
};

describe('runs with different seeds give one verdict:', () => {
  it('the checks that draw from the seed are those of random histories, and say so', async () => {
    const drawn = new Set<string>();
    const watched = checks.map((check) => watchedBy(drawn, check));
    const { counts } = await runConformance(target, { checks: watched, only: [], seed: 1 });
    const seeded = checks.filter(({ seeded: says }) => says).map(({ id }) => id);
    expect(counts.fail).toBe(0);
    expect([...drawn].sort()).toEqual(seeded.toSorted());
    expect(seeded.toSorted()).toEqual(
      modelChecks()
        .map(({ id }) => id)
        .sort(),
    );
  });

  it('no check draws from anything else', () => {
    const drawing = /Math\.random|randomInt|randomBytes|randomUUID|getRandomValues/;
    const files = sources().filter((file) => drawing.test(readFileSync(new URL(file, SOURCES), 'utf8')));
    // The seed of a run that was given none, and the names of sids.
    expect(files).toEqual(['run.ts', 'trial.ts']);
  });

  it.for([
    [target.name, target, 0.02],
    ['the reference store, whose clock is moved', targetOf('the reference store'), 0.1],
  ] as const)('random histories, with 200 seeds on %s', { timeout: 120_000 }, async ([, store, share]) => {
    const verdicts = new Map<string, number[]>();
    for (const seed of SEEDS) {
      const { results } = await runConformance(store, { checks: modelChecks(share), only: [], seed });
      const verdict = results.map(({ id, status }) => `${id} ${status}`).join(', ');
      verdicts.set(verdict, [...(verdicts.get(verdict) ?? []), seed]);
    }
    expect([...verdicts.keys()]).toEqual(['MDL-3 pass, MDL-4 pass, MDL-4.a pass, MDL-1 pass, MDL-2 pass']);
  });

  it('so does the whole kit, with three of them', { timeout: 60_000 }, async () => {
    const verdicts = new Set<string>();
    for (const seed of SEEDS.slice(0, 3)) {
      const { results } = await runConformance({ name: 'MemoryStore', create: () => new MemoryStore() }, { seed });
      verdicts.add(results.map(({ id, status }) => `${id} ${status}`).join(', '));
    }
    expect(verdicts.size).toBe(1);
    expect([...verdicts][0]).not.toContain('fail');
  });
});

/** The same check, with a trial that tells who looks at its seed. */
function watchedBy(drawn: Set<string>, check: Check): Check {
  const watch = (trial: Trial): Trial => Object.create(trial, { seed: { get: () => drawn.add(check.id) && trial.seed } });
  return { ...check, run: (trial) => check.run(watch(trial)) };
}

const SOURCES = new URL('../src/', import.meta.url);

function sources(): string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
}
