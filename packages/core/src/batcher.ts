import { answerOf, isPromise } from './async.js';
import type { Awaitable, Call, Each, Traits } from './driver.js';
import { StoreError, type StoreErrorCode } from './errors.js';
import { tellBatch } from './telemetry.js';

/** What a batcher must know of a call that waits in it. */
export interface BatchedCall extends Call {
  readonly operation: string;
  readonly expired: boolean;
  lateness(): Error;
}

/** One kind of command. */
export interface Verb<I, R> {
  /** That of the plural: `readMany`. */
  readonly name: string;
  one(item: I, call: Call): Awaitable<R>;
  many: ((items: readonly I[], call: Call) => Each<R>) | undefined;
  keyOf(item: I): string;
  bytesOf(item: I): number;
  /** The error that a caller gets for what a driver threw. */
  failed(error: unknown, item: I, call: BatchedCall): Error;
}

interface Waiting<I, R> {
  item: I;
  call: BatchedCall;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/** When a whole command failed for one of these reasons, each of its items would. */
export const ALIKE: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  'ERR_STORE_UNAVAILABLE',
  'ERR_STORE_TIMEOUT',
  'ERR_STORE_CLOSED',
  'ERR_STORE_DENIED',
  'ERR_STORE_SCHEMA',
]);

/** A turn that gathered so many calls is followed by one like it, more often than not. */
const BUSY_ITEMS = 8;

/**
 * Sends the first calls of a kind at once, and gathers those that arrive while they are under way into one command.
 *
 * A lone call waits for nothing, but for the rest of the turn where the turn before gathered many: under load, single commands
 * cost more than they gain. A batch leaves at the first `setImmediate` after its first item.
 *
 * @see ORD-4 to ORD-7 in docs/contract.md
 */
export class Batcher<I, R> {
  readonly #verb: Verb<I, R>;
  readonly #traits: Traits;
  #underWay = 0;
  #waiting: Waiting<I, R>[] = [];
  #scheduled = false;
  /** Whether the last turn gathered so much that the next one will too. */
  #busy = false;

  constructor(verb: Verb<I, R>, traits: Traits) {
    this.#verb = verb;
    this.#traits = traits;
  }

  submit(item: I, call: BatchedCall): Awaitable<R> {
    if (call.expired) throw call.lateness();
    if (!this.#gathers()) return this.#single(item, call);
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({ item, call, resolve, reject });
      this.#schedule();
    });
  }

  /** Whether a call that comes now waits for the tick's end, to share a command. */
  #gathers(): boolean {
    if (this.#verb.many === undefined) return false;
    return this.#busy || this.#waiting.length > 0 || this.#underWay >= this.#traits.singles;
  }

  #single(item: I, call: BatchedCall): Awaitable<R> {
    const { blocks } = this.#traits;
    if (blocks) this.#blocking();
    let answer: Awaitable<R>;
    try {
      answer = answerOf(this.#verb.one(item, call));
    } catch (error) {
      throw this.#verb.failed(error, item, call);
    }
    if (!isPromise(answer)) return answer;
    if (!blocks) this.#underWay += 1;
    const done = () => {
      if (!blocks) this.#underWay -= 1;
    };
    return answer.then(
      (result) => {
        done();
        return result;
      },
      (error: unknown) => {
        done();
        throw this.#verb.failed(error, item, call);
      },
    );
  }

  /** It is done when it returns, yet counts as under way until the tick's end, or nothing would ever be gathered. */
  #blocking(): void {
    if (this.#verb.many === undefined) return;
    this.#underWay += 1;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#traits.blocks) this.#underWay = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    // Nobody waits for them any more but the calls that come after them.
    for (const { call, reject } of waiting) if (call.expired) reject(call.lateness());
    const items = waiting.filter(({ call }) => !call.expired);
    this.#busy = items.length >= BUSY_ITEMS;
    for (const batch of this.#cut(items)) {
      const [first] = batch;
      if (batch.length === 1 && first !== undefined) settle(first, () => this.#single(first.item, first.call));
      else this.#send(batch);
    }
  }

  /** Sorted by key, so that two processes whose batches overlap lock rows in the same order. */
  *#cut(items: Waiting<I, R>[]): Generator<Waiting<I, R>[]> {
    items.sort((a, b) => (this.#verb.keyOf(a.item) < this.#verb.keyOf(b.item) ? -1 : 1));
    let batch: Waiting<I, R>[] = [];
    let bytes = 0;
    for (const waiting of items) {
      const size = this.#verb.bytesOf(waiting.item);
      if (batch.length > 0 && (batch.length >= this.#traits.batchItems || bytes + size > this.#traits.batchBytes)) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(waiting);
      bytes += size;
    }
    if (batch.length > 0) yield batch;
  }

  #send(batch: Waiting<I, R>[]): void {
    tellBatch(this.#traits.name, this.#verb.name, batch.length);
    const items = batch.map(({ item }) => item);
    const call = new SharedCall(batch.map((waiting) => waiting.call));
    let answer: Each<R>;
    try {
      answer = answerOf(this.#verb.many?.(items, call) ?? []);
    } catch (error) {
      return this.#failed(batch, error);
    }
    if (!isPromise(answer)) return this.#deliver(batch, answer);
    this.#underWay += 1;
    answer.then(
      (results) => {
        this.#underWay -= 1;
        this.#deliver(batch, results);
      },
      (error: unknown) => {
        this.#underWay -= 1;
        this.#failed(batch, error);
      },
    );
  }

  #deliver(batch: Waiting<I, R>[], results: readonly (R | Error)[]): void {
    if (results.length !== batch.length) {
      const error = new StoreError('ERR_STORE_BACKEND', `The driver gave ${results.length} answers to ${batch.length} items.`);
      for (const waiting of batch) this.#reject(waiting, error);
      return;
    }
    batch.forEach((waiting, index) => {
      const result = results[index] as R | Error;
      if (result instanceof Error) this.#reject(waiting, result);
      else waiting.resolve(result);
    });
  }

  #reject({ item, call, reject }: Waiting<I, R>, error: unknown): void {
    reject(this.#verb.failed(error, item, call));
  }

  /** The cause may be one of the items: each is tried alone, and its neighbours succeed. */
  #failed(batch: Waiting<I, R>[], error: unknown): void {
    const alike = StoreError.isInstance(error) && ALIKE.has(error.code);
    for (const waiting of batch) {
      if (alike || waiting.call.expired) this.#reject(waiting, error);
      else settle(waiting, () => this.#single(waiting.item, waiting.call));
    }
  }
}

function settle<I, R>(waiting: Waiting<I, R>, work: () => Awaitable<R>): void {
  try {
    const answer = work();
    if (isPromise(answer)) answer.then(waiting.resolve, waiting.reject);
    else waiting.resolve(answer);
  } catch (error) {
    waiting.reject(error);
  }
}

/** The call of a batch: it lasts until the last of its members is out of time. */
class SharedCall implements Call {
  readonly #members: readonly Call[];
  #signal: AbortSignal | undefined;

  constructor(members: readonly Call[]) {
    this.#members = members;
  }

  get timeLeftMs(): number {
    return this.#members.reduce((most, { timeLeftMs }) => Math.max(most, timeLeftMs), 0);
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#whenAllAborted();
    return this.#signal;
  }

  progress(): void {
    for (const member of this.#members) member.progress();
  }

  #whenAllAborted(): AbortSignal {
    // Several of them may be commands of one call.
    const signals = new Set(this.#members.map(({ signal }) => signal));
    const controller = new AbortController();
    let left = signals.size;
    for (const signal of signals) {
      signal.addEventListener('abort', () => {
        left -= 1;
        if (left === 0) controller.abort(signal.reason);
      });
    }
    return controller.signal;
  }
}
