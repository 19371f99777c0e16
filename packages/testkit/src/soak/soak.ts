import { setTimeout as pause } from 'node:timers/promises';
import type { SessionStore } from '@sessile/core';
import { Strays } from '../outages/strays.js';
import type { Site } from '../outages/types.js';
import { Random } from '../random.js';
import { Judge } from '../traffic/judge.js';
import { Traffic, type TrafficOptions } from '../traffic/traffic.js';
import { Chaos, type Trouble } from './chaos.js';
import { usedBytes } from './heap.js';

/** What is soaked, and for how long. */
export interface SoakOptions {
  readonly title: string;
  /** Of the stores. */
  readonly timeoutMs: number;
  /** As of several processes on one server. */
  readonly stores: readonly SessionStore[];
  readonly seconds: number;
  readonly seed: number;
  readonly traffic?: TrafficOptions;
  /** Where trouble is made. */
  readonly site?: Site;
  readonly troubles?: readonly Trouble[];
}

/** What a soak has found. */
export interface SoakResult {
  readonly title: string;
  readonly seconds: number;
  readonly calls: number;
  /** Writes that were acknowledged, and found again. */
  readonly acknowledged: number;
  readonly failed: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly troubles: Readonly<Record<string, number>>;
  /** The longest that a call took, and that the store took to work again after a trouble, ms. */
  readonly slowestMs: number;
  readonly recoveryMs: number;
  /** Memory in use after a third, two thirds and all of the time, MB. */
  readonly usedMb: readonly number[];
  /** How often each rule was broken. */
  readonly breaches: Readonly<Record<string, number>>;
  /** The first of them, in words. */
  readonly findings: readonly string[];
}

const RECOVERY_LIMIT_MS = 20_000;
/** Less is no growth: the heap breathes. */
const GROWTH_BYTES = 6 * 1024 * 1024;
const GROWTH_SHARE = 0.15;

/** Lets many use a store while its server and its network fail, and judges what they were told. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { title, timeoutMs, stores, seconds, seed } = options;
  using strays = new Strays();
  const judge = new Judge(timeoutMs);
  const traffic = new Traffic(stores, judge, { pauseMs: 40, seed, ...options.traffic });
  const run = new Run(options, judge);
  await traffic.begin();
  await run.go();
  await traffic.goesWell(RECOVERY_LIMIT_MS);
  await traffic.end();
  await traffic.check();
  run.judgeMemory();
  for (const stray of strays.found) judge.breach('unhandled', String(stray));
  return {
    title,
    seconds,
    calls: judge.calls,
    acknowledged: traffic.acknowledged,
    failed: judge.failed,
    codes: Object.fromEntries(judge.codes),
    troubles: Object.fromEntries(run.chaos.counts),
    slowestMs: Math.round(judge.slowestMs),
    recoveryMs: Math.round(run.recoveryMs),
    usedMb: run.used.map((bytes) => Math.round((bytes / 1024 / 1024) * 10) / 10),
    breaches: Object.fromEntries(judge.breaches),
    findings: judge.findings,
  };
}

/** Trouble after trouble until the time is over; looks at the memory at each third of it. */
class Run {
  readonly chaos: Chaos;
  readonly used: number[] = [];
  recoveryMs = 0;
  readonly #options: SoakOptions;
  readonly #judge: Judge;
  readonly #random: Random;

  constructor(options: SoakOptions, judge: Judge) {
    const { site, troubles = [] } = options;
    this.#options = options;
    this.#judge = judge;
    this.#random = new Random(options.seed);
    this.chaos = new Chaos(site as Site, this.#random, troubles);
  }

  async go(): Promise<void> {
    const { seconds, troubles = [] } = this.#options;
    const begun = performance.now();
    while (this.used.length < 3) {
      await pause(this.#random.between(200, 1000));
      if (troubles.length > 0) await this.#trouble();
      if (performance.now() - begun >= ((this.used.length + 1) / 3) * seconds * 1000) this.used.push(await usedBytes());
    }
  }

  async #trouble(): Promise<void> {
    const title = await this.chaos.strike();
    const begun = performance.now();
    for (const [index, store] of this.#options.stores.entries()) {
      while (!(await works(store, `again${index}`))) {
        if (performance.now() - begun > RECOVERY_LIMIT_MS)
          return this.#judge.breach('no recovery', `the store does not work ${RECOVERY_LIMIT_MS} ms after it was ${title}`);
        await pause(20);
      }
    }
    this.recoveryMs = Math.max(this.recoveryMs, performance.now() - begun);
  }

  judgeMemory(): void {
    const [first = 0, , last = 0] = this.used;
    const most = Math.max(first + GROWTH_BYTES, first * (1 + GROWTH_SHARE));
    if (last > most) this.#judge.breach('memory', `${first} bytes after a third of the time, ${last} at the end`);
  }
}

async function works(store: SessionStore, sid: string): Promise<boolean> {
  try {
    await store.set(sid, { n: 1 });
    return (await store.get(sid)) !== null;
  } catch {
    return false;
  }
}
