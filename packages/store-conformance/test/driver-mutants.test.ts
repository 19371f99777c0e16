import { describe, expect, it } from 'vitest';
import type { Each, Extend, Page, ReadAndExtend, Replace, Replaced, Stored, Write } from '@sessile/core/driver';
import { checks, runConformance } from '@sessile/store-conformance';
import { MemoryDriver, MemoryStore } from '@sessile/store-memory';
import { type DriverClass, driverTargetOf, ReferenceDriver } from './reference-driver.js';

class NoSingles extends ReferenceDriver {
  override readonly traits = { ...new MemoryDriver().traits, singles: Number.NaN };
}

class WriteOverMissing extends ReferenceDriver {
  override replace(item: Replace<string>): Replaced<string> {
    const replaced = super.replace(item);
    if (replaced.outcome !== 'missing') return replaced;
    return { outcome: 'replaced', token: this.write({ ...item, ttlMs: 60_000 }) };
  }
}

class ForgetsOnlyLonger extends ReferenceDriver {
  override extend(item: Extend): boolean {
    return super.extend({ ...item, onlyLonger: false });
  }

  override replace(item: Replace<string>): Replaced<string> {
    return super.replace({ ...item, onlyLonger: false });
  }
}

class ExtendsWhateverItReads extends ReferenceDriver {
  override readAndExtendMany(items: readonly ReadAndExtend[]): Each<Stored<string> | null> {
    return items.map((item) => this.readAndExtend({ ...item, onlyLonger: true }));
  }
}

class ShortensWhatItReads extends ReferenceDriver {
  override readAndExtendMany(items: readonly ReadAndExtend[]): Each<Stored<string> | null> {
    return items.map((item) =>
      this.read(item.key)?.payload.startsWith(item.startsWith) ? this.readAndExtend({ ...item, onlyLonger: false }) : this.read(item.key),
    );
  }
}

class RemovesAlways extends ReferenceDriver {
  override remove(key: string): boolean {
    super.remove(key);
    return true;
  }
}

class LeavesOutMissing extends ReferenceDriver {
  override readMany(keys: readonly string[]): Each<Stored<string> | null> {
    return keys.map((key) => this.read(key)).filter((stored) => stored !== null);
  }
}

class ScansTwice extends ReferenceDriver {
  override async *scan(payloads: boolean): AsyncGenerator<Page<string>> {
    yield* super.scan(payloads);
    yield* super.scan(payloads);
  }
}

class CreatesByExtend extends ReferenceDriver {
  override extend(item: Extend): boolean {
    if (this.read(item.key) === null) this.write({ ...item, payload: '{}' });
    return super.extend(item);
  }
}

class ClosesOnce extends ReferenceDriver {
  #closed = false;

  override close(): void {
    if (this.#closed) throw new Error('it is closed');
    this.#closed = true;
    super.close();
  }
}

class ClearsNothing extends ReferenceDriver {
  override async clear(): Promise<void> {}
}

class TrimsPayloads extends ReferenceDriver {
  override write(item: Write): string {
    return super.write({ ...item, payload: item.payload.slice(0, -1) });
  }
}

class PrunesAll extends ReferenceDriver {
  override async prune(): Promise<number> {
    const pruned = await super.prune();
    this.backend.clear();
    return pruned;
  }
}

class CountsWhatItLeft extends ReferenceDriver {
  override async prune(): Promise<number> {
    await super.prune();
    return -1;
  }
}

class NeverAnswersPing extends ReferenceDriver {
  override ping(): Promise<void> {
    return Promise.reject(new Error('unknown command'));
  }
}

class FlushesTheServer extends ReferenceDriver {
  override async clear(): Promise<void> {
    this.backend.clear();
  }
}

class CountsTheServer extends ReferenceDriver {
  override async count(): Promise<number> {
    return this.backend.count();
  }
}

class ComparesInItsMemory extends ReferenceDriver {
  readonly #known = new Map<string, string>();

  override write(item: Write): string {
    this.#known.set(item.key, item.payload);
    return super.write(item);
  }

  override replace(item: Replace<string>): Replaced<string> {
    const current = this.read(item.key);
    if (current === null || this.#known.get(item.key) !== item.expected) return super.replace(item);
    this.#known.set(item.key, item.payload);
    return super.replace({ ...item, expected: current.token });
  }
}

const MUTANTS: readonly { readonly name: string; readonly Driver: DriverClass; readonly caughtBy: readonly string[] }[] = [
  { name: 'has a trait that is no number', Driver: NoSingles, caughtBy: ['DRV-1'] },
  { name: 'replaces what is missing', Driver: WriteOverMissing, caughtBy: ['DRV-3', 'DRV-4', 'DRV-11', 'DRV-16'] },
  { name: 'shortens with onlyLonger', Driver: ForgetsOnlyLonger, caughtBy: ['DRV-5', 'DRV-7'] },
  { name: 'says that it removed what was not there', Driver: RemovesAlways, caughtBy: ['DRV-3', 'DRV-8', 'DRV-11'] },
  { name: 'leaves missing ones out of readMany()', Driver: LeavesOutMissing, caughtBy: ['DRV-11'] },
  { name: 'gives each session twice', Driver: ScansTwice, caughtBy: ['DRV-9', 'DRV-15'] },
  { name: 'creates by extend()', Driver: CreatesByExtend, caughtBy: ['DRV-3', 'DRV-6', 'DRV-11'] },
  { name: 'extends whatever it reads', Driver: ExtendsWhateverItReads, caughtBy: ['DRV-7'] },
  { name: 'shortens what it reads', Driver: ShortensWhatItReads, caughtBy: ['DRV-7'] },
  { name: 'cannot be closed twice', Driver: ClosesOnce, caughtBy: ['DRV-12'] },
  { name: 'clears nothing', Driver: ClearsNothing, caughtBy: ['DRV-10'] },
  { name: 'cuts off payloads', Driver: TrimsPayloads, caughtBy: ['DRV-2', 'DRV-6', 'DRV-7', 'DRV-9', 'DRV-11', 'DRV-15', 'DRV-16'] },
  { name: 'prunes live sessions', Driver: PrunesAll, caughtBy: ['DRV-13'] },
  { name: 'says no number of what it pruned', Driver: CountsWhatItLeft, caughtBy: ['DRV-13'] },
  { name: 'refuses a ping', Driver: NeverAnswersPing, caughtBy: ['DRV-14'] },
  { name: 'flushes the whole server', Driver: FlushesTheServer, caughtBy: ['DRV-15'] },
  { name: "counts the neighbour's sessions", Driver: CountsTheServer, caughtBy: ['DRV-15'] },
  { name: 'compares with what it remembers itself', Driver: ComparesInItsMemory, caughtBy: ['DRV-16'] },
];

const drivers = checks.filter(({ id }) => id.startsWith('DRV-')).map((check) => ({ ...check, timed: true }));

async function failed(Driver: DriverClass): Promise<string[]> {
  const { results } = await runConformance(driverTargetOf(Driver.name, Driver), { checks: drivers, only: [] });
  return results.filter(({ status }) => status !== 'pass').map(({ id }) => id);
}

describe('the checks of bare drivers', () => {
  it('pass one with every verb', async () => {
    expect(await failed(ReferenceDriver)).toEqual([]);
  });

  for (const { name, Driver, caughtBy } of MUTANTS) {
    it.concurrent(`catch one that ${name}: ${caughtBy.join(', ')}`, async () => expect(await failed(Driver)).toEqual(caughtBy));
  }

  it('have a mutant for each rule', () => {
    const covered = new Set(MUTANTS.flatMap(({ caughtBy }) => caughtBy));
    expect(drivers.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([]);
  });

  it('ask one without plurals, and with no hooks, what it has', async () => {
    const target = { name: 'MemoryDriver', kind: 'driver' as const, create: () => new MemoryDriver() };
    const { results } = await runConformance(target, { checks: drivers, only: [] });
    const asked = results.map(({ id, status, reason }) => (status === 'pass' ? status : `${id} ${status}: ${reason}`));
    const lacking = ['DRV-15 skip: the target has no "neighbour"', 'DRV-16 skip: the target has no "second"'];
    expect([...new Set(asked)]).toEqual(['pass', ...lacking]);
  });

  it('are not asked of a store, and nothing else is asked of a driver', async () => {
    const store = await runConformance({ name: 'a store', create: () => new MemoryStore() }, { only: ['DRV-1'] });
    expect(store.results.map(({ status, reason }) => [status, reason])).toEqual([['skip', 'the target is a store']]);
    const bare = await runConformance({ name: 'a driver', kind: 'driver', create: () => new MemoryDriver() }, { only: ['SET-1'] });
    expect(bare.results.map(({ status, reason }) => [status, reason])).toEqual([['skip', 'the target is a bare driver']]);
  });
});
