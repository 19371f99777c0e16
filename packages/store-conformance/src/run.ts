import { checks as catalogue } from './checks/index.js';
import { ConformanceFailure, ruleOf } from './failure.js';
import { adapt, type StoreUnderTest } from './store-under-test.js';
import { quiet, within } from './time.js';
import { Trial } from './trial.js';
import type { Check, Hook, Need, Report, Result, RunOptions, Status, Target } from './types.js';
import { ProcessWatch, type Stray } from './watch.js';

const LIMIT_MS = 20_000;

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
  const run = new ConformanceRun(target, options);
  const results: Result[] = [];
  for (const check of run.checks) results.push(await run.result(check));
  return reportOf(target.name, results);
}

/** One run over one target; the ways in share it. */
export class ConformanceRun {
  /** What will run: first what runs alone, then what waits for time to pass. */
  readonly checks: readonly Check[];
  readonly limitMs: number;
  readonly #target: Target;
  readonly #timed = new Map<Check, Promise<Result>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(target: Target, options: RunOptions = {}) {
    const chosen = choose(options.checks ?? catalogue, options.only ?? fromEnvironment());
    this.checks = [...chosen.filter((check) => !check.timed), ...chosen.filter((check) => check.timed)];
    this.limitMs = options.limitMs ?? LIMIT_MS;
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
      const failure = new ConformanceFailure(check, this.#target.name, cause);
      return known ? { status: 'known', reason: known, failure } : { status: 'fail', failure };
    }
  }

  /** Runs the check on a store of its own. Gives the reason where it cannot be asked of this one. */
  async #attempt(check: Check, watch: ProcessWatch): Promise<string | undefined> {
    const store = await adapt(this.#target, await this.#target.create());
    const trial = new Trial(this.#target, store, watch);
    try {
      const lacking = check.needs?.find((need) => !meets(this.#target, store, need));
      if (lacking) return reasonOf(lacking);
      await check.run(trial);
      if (!check.timed) await quiet(2);
      refuseStrays(watch.take());
      return undefined;
    } finally {
      await trial.close();
    }
  }
}

/** Counts the results of a run. */
function reportOf(target: string, results: readonly Result[]): Report {
  const counts: Record<Status, number> = { pass: 0, fail: 0, skip: 0, known: 0, stale: 0 };
  for (const { status } of results) counts[status] += 1;
  return { target, results, counts, ok: counts.fail + counts.stale === 0 };
}

function choose(all: readonly Check[], only: readonly string[]): readonly Check[] {
  if (only.length === 0) return all;
  const chosen = all.filter(({ id }) => only.some((name) => name === id || name === ruleOf(id) || name === groupOf(id)));
  if (chosen.length === 0) throw new Error(`no check is called ${only.join(', ')}`);
  return chosen;
}

function groupOf(id: string): string {
  return id.replace(/-.*$/, '');
}

function fromEnvironment(): string[] {
  return (process.env['SESSILE_ONLY'] ?? '').split(/[\s,]+/).filter(Boolean);
}

const HOOKS: readonly Hook[] = ['reopen', 'spoil', 'second', 'neighbour', 'disrupt', 'rows', 'module'];

function meets(target: Target, store: StoreUnderTest, need: Need): boolean {
  if (need === 'callbacks') return store.kind !== 'promise';
  if (need === 'promises') return store.kind !== 'callback';
  const hook = HOOKS.find((name) => name === need);
  return hook ? target[hook] !== undefined : store.has(need);
}

function reasonOf(need: Need): string {
  if (need === 'callbacks') return 'the store takes no callbacks';
  if (need === 'promises') return 'the store returns no promises';
  return HOOKS.some((name) => name === need) ? `the target has no "${need}"` : `the store has no ${need}()`;
}

function refuseStrays([stray]: Stray[]): void {
  if (!stray) return;
  const said = stray.error instanceof Error ? stray.error.message : String(stray.error);
  throw new Error(`an error reached nobody and would have ended the process (${stray.origin}): ${said}`, {
    cause: stray.error,
  });
}
