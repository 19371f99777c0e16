import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Check, checks, modelChecks, runConformance } from '@sessile/store-conformance';
import { type Mutant, mutants } from './mutants.js';
import { ReferenceStore } from './reference-store.js';
import { targetOf } from './reference-target.js';

/** They watch the process, or a clock, which mutants that run side by side would share. */
const ALONE: ReadonlySet<string> = new Set(['CB-4', 'CB-5', 'ERR-1', 'GET-1.a']);
/** What is no check of a store by itself has its own mutants, in `stock-mutants.test.ts`. */
const MIDDLEWARES: ReadonlySet<string> = new Set(['express-session', 'koa-session', 'koa-generic-session']);
const ofStores = checks.filter(({ id, needs = [] }) => !id.startsWith('DRV-') && !needs.some((need) => MIDDLEWARES.has(need)));

const isDrawn = (id: string): boolean => id.startsWith('MDL-');
const isAlone = (id: string): boolean => ALONE.has(id);
const alone = ofStores.filter(({ id }) => isAlone(id));
const written = timed(ofStores.filter(({ id }) => !isAlone(id) && !isDrawn(id)));
/** Random histories catch many mutants, and are asked of those that they are for. */
const drawn = timed(modelChecks(0.3));

/** Side by side. */
function timed(some: readonly Check[]): Check[] {
  return some.map((check) => ({ ...check, timed: true }));
}

async function caught({ name, Store, hooks }: Mutant, catalogue: readonly Check[], limitMs: number): Promise<string[]> {
  const target = { ...targetOf(name, Store), ...hooks };
  const { results } = await runConformance(target, { checks: catalogue, only: [], limitMs, seed: 1 });
  return results.filter(({ status }) => status === 'fail').map(({ id }) => id);
}

/** What the checks that run alone look at is the mutant's own, and not the reference store's. */
function answersItself({ Store }: Mutant): boolean {
  const methods = ['answer', 'guard', 'get', 'read', 'set', 'touch', 'destroy'] as const;
  return methods.some((method) => Store.prototype[method] !== ReferenceStore.prototype[method]);
}

describe('the kit catches, and by no other rule, a store that', () => {
  silenceStrays();

  for (const mutant of mutants) {
    const ids = mutant.caughtBy.filter((id) => !isAlone(id));
    const catalogue = ids.some(isDrawn) ? [...written, ...drawn] : written;
    it.concurrent(`${mutant.name}: ${mutant.caughtBy.join(', ')}`, { timeout: 60_000 }, async () => {
      expect((await caught(mutant, catalogue, 12_000)).sort()).toEqual(ids.toSorted());
    });
  }
});

describe('what watches the process catches, and nothing else, a store that', () => {
  for (const mutant of mutants.filter(answersItself)) {
    it(mutant.name, async () => {
      const ids = mutant.caughtBy.filter(isAlone);
      expect((await caught(mutant, alone, 2000)).sort()).toEqual(ids.toSorted());
    });
  }
});

describe('the mutants', () => {
  it('are at least sixty, each with a name of its own', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
    expect(mutants.length).toBeGreaterThanOrEqual(60);
  });

  it('have one for every check of a store', () => {
    const covered = new Set(mutants.flatMap(({ caughtBy }) => caughtBy));
    expect(ofStores.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([]);
  });

  it('are caught by nothing that the reference store fails', async () => {
    const { results } = await runConformance(targetOf('the reference store'), { checks: [...written, ...drawn], only: [], seed: 1 });
    expect(results.filter(({ status }) => status === 'fail')).toEqual([]);
  });
});

type Listener = (...args: unknown[]) => void;

/** Some mutants let errors escape: the test runner would take them for its own. */
function silenceStrays(): void {
  const host: NodeJS.EventEmitter = process;
  const events = ['uncaughtException', 'unhandledRejection'];
  const aside = new Map<string, Listener[]>();
  const swap = (event: string, listeners: Listener[]): void => {
    host.removeAllListeners(event);
    for (const listener of listeners) host.on(event, listener);
  };
  beforeAll(() => {
    for (const event of events) aside.set(event, host.listeners(event) as Listener[]);
    for (const event of events) swap(event, [() => undefined]);
  });
  afterAll(() => {
    for (const [event, listeners] of aside) swap(event, listeners);
  });
}
