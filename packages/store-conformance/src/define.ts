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
 * A check that cannot be asked of this store is skipped with its reason. jest cannot skip a test that runs: there it passes,
 * and what was not run is written, with the reasons, when all are done.
 *
 * @param runner the runner's own functions.
 * @param target how to make the store.
 * @param options which checks, and how long each may take.
 */
export function defineConformance(runner: TestRunner, target: Target, options: RunOptions = {}): void {
  const run = new ConformanceRun(target, options);
  const unsaid = new Unsaid(target.name, run.checks.length);
  runner.describe(`${target.name}: the contract of a session store`, () => {
    for (const check of run.checks) defineCheck(runner, run, check, unsaid);
  });
}

// oxlint-disable-next-line typescript/no-explicit-any -- each runner has a context of its own
type Context = any;

function defineCheck(runner: TestRunner, run: ConformanceRun, check: Check, unsaid: Unsaid): void {
  const timeoutMs = run.limitMs + GRACE_MS;
  // Rest parameters: mocha and jest wait for a callback where a test declares a parameter.
  async function body(this: Context, ...[given]: Context[]): Promise<void> {
    const context: Context = given ?? this;
    // mocha's only way; others take it as an argument.
    if (typeof context?.timeout === 'function') context.timeout(timeoutMs);
    const result = await run.result(check);
    if (typeof context?.skip !== 'function') unsaid.add(result);
    conclude(result, context);
  }
  runner.it(`${check.id} ${check.title}`, body, timeoutMs);
}

function conclude({ id, status, reason, failure }: Result, context: Context): void {
  if (status === 'fail' && failure) throw failure;
  if (status === 'stale') throw new Error(`${id} ${reason}. Remove it from the target's "known".`);
  if (status === 'skip' || status === 'known') skip(context, `${status}: ${reason}`);
}

/** vitest's context is a function with properties, node:test's and mocha's are objects; jest has none. */
function skip(context: Context, reason: string): void {
  if (typeof context?.skip === 'function') context.skip(reason);
}

/** What a runner that cannot skip would leave unsaid. */
class Unsaid {
  readonly #target: string;
  readonly #results: Result[] = [];
  #left: number;

  constructor(target: string, checks: number) {
    this.#target = target;
    this.#left = checks;
  }

  add(result: Result): void {
    this.#results.push(result);
    this.#left -= 1;
    if (this.#left === 0) this.#say();
  }

  #say(): void {
    const lines = this.#results.flatMap(({ id, status, reason }) =>
      status === 'skip' || status === 'known' ? [`  ${id} ${status}: ${reason}\n`] : [],
    );
    const head = lines.length === 1 ? '1 check counts as passed and was' : `${lines.length} checks count as passed and were`;
    if (lines.length > 0) process.stdout.write(`${this.#target}: ${head} not run:\n${lines.join('')}`);
  }
}
