import { answerOf, chain, isPromise } from './async.js';
import { Batcher, type BatchedCall } from './batcher.js';
import type { Awaitable, Call, Each, Extend, ReadAndExtend, Replace, Replaced, Stored, StoreDriver, Traits, Write } from './driver.js';
import { compareHere } from './compare-here.js';
import { asStoreError, StoreError } from './errors.js';
import type { LaneCall } from './lanes.js';

/** The tokens of a driver are its own affair. */
export type Token = unknown;

/**
 * A driver's verbs as the core uses them: gathered into batches where the driver has plurals, made up for where it lacks an
 * optional verb, and with every failure a {@link StoreError}.
 */
export class Commands {
  readonly driver: StoreDriver;
  readonly #reads: Batcher<string, Stored<Token> | null>;
  readonly #writes: Batcher<Write, Token>;
  readonly #replaces: Batcher<Replace<Token>, Replaced<Token>>;
  readonly #alone: Batcher<Replace<Token>, Replaced<Token>>;
  readonly #extendedReads: Batcher<Extend, Stored<Token> | null>;
  readonly #keptReads: Batcher<ReadAndExtend, Stored<Token> | null>;
  readonly #extends: Batcher<Extend, boolean>;
  readonly #removes: Batcher<string, boolean>;

  /** @param traits the driver's own, or what counts in their place for how calls are gathered. */
  constructor(driver: StoreDriver, coalesce: boolean, traits: Traits = driver.traits) {
    this.driver = driver;
    const many = <F>(verb: F | undefined) => (coalesce ? verb : undefined);
    const failed = this.#failed.bind(this);
    const keys = {
      keyOf: (key: string) => key,
      bytesOf: (key: string) => key.length,
      failed: (error: unknown, key: string, call: BatchedCall) => failed(error, { key }, call),
    };
    const items = { keyOf, bytesOf, failed };
    this.#reads = new Batcher(
      { name: 'readMany', one: (key: string, call: Call) => driver.read(key, call), many: many(driver.readMany?.bind(driver)), ...keys },
      traits,
    );
    this.#writes = new Batcher(
      {
        name: 'writeMany',
        one: (item: Write, call: Call) => driver.write(item, call),
        many: many(driver.writeMany?.bind(driver)),
        ...items,
      },
      traits,
    );
    this.#replaces = new Batcher(
      {
        name: 'replaceMany',
        one: (item: Replace<Token>, call: Call) => this.#replaceOne(item, call),
        many: many(driver.replaceMany?.bind(driver)),
        ...items,
      },
      traits,
    );
    this.#alone = new Batcher<Replace<Token>, Replaced<Token>>(
      { name: 'replace', one: (item: Replace<Token>, call: Call) => this.#replaceOne(item, call), many: undefined, ...items },
      traits,
    );
    this.#extends = new Batcher(
      {
        name: 'extendMany',
        one: (item: Extend, call: Call) => driver.extend(item, call),
        many: many(driver.extendMany?.bind(driver)),
        ...items,
      },
      traits,
    );
    this.#removes = new Batcher(
      {
        name: 'removeMany',
        one: (key: string, call: Call) => driver.remove(key, call),
        many: many(driver.removeMany?.bind(driver)),
        ...keys,
      },
      traits,
    );
    const extended = (item: Extend, call: Call) => driver.readAndExtend?.(item, call) ?? null;
    this.#extendedReads = new Batcher<Extend, Stored<Token> | null>(
      { name: 'readAndExtend', one: extended, many: undefined, ...items },
      traits,
    );
    const kept = (all: readonly ReadAndExtend[], call: Call) => driver.readAndExtendMany?.(all, call) ?? [];
    this.#keptReads = new Batcher<ReadAndExtend, Stored<Token> | null>(
      { name: 'readAndExtendMany', one: (item, call) => onlyOne(kept([item], call)), many: many(kept), ...items },
      traits,
    );
  }

  read(key: string, call: LaneCall): Awaitable<Stored<Token> | null> {
    return this.#reads.submit(key, call);
  }

  readAndExtend(item: Extend, call: LaneCall): Awaitable<Stored<Token> | null> {
    if (item.onlyLonger && this.keepsOnRead) return this.readAndKeep({ key: item.key, ttlMs: item.ttlMs, startsWith: '' }, call);
    if (this.driver.readAndExtend !== undefined) return this.#extendedReads.submit(item, call);
    return chain(this.extend(item, call), (live) => (live ? this.read(item.key, call) : null));
  }

  /** Whether a session can be read and kept alive by one command. */
  get keepsOnRead(): boolean {
    return this.driver.readAndExtendMany !== undefined && this.driver.traits.keepsTtl;
  }

  readAndKeep(item: ReadAndExtend, call: LaneCall): Awaitable<Stored<Token> | null> {
    return this.#keptReads.submit(item, call);
  }

  write(item: Write, call: LaneCall): Awaitable<Token> {
    this.#fits(item.payload);
    return this.#writes.submit(item, call);
  }

  /** @param alone past the batch: `update` needs an answer of its own command. */
  replace(item: Replace<Token>, call: LaneCall, alone = false): Awaitable<Replaced<Token>> {
    this.#fits(item.payload);
    return chain((alone ? this.#alone : this.#replaces).submit(item, call), (answer) =>
      answer.outcome === 'unknown' ? this.#readBack(item, call) : answer,
    );
  }

  #readBack({ key, payload }: Replace<Token>, call: LaneCall): Awaitable<Replaced<Token>> {
    return chain(this.read(key, call), (current): Replaced<Token> => {
      if (current === null) return { outcome: 'missing' };
      return current.payload === payload ? { outcome: 'replaced', token: current.token } : { outcome: 'changed', current };
    });
  }

  extend(item: Extend, call: LaneCall): Awaitable<boolean> {
    return this.#extends.submit(item, call);
  }

  remove(key: string, call: LaneCall): Awaitable<boolean> {
    return this.#removes.submit(key, call);
  }

  /** Runs any other verb of the driver's, with its failures turned into StoreErrors. */
  other<R>(call: LaneCall, work: () => Awaitable<R>): Awaitable<R> {
    let answer: Awaitable<R>;
    try {
      answer = answerOf(work());
    } catch (error) {
      throw this.#failed(error, { key: '' }, call);
    }
    if (!isPromise(answer)) return answer;
    return answer.catch((error: unknown) => {
      throw this.#failed(error, { key: '' }, call);
    });
  }

  #failed(error: unknown, item: { key: string; payload?: string }, call: BatchedCall): StoreError {
    return asStoreError(error, this.driver.traits.name, call.operation, item.payload === undefined ? [item.key] : [item.key, item.payload]);
  }

  #fits(payload: string): void {
    const { maxPayloadBytes, name } = this.driver.traits;
    // A character takes three bytes at most: a short text needs no count.
    if (payload.length * 3 <= maxPayloadBytes) return;
    const bytes = Buffer.byteLength(payload);
    if (bytes <= maxPayloadBytes) return;
    const advice = 'Keep less in the session, or set the option compress. What was stored before is unchanged.';
    throw new StoreError(
      'ERR_STORE_PAYLOAD_TOO_LARGE',
      `The session takes ${bytes} bytes; the ${name} store holds ${maxPayloadBytes} at most. ${advice}`,
    );
  }

  #replaceOne(item: Replace<Token>, call: Call): Awaitable<Replaced<Token>> {
    const { driver } = this;
    return driver.replace === undefined ? compareHere(driver, item, call) : driver.replace(item, call);
  }
}

/** The answer of a plural verb that was given one item. */
function onlyOne<R>(answers: Each<R>): Awaitable<R> {
  return chain(answers, ([answer]) => {
    if (answer instanceof Error) throw answer;
    return answer as R;
  });
}

function keyOf(item: { key: string }): string {
  return item.key;
}

function bytesOf({ key, payload }: { key: string; payload?: string }): number {
  return key.length + (payload?.length ?? 0);
}
