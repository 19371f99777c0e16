import { ConformanceFailure, type FailureTexts } from '../failure.js';
import { reportOf, startOf } from '../run.js';
import type { Check, Report, Result } from '../types.js';
import type { Message, TargetFacts, Told } from './messages.js';
import { type Death, UnusableTarget, Worker } from './worker.js';

/** A store that is silent for longer serves nobody, whatever a check may take. */
const BLOCKED_MS = 10_000;

/** What is to be run. */
export interface Job {
  /** The module of the targets, as an absolute path. */
  readonly file: string;
  readonly checks: readonly Check[];
  readonly limitMs: number;
  readonly seed: number;
  /** How to run a check alone, as a command. */
  readonly again: (check: Check) => string;
  readonly watcher: Watcher;
}

/** Who looks on. */
export interface Watcher {
  onTarget(name: string, total: number): void;
  onStart(check: Check): void;
  onResult(result: Result): void;
  onOutput(text: string): void;
}

/** Why a store that ends its process matters, and what to do: the check's own words are about something else. */
const DEATHS: Readonly<Record<Death['cause'], FailureTexts>> = {
  ended: {
    why: 'A store that ends its process takes the requests of all users with it.',
    mend: "Never call process.exit() in a store; handle every promise and every client's error event; bound what is held in memory.",
  },
  blocked: {
    why: 'While the event loop is blocked, no request of any user is answered.',
    mend: "Use the client's asynchronous calls, break long loops into pieces, and bound every wait.",
  },
};

/** Runs all checks on all targets of a module, whatever becomes of the processes that do it. */
export class Supervisor {
  readonly #job: Job;
  #worker: Worker | undefined;

  constructor(job: Job) {
    this.#job = job;
  }

  /** @throws UnusableTarget when the module gives no target. */
  async run(): Promise<Report[]> {
    const { targets } = await this.#ready();
    const reports: Report[] = [];
    for (const [i, target] of targets.entries()) reports.push(await this.#report(i, target));
    return reports;
  }

  /** Ends the process at once. */
  kill(): void {
    this.#worker?.kill();
  }

  async #report(number: number, target: TargetFacts): Promise<Report> {
    const { checks, seed, watcher } = this.#job;
    const start = startOf();
    const workers = { ready: () => this.#ready(), drop: () => this.#drop() };
    watcher.onTarget(target.name, checks.length);
    const results = await new TargetRun(this.#job, number, target, workers).run();
    await this.#worker?.stop();
    this.#drop();
    return reportOf(target.name, seed, start, results);
  }

  async #ready(): Promise<Worker> {
    const { file, limitMs, watcher } = this.#job;
    const blockedMs = Math.min(limitMs, BLOCKED_MS);
    return (this.#worker ??= await Worker.start({ file, blockedMs, onOutput: (text) => watcher.onOutput(text) }));
  }

  #drop(): void {
    this.#worker = undefined;
  }
}

/** Where a target gets its process from. */
interface Workers {
  /** The one that lives, or another one. */
  ready(): Promise<Worker>;
  /** It has ended. */
  drop(): void;
}

/** The checks of one target, through as many processes as it takes. */
class TargetRun {
  readonly #results = new Map<string, Result>();
  /** Started and not ended, in the process of now. */
  readonly #underWay = new Set<Check>();
  /** Were under way together when a process ended: each is tried alone, to see which of them it was. */
  #suspects: Check[] = [];

  readonly #job: Job;
  readonly #number: number;
  readonly #target: TargetFacts;
  readonly #workers: Workers;

  constructor(job: Job, number: number, target: TargetFacts, workers: Workers) {
    this.#job = job;
    this.#number = number;
    this.#target = target;
    this.#workers = workers;
  }

  async run(): Promise<Result[]> {
    for (;;) {
      const batch = this.#batch();
      if (batch.length === 0) break;
      const death = await this.#attempt(batch);
      if (death) this.#blame(death, batch);
    }
    return this.#job.checks.flatMap(({ id }) => this.#results.get(id) ?? []);
  }

  #batch(): readonly Check[] {
    const suspect = this.#suspects.shift();
    return suspect ? [suspect] : this.#job.checks.filter(({ id }) => !this.#results.has(id));
  }

  async #attempt(batch: readonly Check[]): Promise<Death | undefined> {
    const { limitMs, seed } = this.#job;
    this.#underWay.clear();
    const worker = await this.#workers.ready().catch(asDeath);
    if ('got' in worker) return worker;
    const order = { target: this.#number, ids: batch.map(({ id }) => id), limitMs, seed };
    const death = await worker.run(order, (message) => this.#hear(message));
    if (death) this.#workers.drop();
    return death;
  }

  #hear(message: Message): void {
    if (message.type === 'start') this.#onStart(this.#checkOf(message.id));
    if (message.type === 'result') this.#onResult(message.told);
  }

  #onStart(check: Check | undefined): void {
    if (!check) return;
    this.#underWay.add(check);
    this.#job.watcher.onStart(check);
  }

  #onResult({ id, status, reason, seen, durationMs }: Told): void {
    const check = this.#checkOf(id);
    if (!check) return;
    this.#underWay.delete(check);
    const failure = seen && this.#failure(check, { seen });
    this.#settle(check, { status, ...(reason !== undefined && { reason }), ...(failure && { failure }), durationMs });
  }

  /**
   * Each death settles a check or makes suspects, so that the run comes to its end. Where none was under way, it is the
   * next one that cannot be run.
   */
  #blame(death: Death, batch: readonly Check[]): void {
    const [first, ...more] = this.#underWay;
    if (more.length > 0) this.#suspects = [...this.#underWay];
    else this.#convict(first ?? batch.find(({ id }) => !this.#results.has(id)), death);
  }

  #convict(check: Check | undefined, { cause, got }: Death): void {
    if (!check) return;
    const seen = { step: 'the process that the store runs in', expected: 'it goes on running', got };
    const failure = this.#failure(check, { ...DEATHS[cause], seen });
    const reason = this.#target.known[check.id];
    this.#settle(check, { ...(reason === undefined ? { status: 'fail' } : { status: 'known', reason }), failure, durationMs: 0 });
  }

  #failure(check: Check, texts: FailureTexts): ConformanceFailure {
    return new ConformanceFailure(check, this.#target.name, undefined, { ...texts, again: this.#job.again(check) });
  }

  #settle({ id, level, title }: Check, verdict: Omit<Result, 'id' | 'level' | 'title'>): void {
    const result = { id, level, title, ...verdict };
    this.#results.set(id, result);
    this.#job.watcher.onResult(result);
  }

  #checkOf(id: string): Check | undefined {
    return this.#job.checks.find((check) => check.id === id);
  }
}

/** It was loaded once: a process that now ends while it loads does so because of the store. */
function asDeath(error: unknown): Death {
  if (error instanceof UnusableTarget) return { cause: 'ended', got: `the target could not be loaded again: ${error.message}` };
  throw error;
}
