import { SessionStore, type SessionStoreOptions, defineTraits } from '@sessile/core';
import type { Call, Extend, Page, Replace, Replaced, Stored, StoreDriver, Traits, Write } from '@sessile/core/driver';

interface Row {
  payload: string;
  expiresAt: number;
  version: number;
}

/** The rows that several drivers share, as several processes share a server. */
export class Rows {
  readonly map = new Map<string, Row>();
  versions = 0;
  /** Moves this backend's clock against the app's. */
  skewMs = 0;

  now(): number {
    return Date.now() + this.skewMs;
  }

  live(key: string): Row | undefined {
    const row = this.map.get(key);
    return row !== undefined && row.expiresAt > this.now() ? row : undefined;
  }

  put(key: string, payload: string, expiresAt: number): number {
    this.versions += 1;
    this.map.set(key, { payload, expiresAt, version: this.versions });
    return this.versions;
  }
}

/** A command that is held back until the test lets it go. */
export interface Held {
  verb: string;
  keys: readonly string[];
  release(): void;
  fail(error: unknown): void;
}

/**
 * A backend whose answers the test times: each command takes a turn of the event loop, or waits to be released. Tokens are
 * version numbers, so that nothing in the core can rely on their being texts.
 */
export class TestDriver implements StoreDriver<number> {
  readonly traits: Traits;
  readonly rows: Rows;
  /** Every command that was sent, in order: `read a`, `writeMany a b`. */
  readonly log: string[] = [];
  readonly held: Held[] = [];
  /** Which commands are held back. */
  hold: (verb: string, keys: readonly string[]) => boolean = () => false;
  /** What a command fails with in place of its work. */
  failWith: (verb: string, keys: readonly string[]) => unknown = () => undefined;
  /** The same, after its work was done: an answer that was lost. */
  loseAnswer: (verb: string, keys: readonly string[]) => unknown = () => undefined;
  closed = false;
  report: ((state: 'up' | 'down', cause?: unknown) => void) | undefined;
  #waiting: (() => void)[] = [];

  constructor(rows = new Rows(), traits: Partial<Traits> = {}) {
    this.rows = rows;
    this.traits = defineTraits({ name: 'test', ...traits });
  }

  open(report: (state: 'up' | 'down', cause?: unknown) => void): void {
    this.report = report;
  }

  read(key: string, _call?: Call): Promise<Stored<number> | null> {
    return this.command('read', [key], () => this.stored(key));
  }

  write(item: Write, _call?: Call): Promise<number> {
    return this.command('write', [item.key], () => this.put(item));
  }

  replace(item: Replace<number>, _call?: Call): Promise<Replaced<number>> {
    return this.command('replace', [item.key], () => this.swap(item));
  }

  extend(item: Extend, _call?: Call): Promise<boolean> {
    return this.command('extend', [item.key], () => this.move(item));
  }

  remove(key: string, _call?: Call): Promise<boolean> {
    return this.command('remove', [key], () => this.drop(key));
  }

  async *scan(payloads: boolean): AsyncGenerator<Page<number>> {
    const page = await this.command('scan', [], () => [...this.rows.map.keys()].filter((key) => this.rows.live(key) !== undefined));
    yield page.map((key) => {
      const stored = payloads ? this.stored(key) : null;
      return stored === null ? { key } : { key, stored };
    });
  }

  clear(): Promise<void> {
    return this.command('clear', [], () => this.rows.map.clear());
  }

  close(): void {
    this.closed = true;
  }

  /** Resolves when that many commands are held back. */
  async holding(count: number): Promise<void> {
    while (this.held.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Lets everything go that is held back, and what comes. */
  releaseAll(): void {
    this.hold = () => false;
    for (const held of this.held.splice(0)) held.release();
  }

  protected stored(key: string): Stored<number> | null {
    const row = this.rows.live(key);
    return row === undefined ? null : { payload: row.payload, ttlMs: row.expiresAt - this.rows.now(), token: row.version };
  }

  protected put({ key, payload, ttlMs }: Write): number {
    return this.rows.put(key, payload, this.rows.now() + ttlMs);
  }

  protected swap({ key, payload, ttlMs, onlyLonger, expected }: Replace<number>): Replaced<number> {
    const row = this.rows.live(key);
    if (row === undefined) return { outcome: 'missing' };
    if (row.version !== expected) return { outcome: 'changed' };
    const expiresAt = ttlMs === 'keep' ? row.expiresAt : this.rows.now() + ttlMs;
    return { outcome: 'replaced', token: this.rows.put(key, payload, onlyLonger ? Math.max(expiresAt, row.expiresAt) : expiresAt) };
  }

  protected move({ key, ttlMs, onlyLonger }: Extend): boolean {
    const row = this.rows.live(key);
    if (row === undefined) return false;
    const expiresAt = this.rows.now() + ttlMs;
    row.expiresAt = onlyLonger ? Math.max(expiresAt, row.expiresAt) : expiresAt;
    return true;
  }

  protected drop(key: string): boolean {
    const live = this.rows.live(key) !== undefined;
    this.rows.map.delete(key);
    return live;
  }

  protected async command<R>(verb: string, keys: readonly string[], work: () => R): Promise<R> {
    this.log.push([verb, ...keys].join(' '));
    if (this.hold(verb, keys)) await this.#held(verb, keys);
    else await new Promise(setImmediate);
    const failure = this.failWith(verb, keys);
    if (failure !== undefined) throw failure as Error;
    const result = work();
    const lost = this.loseAnswer(verb, keys);
    if (lost !== undefined) throw lost as Error;
    return result;
  }

  #held(verb: string, keys: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.held.push({ verb, keys, release: resolve, fail: reject });
      for (const waiting of this.#waiting.splice(0)) waiting();
    });
  }
}

/** The same with plural verbs. */
export class PluralDriver extends TestDriver {
  /** Answers of single items that fail inside a batch. */
  failItem: (key: string) => Error | undefined = () => undefined;

  readMany(keys: readonly string[]): Promise<(Stored<number> | null | Error)[]> {
    return this.#many(
      'readMany',
      keys,
      (key) => key,
      (key) => this.stored(key),
    );
  }

  writeMany(items: readonly Write[]): Promise<(number | Error)[]> {
    return this.#many(
      'writeMany',
      items,
      ({ key }) => key,
      (item) => this.put(item),
    );
  }

  replaceMany(items: readonly Replace<number>[]): Promise<(Replaced<number> | Error)[]> {
    return this.#many(
      'replaceMany',
      items,
      ({ key }) => key,
      (item) => this.swap(item),
    );
  }

  extendMany(items: readonly Extend[]): Promise<(boolean | Error)[]> {
    return this.#many(
      'extendMany',
      items,
      ({ key }) => key,
      (item) => this.move(item),
    );
  }

  removeMany(keys: readonly string[]): Promise<(boolean | Error)[]> {
    return this.#many(
      'removeMany',
      keys,
      (key) => key,
      (key) => this.drop(key),
    );
  }

  #many<I, R>(verb: string, items: readonly I[], keyOf: (item: I) => string, one: (item: I) => R): Promise<(R | Error)[]> {
    const work = () => items.map((item) => this.failItem(keyOf(item)) ?? one(item));
    return this.command(verb, items.map(keyOf), work);
  }
}

/** A store over a TestDriver. */
export class TestStore extends SessionStore {
  readonly driver: TestDriver;

  constructor(driver: TestDriver = new TestDriver(), options: SessionStoreOptions = {}) {
    super(driver, options);
    this.driver = driver;
  }

  /** The commands since the last look. */
  commands(): string[] {
    return this.driver.log.splice(0);
  }
}

/** What the backend holds for a key. */
export function storedAt(driver: TestDriver, key: string): { session: Record<string, any>; leftMs: number } | undefined {
  const row = driver.rows.live(key);
  return row === undefined ? undefined : { session: JSON.parse(row.payload), leftMs: row.expiresAt - driver.rows.now() };
}

/** A plain session with a dated cookie, as a store holds it. */
export function session(maxAgeMs = 60_000, data: object = {}): Record<string, any> {
  return { cookie: { originalMaxAge: maxAgeMs, expires: new Date(Date.now() + maxAgeMs).toISOString(), path: '/' }, ...data };
}
