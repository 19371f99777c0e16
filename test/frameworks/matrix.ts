import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type Behaviour, type BehaviourKey, behaviours, type Mark } from './behaviours.js';
import type { Middleware } from './middlewares/types.js';
import { marksIn, PAGE } from './page.js';
import { type StoreKind, storeKinds } from './stores.js';

/** Most of a test is waiting. */
const AT_ONCE = 50;

/** Where `npm run matrix` collects what was seen. */
const FOLDER = process.env['SESSILE_MATRIX'];

/** What waits anyhow leaves the machine to the others meanwhile. */
const longestFirst = [...behaviours].sort((one, other) => Number(isTimed(other)) - Number(isTimed(one)));

type Marks = Partial<Record<BehaviourKey, Mark>>;

/**
 * Defines a test for each middleware, store and behaviour, and one that compares what was seen with docs/frameworks.md.
 *
 * @param part a name for what is defined here.
 */
export async function defineMatrix(part: string, middlewares: readonly Middleware[]): Promise<void> {
  vi.setConfig({ maxConcurrency: AT_ONCE, testTimeout: 90_000 });
  const kinds = await storeKinds();
  const sights = middlewares.map((middleware) => ({ ...middleware, seen: defineTests(middleware, kinds) }));

  if (FOLDER === undefined) {
    it.each(sights)('docs/frameworks.md says what was seen of $name on $framework', ({ name, seen }) => {
      const told = marksIn(readFileSync(PAGE, 'utf8'), name, behaviours);
      const asked = Object.fromEntries(Object.entries(told).filter(([key]) => key in seen));
      expect(asked, 'the page is stale: npm run matrix renews it').toEqual(seen);
    });
  } else {
    it('what was seen is written down', async () => {
      const stores = await Promise.all(kinds.map(async ({ name, server }) => ({ name, server: await server() })));
      writeFileSync(join(FOLDER, `${part}.json`), JSON.stringify({ sights, stores, rows: behaviours }));
    });
  }
}

/** @returns the marks, which the tests fill in. */
function defineTests(middleware: Middleware, kinds: readonly StoreKind[]): Marks {
  const seen: Marks = {};
  describe.concurrent(`${middleware.name} on ${middleware.framework}`, () => {
    for (const behaviour of longestFirst) {
      const lack = middleware.lacks[behaviour.key];
      if (lack === undefined) defineCells(behaviour, middleware, kinds, (mark) => see(seen, behaviour.key, mark));
      else it(behaviour.title, (context) => context.skip(lack));
    }
  });
  return seen;
}

function defineCells({ title, run }: Behaviour, middleware: Middleware, kinds: readonly StoreKind[], see: (mark: Mark) => void): void {
  for (const kind of kinds) {
    it(`${kind.name}: ${title}`, async (context) => {
      if (kind.skip !== undefined) context.skip(kind.skip);
      see(await run({ middleware, kind }));
    });
  }
}

function see(seen: Marks, key: BehaviourKey, mark: Mark): void {
  seen[key] ??= mark;
  expect(mark, 'what was seen with another store').toBe(seen[key]);
}

function isTimed({ timed = false }: Behaviour): boolean {
  return timed;
}
