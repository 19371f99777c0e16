import { describe, expect, it } from 'vitest';
import type { Call, Each, Extend, Page, Replace, Replaced, Stored, Write } from '@sessile/core/driver';
import { checks, runConformance } from '@sessile/store-conformance';
import { MemoryDriver, MemoryStore } from '@sessile/store-memory';

type Driver = new () => MemoryDriver;

/** Right, and with plural verbs and readAndExtend, which MemoryDriver need not have. */
class PluralDriver extends MemoryDriver {
  readMany(keys: readonly string[], _call?: Call): Each<Stored<string> | null> {
    return keys.map((key) => this.read(key));
  }

  writeMany(items: readonly Write[], _call?: Call): Each<string> {
    return items.map((item) => this.write(item));
  }

  replaceMany(items: readonly Replace<string>[], _call?: Call): Each<Replaced<string>> {
    return items.map((item) => this.replace(item));
  }

  extendMany(items: readonly Extend[], _call?: Call): Each<boolean> {
    return items.map((item) => this.extend(item));
  }

  removeMany(keys: readonly string[], _call?: Call): Each<boolean> {
    return keys.map((key) => this.remove(key));
  }

  override readAndExtend(item: Extend, _call?: Call): Stored<string> | null {
    return this.extend(item) ? this.read(item.key) : null;
  }
}

class NoSingles extends PluralDriver {
  override readonly traits = { ...new MemoryDriver().traits, singles: Number.NaN };
}

class WriteOverMissing extends PluralDriver {
  override replace(item: Replace<string>): Replaced<string> {
    const replaced = super.replace(item);
    if (replaced.outcome !== 'missing') return replaced;
    return { outcome: 'replaced', token: this.write({ ...item, ttlMs: 60_000 }) };
  }
}

class ForgetsOnlyLonger extends PluralDriver {
  override extend(item: Extend): boolean {
    return super.extend({ ...item, onlyLonger: false });
  }

  override replace(item: Replace<string>): Replaced<string> {
    return super.replace({ ...item, onlyLonger: false });
  }
}

class RemovesAlways extends PluralDriver {
  override remove(key: string): boolean {
    super.remove(key);
    return true;
  }
}

class LeavesOutMissing extends PluralDriver {
  override readMany(keys: readonly string[]): Each<Stored<string> | null> {
    return keys.map((key) => this.read(key)).filter((stored) => stored !== null);
  }
}

class ScansTwice extends PluralDriver {
  override async *scan(payloads: boolean): AsyncGenerator<Page<string>> {
    yield* super.scan(payloads);
    yield* super.scan(payloads);
  }
}

class CreatesByExtend extends PluralDriver {
  override extend(item: Extend): boolean {
    if (this.read(item.key) === null) this.write({ ...item, payload: '{}' });
    return super.extend(item);
  }
}

class ClosesOnce extends PluralDriver {
  #closed = false;

  override close(): void {
    if (this.#closed) throw new Error('it is closed');
    this.#closed = true;
    super.close();
  }
}

class ClearsNothing extends PluralDriver {
  override clear(): void {}
}

class TrimsPayloads extends PluralDriver {
  override write(item: Write): string {
    return super.write({ ...item, payload: item.payload.slice(0, -1) });
  }
}

const MUTANTS: readonly { readonly name: string; readonly Driver: Driver; readonly caughtBy: readonly string[] }[] = [
  { name: 'has a trait that is no number', Driver: NoSingles, caughtBy: ['DRV-1'] },
  { name: 'replaces what is missing', Driver: WriteOverMissing, caughtBy: ['DRV-3', 'DRV-4', 'DRV-11'] },
  { name: 'shortens with onlyLonger', Driver: ForgetsOnlyLonger, caughtBy: ['DRV-5', 'DRV-7'] },
  { name: 'says that it removed what was not there', Driver: RemovesAlways, caughtBy: ['DRV-3', 'DRV-8', 'DRV-11'] },
  { name: 'leaves missing ones out of readMany()', Driver: LeavesOutMissing, caughtBy: ['DRV-11'] },
  { name: 'gives each session twice', Driver: ScansTwice, caughtBy: ['DRV-9'] },
  { name: 'creates by extend()', Driver: CreatesByExtend, caughtBy: ['DRV-3', 'DRV-6', 'DRV-11'] },
  { name: 'cannot be closed twice', Driver: ClosesOnce, caughtBy: ['DRV-12'] },
  { name: 'clears nothing', Driver: ClearsNothing, caughtBy: ['DRV-10'] },
  { name: 'cuts off payloads', Driver: TrimsPayloads, caughtBy: ['DRV-2', 'DRV-6', 'DRV-9', 'DRV-11'] },
];

const drivers = checks.filter(({ id }) => id.startsWith('DRV-')).map((check) => ({ ...check, timed: true }));

async function failed(Driver: Driver): Promise<string[]> {
  const target = { name: Driver.name, kind: 'driver' as const, create: () => new Driver() };
  const { results } = await runConformance(target, { checks: drivers, only: [] });
  return results.filter(({ status }) => status !== 'pass').map(({ id }) => id);
}

describe('the checks of bare drivers', () => {
  it('pass one with every verb', async () => {
    expect(await failed(PluralDriver)).toEqual([]);
  });

  for (const { name, Driver, caughtBy } of MUTANTS) {
    it.concurrent(`catch one that ${name}: ${caughtBy.join(', ')}`, async () => expect(await failed(Driver)).toEqual(caughtBy));
  }

  it('have a mutant for each rule', () => {
    const covered = new Set(MUTANTS.flatMap(({ caughtBy }) => caughtBy));
    expect(drivers.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([]);
  });

  it('are not asked of a store, and nothing else is asked of a driver', async () => {
    const store = await runConformance({ name: 'a store', create: () => new MemoryStore() }, { only: ['DRV-1'] });
    expect(store.results.map(({ status, reason }) => [status, reason])).toEqual([['skip', 'the target is a store']]);
    const bare = await runConformance({ name: 'a driver', kind: 'driver', create: () => new MemoryDriver() }, { only: ['SET-1'] });
    expect(bare.results.map(({ status, reason }) => [status, reason])).toEqual([['skip', 'the target is a bare driver']]);
  });
});
