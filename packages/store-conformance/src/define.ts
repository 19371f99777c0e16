import { ConformanceRun } from './run.js';
import type { Check, Result, RunOptions, Target } from './types.js';

/** A slow machine may take longer than a check that counts as hanging. */
const GRACE_MS = 10_000;

/** What the kit needs of a test runner: vitest, node:test, mocha and jest all have it. */
export interface TestRunner {
  describe(title: string, body: () => void): unknown;
  it(title: string, body: () => Promise<void>, timeoutMs?: number): unknown;
}

/**
 * Defines one test per check, so that a store's own test file is one call:
 *
 * ```ts
 * import { describe, it } from 'vitest';
 * import { defineConformance } from '@sessile/store-conformance';
 *
 * defineConformance({ describe, it }, { name: 'MyStore', create: () => new MyStore() });
 * ```
 *
 * A check that cannot be asked of this store is skipped with its reason, where the runner can skip while it runs.
 *
 * @param runner the runner's own functions.
 * @param target how to make the store.
 * @param options which checks, and how long each may take.
 */
export function defineConformance(runner: TestRunner, target: Target, options: RunOptions = {}): void {
  const run = new ConformanceRun(target, options);
  runner.describe(`${target.name}: the contract of a session store`, () => {
    for (const check of run.checks) defineCheck(runner, run, check);
  });
}

function defineCheck(runner: TestRunner, run: ConformanceRun, check: Check): void {
  // Rest parameters: mocha and jest wait for a callback where a test declares a parameter.
  async function body(this: unknown, ...context: unknown[]): Promise<void> {
    conclude(await run.result(check), context[0] ?? this);
  }
  runner.it(`${check.id} ${check.title}`, body, run.limitMs + GRACE_MS);
}

function conclude({ id, status, reason, failure }: Result, context: unknown): void {
  if (status === 'fail' && failure) throw failure;
  if (status === 'stale') throw new Error(`${id} ${reason}. Remove it from the target's "known".`);
  if (status === 'skip' || status === 'known') skip(context, `${status}: ${reason}`);
}

/** vitest's context is a function with properties, node:test's and mocha's are objects; jest has none. */
// oxlint-disable-next-line typescript/no-explicit-any -- each runner has a context of its own
function skip(context: any, reason: string): void {
  if (typeof context?.skip === 'function') context.skip(reason);
}
