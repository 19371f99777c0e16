import { AssertionError } from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { checks as catalogue } from './checks/index.js';
import { againInTests, ConformanceFailure, groupOf, ruleOf } from './failure.js';
import { HistoryFailure } from './model/explore.js';
import { installed } from './stock.js';
import { adapt, type StoreUnderTest } from './store-under-test.js';
import { quiet, within } from './time.js';
import { Trial } from './trial.js';
import type { Check, Hook, Level, Middleware, Need, Report, Result, RunOptions, Status, Target } from './types.js';
import { ProcessWatch, type Stray } from './watch.js';

export const LIMIT_MS = 20_000;
const SEEDS = 2 ** 32;
const LEVELS: readonly Level[] = ['MUST', 'SHOULD', 'MAY'];

/**
 * Runs the checks on a target and reports on every one of them.
 *
 * A store that fails is reported, not thrown; look at `report.ok`. Checks of errors that escape set the process's own
 * listeners aside while they run, so do not run two targets at once in one process.
 *
 * @param target how to make the store.
 * @param options which checks, and how long each may take.
 * @throws Error when `only` names no check.
 */
export async function runConformance(target: Target, options: RunOptions = {}): Promise<Report> {
  const start = startOf();
  const run = new ConformanceRun(target, options);
  const results: Result[] = [];
  for (const check of run.checks) results.push(await run.result(check));
  return reportOf(target.name, run.seed, start, results);
}

/** One run over one target; the ways in share it. */
export class ConformanceRun {
  /** What will run: first what runs alone, then what waits for time to pass. */
  readonly checks: readonly Check[];
  readonly limitMs: number;
  readonly seed: number;
  readonly #target: Target;
  readonly #timed = new Map<Check, Promise<Result>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(target: Target, options: RunOptions = {}) {
    this.checks = inOrder(choose(options));
    this.limitMs = options.limitMs ?? LIMIT_MS;
    this.seed = options.seed ?? seedOfThisRun();
    this.#target = target;
  }

  /** Runs the check. The first timed one starts all of them, side by side. */
  result(check: Check): Promise<Result> {
    return check.timed ? this.#sideBySide(check) : this.#alone(check);
  }

  #alone(check: Check): Promise<Result> {
    const result = this.#last.then(() => this.#watched(check));
    this.#last = result;
    return result;
  }

  #sideBySide(check: Check): Promise<Result> {
    const others = this.checks.filter((one) => one.timed && one !== check && !this.#timed.has(one));
    const mine = this.#start(check);
    for (const one of others) void this.#start(one);
    return mine;
  }

  /** Starts it when what runs alone is done, and once. */
  #start(check: Check): Promise<Result> {
    const started = this.#timed.get(check) ?? this.#last.then(() => this.#judge(check, new ProcessWatch()));
    this.#timed.set(check, started);
    return started;
  }

  async #watched(check: Check): Promise<Result> {
    const watch = new ProcessWatch().start();
    try {
      return await this.#judge(check, watch);
    } finally {
      watch.stop();
    }
  }

  async #judge(check: Check, watch: ProcessWatch): Promise<Result> {
    const startedAt = performance.now();
    const verdict = await this.#verdict(check, watch);
    const durationMs = Math.round(performance.now() - startedAt);
    return { id: check.id, level: check.level, title: check.title, durationMs, ...verdict };
  }

  async #verdict(check: Check, watch: ProcessWatch): Promise<Pick<Result, 'status' | 'reason' | 'failure'>> {
    const known = this.#target.known?.[check.id];
    try {
      const lacking = await within(this.limitMs, `the check ${check.id}`, this.#attempt(check, watch));
      if (lacking) return { status: 'skip', reason: lacking };
      if (known) return { status: 'stale', reason: `passes, though the target calls it known: ${known}` };
      return { status: 'pass' };
    } catch (cause) {
      const again = againInTests(check, check.seeded ? this.seed : undefined);
      const seen = cause instanceof HistoryFailure ? cause.seen : undefined;
      const failure = new ConformanceFailure(check, this.#target.name, cause, { again, ...(seen && { seen }) });
      return known ? { status: 'known', reason: known, failure } : { status: 'fail', failure };
    }
  }

  /** Runs the check on a store of its own. Gives the reason where it cannot be asked of this one. */
  async #attempt(check: Check, watch: ProcessWatch): Promise<string | undefined> {
    const other = otherThing(this.#target, check);
    if (other) return other;
    const store = await adapt(this.#target, await this.#target.create());
    const trial = new Trial(this.#target, store, watch, this.seed);
    try {
      const lacking = check.needs?.find((need) => !meets(this.#target, store, need));
      if (lacking) return reasonOf(this.#target, lacking);
      await check.run(trial).catch((error: unknown) => refuseCause(error, watch));
      if (!check.timed) await quiet(2);
      refuseStrays(watch.take());
      return undefined;
    } finally {
      await trial.close();
    }
  }
}

/** When a run began, by the calendar and by a clock that nobody sets. */
export interface Start {
  readonly date: string;
  readonly at: number;
}

export function startOf(): Start {
  return { date: new Date().toISOString(), at: performance.now() };
}

/** Counts the results of a run, and says what made them. */
export function reportOf(target: string, seed: number, { date, at }: Start, results: readonly Result[]): Report {
  const counts: Record<Status, number> = { pass: 0, fail: 0, skip: 0, known: 0, stale: 0 };
  for (const { status } of results) counts[status] += 1;
  const durationMs = Math.round(performance.now() - at);
  const made = { kit: kitVersion(), contract: contractVersion(), node: process.versions.node, date, durationMs, seed };
  return { target, ...made, counts, ok: counts.fail + counts.stale === 0, results };
}

/** The version of this package. */
export function kitVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return manifest.version;
}

/** The latest version of the contract that a check of the kit belongs to. */
function contractVersion(): string {
  const [latest = ''] = catalogue.map(({ since }) => since).sort((one, two) => two.localeCompare(one, 'en', { numeric: true }));
  return latest;
}

/**
 * The checks that the options ask for.
 *
 * @throws Error when a name names no check, or when no check is left.
 */
export function choose({ checks = catalogue, only = onlyFromEnvironment(), level = 'MAY' }: RunOptions): readonly Check[] {
  const binding = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
  const named = only.length === 0 ? checks : byName(checks, only);
  const chosen = named.filter((check) => binding.includes(check.level));
  if (chosen.length === 0 && named.length > 0) throw new Error(`none of these checks is a ${binding.join(' or ')}: ${only.join(', ')}`);
  return chosen;
}

function byName(checks: readonly Check[], names: readonly string[]): readonly Check[] {
  const means = (name: string, { id }: Check): boolean => name === id || name === ruleOf(id) || name === groupOf(id);
  const unknown = names.filter((name) => !checks.some((check) => means(name, check)));
  if (unknown.length > 0) throw new Error(`no check is called ${unknown.join(', ')}`);
  return checks.filter((check) => names.some((name) => means(name, check)));
}

/** First what runs alone, then what waits for time to pass. */
function inOrder(checks: readonly Check[]): readonly Check[] {
  return [...checks.filter((check) => !check.timed), ...checks.filter((check) => check.timed)];
}

function onlyFromEnvironment(): string[] {
  return (process.env['SESSILE_ONLY'] ?? '').split(/[\s,]+/).filter(Boolean);
}

/** What the environment says, else another one in each run. */
export function seedOfThisRun(): number {
  const said = process.env['SESSILE_SEED'];
  return said ? Number(said) >>> 0 : randomInt(SEEDS);
}

/** Checks of a store say nothing of a driver, and the other way round. */
function otherThing({ kind }: Target, { needs = [] }: Check): string | undefined {
  const isOfDrivers = needs.includes('driver');
  if (kind === 'driver') return isOfDrivers ? undefined : 'the target is a bare driver';
  return isOfDrivers ? 'the target is a store' : undefined;
}

const HOOKS: readonly Hook[] = ['reopen', 'spoil', 'second', 'neighbour', 'disrupt', 'rows', 'module'];

const MIDDLEWARES: Readonly<Record<Middleware, readonly string[]>> = {
  'express-session': ['express-session'],
  'koa-session': ['koa', 'koa-session'],
  'koa-generic-session': ['koa', 'koa-generic-session'],
};

function isMiddleware(need: Need): need is Middleware {
  return need in MIDDLEWARES;
}

function meets(target: Target, store: StoreUnderTest, need: Need): boolean {
  if (need === 'driver') return target.kind === 'driver';
  if (need === 'callbacks') return store.kind !== 'promise';
  if (need === 'promises') return store.kind !== 'callback';
  // koa-session and koa-generic-session give a lifetime beside every save.
  if (need === 'cookies') return store.kind !== 'promise' || store.has('createSession');
  if (isMiddleware(need)) return installed(...MIDDLEWARES[need]);
  const hook = HOOKS.find((name) => name === need);
  return hook ? target[hook] !== undefined : store.has(need);
}

const REASONS: Readonly<Partial<Record<Need, string>>> = {
  callbacks: 'the store takes no callbacks',
  promises: 'the store returns no promises',
  cookies: 'not applicable: middlewares that call a store by promises alone give it the lifetime as an argument',
};

function reasonOf({ unpromised }: Target, need: Need): string {
  const said = REASONS[need];
  if (said !== undefined) return said;
  const unsure = Object.entries(unpromised ?? {}).find(([method]) => method === need);
  if (unsure) return `${need}() is not promised: ${unsure[1]}`;
  if (isMiddleware(need)) return `${MIDDLEWARES[need].join(' and ')} not installed`;
  return HOOKS.some((name) => name === need) ? `the target has no "${need}"` : `the store has no ${need}()`;
}

/** Where a call failed or hung, what reached nobody meanwhile is the likely reason. What a check saw for itself stands. */
function refuseCause(error: unknown, watch: ProcessWatch): never {
  if (!(error instanceof AssertionError)) refuseStrays(watch.take());
  throw error;
}

function refuseStrays([stray]: Stray[]): void {
  if (!stray) return;
  const said = stray.error instanceof Error ? stray.error.message : String(stray.error);
  throw new Error(`an error reached nobody and would have ended the process (${stray.origin}): ${said}`, {
    cause: stray.error,
  });
}
