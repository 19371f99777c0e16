import { setTimeout as pause } from 'node:timers/promises';
import type { SessionStore } from '@sessile/core';
import { Random } from '../random.js';
import { sessionOf } from './data.js';
import type { Judge } from './judge.js';
import { Counter, Guest, Reader, type Role, type Scene, Shared, Updater, Writer } from './roles.js';

/** How much there is of everything. */
export interface TrafficOptions {
  /** Sessions that several writers share. */
  readonly sessions?: number;
  /** Sessions that are counted up by `update()`. */
  readonly counters?: number;
  readonly readers?: number;
  readonly guests?: number;
  /** Between two visits of one of them, ms, a little more or less. */
  readonly pauseMs?: number;
  readonly seed?: number;
}

/** Many visitors of one site at once. The judge of them knows what every session must hold. */
export class Traffic {
  readonly #scene: Scene;
  readonly #shared: readonly Shared[];
  readonly #counters: readonly Counter[];
  readonly #roles: readonly Role[];
  readonly #pauseMs: number;
  #isOn = false;
  #loops: Promise<void>[] = [];
  /** How many visits each of them has made since a call of its own failed. */
  readonly #visits: number[];

  /** @param stores on one server, as of several processes. They should have nobody else's sessions. */
  constructor(stores: readonly SessionStore[], judge: Judge, options: TrafficOptions = {}) {
    const { sessions = 4, counters = 2, readers = 4, guests = 2, pauseMs = 5, seed = 1 } = options;
    const scene: Scene = { judge, stores, random: new Random(seed) };
    this.#scene = scene;
    this.#pauseMs = pauseMs;
    this.#shared = times(sessions, (n) => new Shared(scene, `shared${n}`));
    this.#counters = times(counters, (n) => new Counter(scene, `counter${n}`));
    this.#roles = [
      ...this.#shared.flatMap((shared) => stores.map((_, index) => new Writer(scene, shared, index))),
      ...this.#counters.flatMap((counter) => stores.map((_, index) => new Updater(scene, counter, index))),
      ...times(readers, () => new Reader(scene, this.#shared, this.#counters)),
      ...times(guests, (n) => new Guest(scene, `guest${n}`)),
    ];
    this.#visits = this.#roles.map(() => 0);
  }

  /** The ids of the sessions that are there all the time. */
  get sids(): string[] {
    return [...this.#shared, ...this.#counters].map(({ sid }) => sid);
  }

  /** How many writes were acknowledged. */
  get acknowledged(): number {
    const counted = this.#counters.reduce((sum, { ledger }) => sum + ledger.acknowledged, 0);
    return this.#shared.reduce((sum, { acknowledged }) => sum + acknowledged, counted);
  }

  /** Makes the sessions, while all is well, and starts. */
  async begin(): Promise<void> {
    const { stores } = this.#scene;
    // The first call of a store makes its table: on a busy machine that may take longer than a call may.
    await Promise.all(stores.map((store) => patiently(() => store.set('first', {}, 600_000))));
    await patiently(() => Promise.all(this.sids.map((sid) => stores[0]!.set(sid, sessionOf(sid, { count: 0 }), 600_000))));
    this.#isOn = true;
    this.#loops = this.#roles.map((role, index) => this.#loop(role, index));
  }

  async #loop(role: Role, index: number): Promise<void> {
    while (this.#isOn) {
      this.#visits[index] = (await role.turn()) ? this.#visits[index]! + 1 : 0;
      await pause(this.#pauseMs * (0.5 + Math.random()));
    }
  }

  /** Waits until each of them has made two visits on end without a failure. A breach after `limitMs`. */
  async goesWell(limitMs: number): Promise<void> {
    this.#visits.fill(0);
    const end = performance.now() + limitMs;
    const failing = () => this.#roles.filter((_, index) => this.#visits[index]! < 2).map(({ title }) => title);
    while (failing().length > 0 && performance.now() < end) await pause(5);
    if (failing().length === 0) return;
    const { judge } = this.#scene;
    judge.breach('no recovery', `after ${limitMs} ms these fail: ${failing().join(', ')}. The last failure: ${judge.lastFailure}`);
  }

  /** Lets every visit come to its end. */
  async end(): Promise<void> {
    this.#isOn = false;
    const { judge } = this.#scene;
    const ended = new AbortController();
    // A visit is a few calls long.
    const late = pause(judge.timeoutMs * 6 + 10_000, true, { signal: ended.signal }).catch(() => false);
    const all = Promise.all(this.#loops).then(() => false);
    if (await Promise.race([all, late])) judge.breach('late answer', 'a visit never came to its end');
    ended.abort();
  }

  /** When all is well again: whether everything is there that was acknowledged, as each of the stores tells it. */
  async check(): Promise<void> {
    const { judge, stores } = this.#scene;
    const before = judge.failed;
    for (const store of stores) {
      await Promise.all([...this.#shared, ...this.#counters].map((one) => one.read(store)));
      await this.#isListed(store);
    }
    if (judge.failed > before) judge.breach('no recovery', `a call failed though all was well again: ${judge.lastFailure}`);
  }

  async #isListed(store: SessionStore): Promise<void> {
    const { judge } = this.#scene;
    const { value: ids } = await judge.call('ids', () => store.ids());
    const { value: length } = await judge.call('length', () => store.length());
    if (ids === undefined || length === undefined) return;
    const missing = this.sids.filter((sid) => !ids.includes(sid));
    if (missing.length > 0) judge.breach('not listed', `${missing.join(', ')} of ${ids.length}`);
    if (length !== ids.length) judge.breach('wrong count', `length() says ${length}, and ids() are ${ids.length}`);
  }
}

const BEGIN_LIMIT_MS = 30_000;

/** Again and again until it succeeds. */
async function patiently(work: () => Promise<unknown>): Promise<void> {
  for (const end = performance.now() + BEGIN_LIMIT_MS; ; await pause(500)) {
    try {
      return void (await work());
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

function times<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}
