import { describe, expect, it } from 'vitest';
import { SessionStore } from '@sessile/core';
import {
  defineTraits,
  type Extend,
  type Page,
  type Replace,
  type Replaced,
  type Stored,
  type StoreDriver,
  type Write,
} from '@sessile/core/driver';
import { defineConformance, runConformance, type Target } from '@sessile/store-conformance';
import { MemoryDriver } from '@sessile/store-memory';
import { type Mutant, mutants } from './mutants.js';
import { ReferenceStore, type Row, type Session } from './reference-store.js';
import { targetOf } from './reference-target.js';

const SECOND_MS = 1000;
const LATE_MS = 60;

/** Counts as memcached does: whole seconds of a clock of its own, rounded up, and no word of what is left. */
class WholeSecondsDriver implements StoreDriver<string> {
  readonly traits = defineTraits({ name: 'seconds', resolutionMs: SECOND_MS, keepsTtl: false, maxPayloadBytes: 1024 * 1024 });
  readonly #backend: MemoryDriver;
  readonly #prefix: string;

  constructor(backend = new MemoryDriver(), prefix = 'mine ') {
    this.#backend = backend;
    this.#prefix = prefix;
  }

  get backend(): MemoryDriver {
    return this.#backend;
  }

  async read(key: string): Promise<Stored<string> | null> {
    return withoutTtl(this.#backend.read(this.#prefix + key));
  }

  async write(item: Write): Promise<string> {
    return this.#backend.write({ ...item, key: this.#prefix + item.key, ttlMs: onTheSecond(item.ttlMs) });
  }

  async replace(item: Replace<string>): Promise<Replaced<string>> {
    if (item.ttlMs === 'keep' || item.onlyLonger) throw new Error('nobody knows what is left');
    const replaced = this.#backend.replace({ ...item, key: this.#prefix + item.key, ttlMs: onTheSecond(item.ttlMs) });
    return replaced.outcome === 'changed' ? { outcome: 'changed' } : replaced;
  }

  async extend(item: Extend): Promise<boolean> {
    if (item.onlyLonger) throw new Error('nobody knows what is left');
    return this.#backend.extend({ ...item, key: this.#prefix + item.key, ttlMs: onTheSecond(item.ttlMs) });
  }

  async remove(key: string): Promise<boolean> {
    return this.#backend.remove(this.#prefix + key);
  }

  async *scan(payloads: boolean): AsyncGenerator<Page<string>> {
    for await (const page of this.#backend.scan(payloads)) {
      const mine = page.filter(({ key }) => key.startsWith(this.#prefix));
      yield mine.map(({ key, stored }) => ({
        key: key.slice(this.#prefix.length),
        ...(stored && { stored: { ...stored, ttlMs: undefined } }),
      }));
    }
  }

  async clear(): Promise<void> {
    for await (const page of this.scan(false)) for (const { key } of page) await this.remove(key);
  }

  close(): void {}
}

function withoutTtl(stored: Stored<string> | null): Stored<string> | null {
  return stored && { ...stored, ttlMs: undefined };
}

/** Up to the next second of the clock, and never early: up to a second more than was asked. */
function onTheSecond(ttlMs: number): number {
  const now = Date.now();
  return Math.ceil((now + ttlMs) / SECOND_MS) * SECOND_MS - now;
}

class WholeSecondsStore extends SessionStore {
  readonly reach: () => WholeSecondsDriver;

  constructor(driver = new WholeSecondsDriver()) {
    super(driver);
    this.reach = () => driver;
  }
}

/** Rounded up by the core to whole seconds, and by the backend to a whole second of its clock. */
const resolutionMs = 2 * SECOND_MS;

const target: Target<WholeSecondsStore> = {
  name: 'a store of whole seconds',
  resolutionMs,
  create: () => new WholeSecondsStore(),
  second: (store) => new WholeSecondsStore(new WholeSecondsDriver(store.reach().backend)),
  reopen: (store) => new WholeSecondsStore(new WholeSecondsDriver(store.reach().backend)),
  neighbour: (store) => new WholeSecondsStore(new WholeSecondsDriver(store.reach().backend, 'neighbour ')),
  spoil: async (store, sid, text) => void (await store.reach().write({ key: sid, payload: text, ttlMs: 60_000 })),
};

defineConformance({ describe, it }, target, { level: 'SHOULD' });

describe('a store that rounds whole seconds down', () => {
  it('is judged by the other rules as if it did not', async () => {
    const { name, Store, hooks } = mutants.find((mutant) => mutant.name === 'counts whole seconds, rounded down') as Mutant;
    const only = ['TCH-1', 'TCH-5', 'TCH-7', 'TCH-12', 'TTL-6', 'TTL-10', 'TTL-12', 'TTL-13', 'GET-4', 'MDL-1', 'MDL-2'];
    const { results } = await runConformance({ ...targetOf(name, Store), ...hooks }, { only });
    expect(results.filter(({ status }) => status !== 'pass')).toEqual([]);
  });
});

describe('a store that lists late', () => {
  /** What lists, counts and clears sees a change after a while. */
  class LateStore extends ReferenceStore {
    readonly #born = new Map<string, number>();

    override write(sid: string, session: Session, rest: unknown[]): void {
      this.#born.set(sid, performance.now());
      super.write(sid, session, rest);
    }

    override live(): [string, Row][] {
      return super.live().filter(([sid]) => performance.now() - (this.#born.get(sid) ?? 0) > LATE_MS);
    }
  }

  const late = targetOf('a store that lists late', LateStore);
  const only = ['ALL', 'LEN', 'MDL-1', 'MDL-3'];

  it('passes where the target says so, and fails where it does not', async () => {
    const said = await runConformance({ ...late, listedAfterMs: LATE_MS + 50 }, { only });
    expect(said.results.filter(({ status }) => status !== 'pass')).toEqual([]);
    const { counts } = await runConformance(late, { only: ['ALL-1', 'LEN-1'] });
    expect(counts.fail).toBe(2);
  });

  it('is not asked what the target does not promise, and the report says why', async () => {
    const unpromised = { all: 'the crawler may miss some', ids: 'as all()', length: 'an estimate' };
    const { results } = await runConformance({ ...late, unpromised }, { only: ['ALL-1', 'ALL-3', 'LEN-1', 'CLR-1', 'MDL-3'] });
    expect(results.map(({ id, status, reason }) => `${id} ${status}${reason === undefined ? '' : `: ${reason}`}`)).toEqual([
      'ALL-1 skip: all() is not promised: the crawler may miss some',
      'LEN-1 skip: length() is not promised: an estimate',
      'CLR-1 pass',
      'MDL-3 pass',
      'ALL-3 skip: all() is not promised: the crawler may miss some',
    ]);
  });
});

defineConformance(
  { describe, it },
  {
    name: 'a driver of whole seconds',
    kind: 'driver',
    resolutionMs,
    create: () => new WholeSecondsDriver(),
    second: (driver: WholeSecondsDriver) => new WholeSecondsDriver(driver.backend),
    neighbour: (driver: WholeSecondsDriver) => new WholeSecondsDriver(driver.backend, 'neighbour '),
  },
  { only: ['DRV'] },
);
