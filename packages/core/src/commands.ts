import { isDeepStrictEqual } from 'node:util';
import { chain, isPromise } from './async.js';
import { Batcher, type Verb } from './batcher.js';
import type { Awaitable, Call, Each, Extend, Replace, Replaced, Stored, StoreDriver, Write } from './driver.js';
import { asStoreError, StoreError } from './errors.js';
import type { LaneCall } from './lanes.js';

/** The tokens of a driver are its own affair. */
export type Token = unknown;

/**
 * A driver's verbs as the core uses them: gathered into batches where the driver has plurals, made up for where it lacks an
 * optional verb, and with every failure a {@link StoreError}.
 */
export class Commands {
  readonly driver: StoreDriver<Token>;
  readonly #reads: Batcher<string, Stored<Token> | null>;
  readonly #writes: Batcher<Write, Token>;
  readonly #replaces: Batcher<Replace<Token>, Replaced<Token>>;
  readonly #extends: Batcher<Extend, boolean>;
  readonly #removes: Batcher<string, boolean>;

  constructor(driver: StoreDriver<Token>, coalesce: boolean) {
    this.driver = driver;
    const make = <I, R>(
      one: (item: I, call: Call) => Awaitable<R>,
      many: ((items: readonly I[], call: Call) => Each<R>) | undefined,
      keyOf: (item: I) => string,
      bytesOf: (item: I) => number,
    ) => {
      const verb: Verb<I, R> = { one, many: coalesce ? many?.bind(driver) : undefined, keyOf, bytesOf };
      return new Batcher<I, R>(verb, driver.traits);
    };
    this.#reads = make((key, call) => driver.read(key, call), driver.readMany, keyItself, keyBytes);
    this.#writes = make((item, call) => driver.write(item, call), driver.writeMany, keyOf, payloadBytes);
    this.#replaces = make((item, call) => this.#replaceOne(item, call), driver.replaceMany, keyOf, payloadBytes);
    this.#extends = make((item, call) => driver.extend(item, call), driver.extendMany, keyOf, keyOfBytes);
    this.#removes = make((key, call) => driver.remove(key, call), driver.removeMany, keyItself, keyBytes);
  }

  read(key: string, call: LaneCall): Awaitable<Stored<Token> | null> {
    return this.#guard(call, [key], () => this.#reads.submit(key, call));
  }

  readAndExtend(item: Extend, call: LaneCall): Awaitable<Stored<Token> | null> {
    const { driver } = this;
    if (driver.readAndExtend !== undefined) return this.#guard(call, [item.key], () => driver.readAndExtend?.(item, call) ?? null);
    return chain(this.extend(item, call), (live) => (live ? this.read(item.key, call) : null));
  }

  write(item: Write, call: LaneCall): Awaitable<Token> {
    this.#fits(item.payload);
    return this.#guard(call, [item.key, item.payload], () => this.#writes.submit(item, call));
  }

  /** @param alone past the batcher: `update` needs an answer of its own command. */
  replace(item: Replace<Token>, call: LaneCall, alone = false): Awaitable<Replaced<Token>> {
    this.#fits(item.payload);
    return this.#guard(call, [item.key, item.payload], () => (alone ? this.#replaceOne(item, call) : this.#replaces.submit(item, call)));
  }

  extend(item: Extend, call: LaneCall): Awaitable<boolean> {
    return this.#guard(call, [item.key], () => this.#extends.submit(item, call));
  }

  remove(key: string, call: LaneCall): Awaitable<boolean> {
    return this.#guard(call, [key], () => this.#removes.submit(key, call));
  }

  /** Runs any other verb of the driver's, with its failures turned into StoreErrors. */
  other<R>(call: LaneCall, work: () => Awaitable<R>): Awaitable<R> {
    return this.#guard(call, [], work);
  }

  #guard<R>(call: LaneCall, secrets: string[], work: () => Awaitable<R>): Awaitable<R> {
    if (call.expired) throw call.lateness();
    let answer: Awaitable<R>;
    try {
      answer = work();
    } catch (error) {
      throw this.#wrap(error, call, secrets);
    }
    if (!isPromise(answer)) return answer;
    return answer.catch((error: unknown) => {
      throw this.#wrap(error, call, secrets);
    });
  }

  #wrap(error: unknown, call: LaneCall, secrets: string[]): StoreError {
    return asStoreError(error, this.driver.traits.name, call.operation, [...secrets, ...call.secrets]);
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
    return driver.replace === undefined ? this.#compareHere(item, call) : driver.replace(item, call);
  }

  /** For a driver without `replace`: the chain per key makes these two commands one, within this process. */
  #compareHere(item: Replace<Token>, call: Call): Awaitable<Replaced<Token>> {
    return chain(this.driver.read(item.key, call), (current): Awaitable<Replaced<Token>> => {
      if (current === null) return { outcome: 'missing' };
      if (!isDeepStrictEqual(current.token, item.expected)) return { outcome: 'changed', current };
      const write = { key: item.key, payload: item.payload, ttlMs: keptTtl(item, current) };
      return chain(this.driver.write(write, call), (token) => ({ outcome: 'replaced', token }));
    });
  }
}

function keptTtl({ ttlMs, onlyLonger }: Replace<Token>, current: Stored<Token>): number {
  const left = current.ttlMs ?? Infinity;
  if (ttlMs === 'keep') return left;
  return onlyLonger && current.ttlMs !== undefined ? Math.max(left, ttlMs) : ttlMs;
}

const keyItself = (key: string) => key;
const keyBytes = (key: string) => key.length;
const keyOf = (item: { key: string }) => item.key;
const keyOfBytes = (item: { key: string }) => item.key.length;
const payloadBytes = (item: { key: string; payload: string }) => item.key.length + item.payload.length;
