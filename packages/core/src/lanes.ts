import { setMaxListeners } from 'node:events';
import { chain, isPromise } from './async.js';
import { Deadlines, type Timed } from './deadlines.js';
import type { Awaitable, Call } from './driver.js';
import { named, StoreError } from './errors.js';

/** Learns from the calls whether the backend answers. */
export interface Watcher {
  /** A call that was sent got no answer in time. */
  timedOut(key: string): void;
  answered(): void;
}

/** Where nobody asks whether the backend answers. */
export const UNWATCHED: Watcher = { timedOut: ignore, answered: ignore };

/** What all calls of a store have in common. */
export interface Limits {
  /** The backend's name, for errors. */
  store: string;
  timeoutMs: number;
}

/** One call of a user's, from the moment it was made. */
export class LaneCall implements Call, Timed {
  operation: string;
  readonly #limits: Limits;
  #startedAt: number | undefined;
  #abort: AbortController | undefined;
  #fail: ((error: StoreError) => void) | undefined;
  #deadlines: Deadlines | undefined;
  /** Why it is late, once a compare-and-set has lost to others. */
  conflicted = false;
  expired = false;
  deadlineAt = 0;
  previous: Timed | undefined = undefined;
  next: Timed | undefined = undefined;
  waiting = false;
  #key = '';
  #watcher: Watcher | undefined;

  constructor(operation: string, limits: Limits) {
    this.operation = operation;
    this.#limits = limits;
  }

  /** Counts from now, which is when it was made: a call that is answered at once needs no clock. */
  start(deadlines: Deadlines, fail: (error: StoreError) => void): void {
    this.#startedAt = performance.now();
    this.deadlineAt = this.#startedAt + this.#limits.timeoutMs;
    this.#fail = fail;
    this.#deadlines = deadlines;
    deadlines.add(this);
  }

  progress(): void {
    if (!this.waiting || this.#deadlines === undefined) return;
    this.#deadlines.remove(this);
    this.deadlineAt = performance.now() + this.#limits.timeoutMs;
    this.#deadlines.add(this);
  }

  /** The time now, ms since the epoch; `asked`, the time of the call, where it did not have to wait. Clocks cost more than they look. */
  clock(asked: number): number {
    return this.#startedAt === undefined ? asked : Date.now();
  }

  get timeLeftMs(): number {
    if (this.expired) return 0;
    return this.#startedAt === undefined ? this.#limits.timeoutMs : Math.max(0, this.deadlineAt - performance.now());
  }

  get signal(): AbortSignal {
    this.#abort ??= newAbort();
    if (this.expired) this.#abort.abort();
    return this.#abort.signal;
  }

  expire(): void {
    this.expired = true;
    this.#abort?.abort();
    this.#fail?.(this.lateness());
    if (!this.conflicted) this.#watcher?.timedOut(this.#key);
  }

  /** It is sent now: from here on it is the backend that has to answer. */
  sent(key: string, watcher: Watcher): void {
    this.#key = key;
    this.#watcher = watcher;
  }

  lateness(): StoreError {
    const { operation } = this;
    const { store, timeoutMs } = this.#limits;
    if (this.conflicted) {
      return new StoreError(
        'ERR_STORE_CONFLICT',
        `${operation} lost to other writers of the same session for ${timeoutMs} ms. Try again.`,
        { operation, store },
      );
    }
    const advice = 'Its outcome is unknown. Is the backend up? The option timeoutMs sets how long a call may take.';
    return new StoreError('ERR_STORE_TIMEOUT', `${operation} took longer than ${timeoutMs} ms. ${advice}`, { operation, store });
  }
}

/** Any number of commands of one call may listen to it. */
function newAbort(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** The call of a walk: it lives as long as the walk, and its time is that of the page which is under way. */
export class WalkCall implements Call {
  #page: LaneCall;

  constructor(limits: Limits) {
    this.#page = new LaneCall('walk', limits);
  }

  serve(page: LaneCall): void {
    this.#page = page;
  }

  get timeLeftMs(): number {
    return this.#page.timeLeftMs;
  }

  get signal(): AbortSignal {
    return this.#page.signal;
  }

  progress(): void {
    this.#page.progress();
  }
}

interface Waiter<R> {
  call: LaneCall;
  resolve: (value: R) => void;
  reject: (error: unknown) => void;
}

interface Task<R> {
  work(call: LaneCall): Awaitable<R>;
  /** More than one only where they share a read. */
  waiters: Waiter<R>[];
  shareable: boolean;
}

interface Lane {
  queue: Task<unknown>[];
  /** What the last command of this lane left behind, for the next one to build on without a read. */
  known: unknown;
}

/**
 * One chain of calls per key: a call is sent when the key's previous one has settled, also when its caller was told long ago
 * that it took too long. Each call has its deadline, counted from when it was made.
 *
 * @see ORD-1 to ORD-3 in docs/contract.md
 */
export class Lanes {
  readonly #limits: Limits;
  readonly #watcher: Watcher;
  readonly #deadlines: Deadlines;
  readonly #lanes = new Map<string, Lane>();
  #barrier: Promise<void> | undefined;
  /** A call that was answered at once can serve the next one. */
  #spare: LaneCall | undefined;

  constructor(limits: Limits, watcher: Watcher) {
    this.#limits = limits;
    this.#watcher = watcher;
    this.#deadlines = new Deadlines(limits.timeoutMs);
  }

  /**
   * Runs `work` when all earlier calls of the key have settled: at once where there are none.
   *
   * @param shareable whether callers that come while it still waits may share its answer.
   */
  run<R>(key: string, operation: string, work: (call: LaneCall) => Awaitable<R>, shareable = false): Awaitable<R> {
    const lane = this.#lanes.get(key);
    if (lane === undefined && this.#barrier === undefined) return this.#begin(key, operation, work);
    return this.#wait(operation, (waiter) => {
      const enter = () => this.#enter(key, { work, waiters: [waiter], shareable });
      if (this.#barrier === undefined) enter();
      else void this.#barrier.then(enter);
    });
  }

  /** Runs `work` under a deadline alone, in no lane. */
  timed<R>(operation: string, work: (call: LaneCall) => Awaitable<R>): Awaitable<R> {
    const call = new LaneCall(operation, this.#limits);
    const answer = work(call);
    return isPromise(answer) ? this.#follow(operation, call, answer, ignore) : answer;
  }

  /** Runs `work` when all that was asked before has settled, and lets what is asked later wait for it. */
  async exclusive<R>(operation: string, work: (call: LaneCall) => Awaitable<R>): Promise<R> {
    const settled = this.settled();
    const run = this.timed(operation, async (call) => {
      await settled;
      if (call.expired) throw call.lateness();
      return work(call);
    });
    const barrier = Promise.resolve(run).then(ignore, ignore);
    this.#barrier = barrier;
    try {
      return await run;
    } finally {
      if (this.#barrier === barrier) this.#barrier = undefined;
    }
  }

  /** Resolves when all that was asked before now has settled. */
  async settled(): Promise<void> {
    const queues = Array.from(this.#lanes.keys(), async (key) => this.run(key, 'wait', ignore));
    await Promise.allSettled([this.#barrier, ...queues]);
  }

  /** What the key's last command left behind, while the key is in use. */
  known(key: string): unknown {
    return this.#lanes.get(key)?.known;
  }

  remember(key: string, known: unknown): void {
    const lane = this.#lanes.get(key);
    if (lane !== undefined) lane.known = known;
  }

  close(): void {
    this.#deadlines.clear();
  }

  #begin<R>(key: string, operation: string, work: (call: LaneCall) => Awaitable<R>): Awaitable<R> {
    const call = this.#spare ?? new LaneCall(operation, this.#limits);
    this.#spare = undefined;
    call.operation = operation;
    const answer = work(call);
    if (!isPromise(answer)) {
      this.#spare = call;
      return answer;
    }
    const lane: Lane = { queue: [], known: undefined };
    this.#lanes.set(key, lane);
    return this.#follow(key, call, answer, () => this.#next(key, lane));
  }

  /** The caller's view of an answer: as it comes, or late. `after` runs when it really came. */
  #follow<R>(key: string, call: LaneCall, answer: Promise<R>, after: () => void): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      call.start(this.#deadlines, reject);
      call.sent(key, this.#watcher);
      answer.then(
        (value) => {
          this.#deadlines.remove(call);
          this.#watcher.answered();
          resolve(value);
          after();
        },
        (error: unknown) => {
          this.#deadlines.remove(call);
          this.#failed(key, call, error);
          reject(named(error, this.#limits.store, call.operation));
          after();
        },
      );
    });
  }

  /** An error is an answer of the backend, unless it says that there was none. */
  #failed(key: string, call: LaneCall, error: unknown): void {
    const code = StoreError.isInstance(error) ? error.code : undefined;
    if (code === 'ERR_STORE_TIMEOUT') {
      // Once told is enough: what comes after its deadline was counted then.
      if (!call.expired) this.#watcher.timedOut(key);
    } else if (code !== 'ERR_STORE_UNAVAILABLE') this.#watcher.answered();
  }

  #wait<R>(operation: string, enter: (waiter: Waiter<unknown>) => void): Promise<R> {
    const call = new LaneCall(operation, this.#limits);
    return new Promise<unknown>((resolve, reject) => {
      call.start(this.#deadlines, reject);
      enter({ call, resolve, reject });
    }) as Promise<R>;
  }

  #enter(key: string, task: Task<unknown>): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) {
      const fresh: Lane = { queue: [task], known: undefined };
      this.#lanes.set(key, fresh);
      return this.#next(key, fresh);
    }
    const last = lane.queue.at(-1);
    if (task.shareable && last?.shareable === true) last.waiters.push(...task.waiters);
    else lane.queue.push(task);
  }

  #next(key: string, lane: Lane): void {
    for (let task = lane.queue.shift(); task !== undefined; task = lane.queue.shift()) {
      const answer = this.#perform(key, task);
      if (answer === undefined) continue;
      const next = () => this.#next(key, lane);
      answer.then(next, next);
      return;
    }
    this.#lanes.delete(key);
  }

  /** Sends a task. Its answer, if that is still to come; undefined when it is done or nobody waits for it any more. */
  #perform(key: string, task: Task<unknown>): Promise<unknown> | undefined {
    const first = task.waiters.find(({ call }) => !call.expired);
    if (first === undefined) return undefined;
    first.call.sent(key, this.#watcher);
    let answer: Awaitable<unknown>;
    try {
      answer = task.work(first.call);
    } catch (error) {
      this.#settle(task, ({ reject, call }) => reject(named(error, this.#limits.store, call.operation)));
      return undefined;
    }
    const settled = chain(answer, (value) => {
      this.#watcher.answered();
      this.#settle(task, ({ resolve }) => resolve(value));
    });
    if (!isPromise(settled)) return undefined;
    return settled.catch((error: unknown) => {
      this.#failed(key, first.call, error);
      this.#settle(task, ({ reject, call }) => reject(named(error, this.#limits.store, call.operation)));
    });
  }

  #settle(task: Task<unknown>, tell: (waiter: Waiter<unknown>) => void): void {
    for (const waiter of task.waiters) {
      this.#deadlines.remove(waiter.call);
      if (!waiter.call.expired) tell(waiter);
    }
  }
}

function ignore(): void {}
