import { randomUUID } from 'node:crypto';
import type { Traits } from '@sessile/core/driver';
import { CookieLike, LONG_MS } from './sessions.js';
import { adapt, end, type StoreUnderTest } from './store-under-test.js';
import { Clock } from './time.js';
import type { Session, Target } from './types.js';
import type { ProcessWatch } from './watch.js';

/** Hand-written stores may count lifetimes in whole seconds. */
const USUAL_RESOLUTION_MS = 1000;

/** What one check works with: a store and keys of its own, and a clock. */
export class Trial {
  readonly target: Target;
  readonly store: StoreUnderTest;
  readonly clock: Clock;
  /** Errors that escaped. Empty for timed checks, which run side by side. */
  readonly watch: ProcessWatch;
  /** How much later than its lifetime a session of this store may go. */
  readonly resolutionMs: number;
  /** The unit of a bare driver's lifetimes: they come to it rounded up. */
  readonly unitMs: number;
  /** What random histories are drawn from. */
  readonly seed: number;
  readonly #opened: object[] = [];
  /** Ended by `reopen`. */
  #over = false;

  constructor(target: Target, store: StoreUnderTest, watch: ProcessWatch, seed: number) {
    this.target = target;
    this.store = store;
    this.watch = watch;
    this.seed = seed;
    this.clock = new Clock(target.advance && ((ms) => target.advance?.(store.raw, ms)));
    const traits: Partial<Traits> | undefined = store.raw['traits'];
    this.unitMs = traits?.resolutionMs ?? 1;
    this.resolutionMs = target.resolutionMs ?? traits?.resolutionMs ?? USUAL_RESOLUTION_MS;
  }

  /** The store may count whole seconds, and round them either way: whether it may round down is for TTL-2 and TTL-3 alone. */
  get isCoarse(): boolean {
    return this.resolutionMs >= USUAL_RESOLUTION_MS;
  }

  /** A sid that no other check uses. */
  readonly sid = (hint = 'sid'): string => `${hint}-${randomUUID()}`;

  /** A cookie that ends in `lifeMs`; null makes a browser session. */
  readonly cookie = (lifeMs: number | null = LONG_MS, originalMs = lifeMs): CookieLike =>
    new CookieLike(this.clock.now, lifeMs, originalMs);

  /** A session as a middleware would hold it, and an object that no store has seen. */
  readonly session = (data: Session = {}, lifeMs: number | null = LONG_MS): Session => ({
    cookie: this.cookie(lifeMs),
    ...data,
  });

  /** Stores a new session: a plain upsert, since no store has seen the object. */
  readonly put = (sid: string, data: Session = {}, lifeMs = LONG_MS): Promise<void> =>
    this.store.set(sid, this.session(data, lifeMs), lifeMs);

  /** A stored session's sid. */
  readonly stored = async (data: Session = {}, lifeMs = LONG_MS): Promise<string> => {
    const sid = this.sid();
    await this.put(sid, data, lifeMs);
    return sid;
  };

  /** Another store object on the same data. */
  readonly second = async (): Promise<StoreUnderTest> => this.#open(await this.target.second?.(this.store.raw));

  /** A store in another namespace of the same backend. */
  readonly neighbour = async (): Promise<StoreUnderTest> => this.#open(await this.target.neighbour?.(this.store.raw));

  /** The same data after a restart. */
  readonly reopen = async (): Promise<StoreUnderTest> => {
    this.#over = true;
    return this.#open(await this.target.reopen?.(this.store.raw));
  };

  /** False where the backend cannot hold such a value. */
  readonly spoil = async (sid: string, text: string): Promise<boolean> => (await this.target.spoil?.(this.store.raw, sid, text)) !== false;

  /** Ends every store that this check opened. */
  async close(): Promise<void> {
    const mine = this.#over ? [] : [this.store.raw];
    for (const store of [...this.#opened, ...mine]) await end(this.target, store);
  }

  #open(store: unknown): Promise<StoreUnderTest> {
    if (typeof store !== 'object' || store === null) throw new Error('the target gave no store');
    this.#opened.push(store);
    return adapt(this.target, store);
  }
}
