import type { Target } from '@sessile/store-conformance';
import type { Each, Extend, Page, ReadAndExtend, Replace, Replaced, Stored, StoreDriver, Write } from '@sessile/core/driver';
import { MemoryDriver } from '@sessile/store-memory';

export type DriverClass = new (backend?: MemoryDriver, prefix?: string) => ReferenceDriver;

/** A driver that is right, with every verb there is: a prefix in a backend that several of them share. */
export class ReferenceDriver implements StoreDriver<string> {
  readonly traits = new MemoryDriver().traits;
  readonly #backend: MemoryDriver;
  readonly #prefix: string;

  constructor(backend = new MemoryDriver(), prefix = 'a:') {
    this.#backend = backend;
    this.#prefix = prefix;
  }

  get backend(): MemoryDriver {
    return this.#backend;
  }

  read(key: string): Stored<string> | null {
    return this.#backend.read(this.#prefix + key);
  }

  write(item: Write): string {
    return this.#backend.write(this.#mine(item));
  }

  replace(item: Replace<string>): Replaced<string> {
    return this.#backend.replace(this.#mine(item));
  }

  extend(item: Extend): boolean {
    return this.#backend.extend(this.#mine(item));
  }

  remove(key: string): boolean {
    return this.#backend.remove(this.#prefix + key);
  }

  readAndExtend(item: Extend): Stored<string> | null {
    return this.extend(item) ? this.read(item.key) : null;
  }

  readAndExtendMany(items: readonly ReadAndExtend[]): Each<Stored<string> | null> {
    return items.map((item) => {
      const found = this.read(item.key);
      return found?.payload.startsWith(item.startsWith) ? this.readAndExtend({ ...item, onlyLonger: true }) : found;
    });
  }

  readMany(keys: readonly string[]): Each<Stored<string> | null> {
    return keys.map((key) => this.read(key));
  }

  writeMany(items: readonly Write[]): Each<string> {
    return items.map((item) => this.write(item));
  }

  replaceMany(items: readonly Replace<string>[]): Each<Replaced<string>> {
    return items.map((item) => this.replace(item));
  }

  extendMany(items: readonly Extend[]): Each<boolean> {
    return items.map((item) => this.extend(item));
  }

  removeMany(keys: readonly string[]): Each<boolean> {
    return keys.map((key) => this.remove(key));
  }

  async *scan(payloads: boolean): AsyncGenerator<Page<string>> {
    for await (const page of this.#backend.scan(payloads)) {
      const mine = page.filter(({ key }) => key.startsWith(this.#prefix));
      yield mine.map((entry) => ({ ...entry, key: entry.key.slice(this.#prefix.length) }));
    }
  }

  async count(): Promise<number> {
    let live = 0;
    for await (const page of this.scan(false)) live += page.length;
    return live;
  }

  async clear(): Promise<void> {
    for await (const page of this.scan(false)) for (const { key } of page) this.remove(key);
  }

  prune(): Promise<number> {
    return this.#backend.prune();
  }

  async ping(): Promise<void> {
    this.#backend.ping();
  }

  close(): void {}

  #mine<T extends { key: string }>(item: T): T {
    return { ...item, key: this.#prefix + item.key };
  }
}

/** A target with every hook that a driver can have. */
export function driverTargetOf(name: string, Driver: DriverClass = ReferenceDriver): Target<ReferenceDriver> {
  return {
    name,
    kind: 'driver',
    create: () => new Driver(),
    second: (driver) => new Driver(driver.backend),
    neighbour: (driver) => new Driver(driver.backend, 'b:'),
  };
}
