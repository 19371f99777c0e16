import { checkBytes, defineTraits, type SessionStoreOptions, StoreError } from '@sessile/core';
import type { Extend, Page, Replace, Replaced, Stored, StoreDriver, Write } from '@sessile/core/driver';
import { LRUCache } from 'lru-cache';

/** Options of {@link MemoryStore}, beside those of every store. */
export interface MemoryStoreOptions extends SessionStoreOptions {
  /** The most sessions to hold. Default: no limit of its own. */
  maxEntries?: number | undefined;
  /** The most memory to hold them in, in bytes, by estimate. Default: 268,435,456 (256 MiB). */
  maxBytes?: number | undefined;
}

interface Entry {
  payload: string;
  /** Ms since the epoch, beside the text: a touch parses nothing. */
  expiresAt: number;
}

/** What V8 takes for an entry, its key and the cache's lists beside the characters: about, in bytes. */
const ENTRY_BYTES = 200;
const PAGE = 1000;

/** Sessions in an lru-cache. */
export class MemoryDriver implements StoreDriver<string> {
  readonly traits = defineTraits({ name: 'memory', clock: 'app', blocks: true, maxPayloadBytes: Number.MAX_SAFE_INTEGER });
  readonly #entries: LRUCache<string, Entry>;
  readonly #maxBytes: number;

  /**
   * @param options the bounds.
   * @param evicted told the key of each live session that went to make room.
   */
  constructor({ maxEntries, maxBytes = 256 * 1024 * 1024 }: MemoryStoreOptions = {}, evicted?: (key: string) => void) {
    checkBytes('maxBytes', maxBytes, 1);
    if (maxEntries !== undefined) checkBytes('maxEntries', maxEntries, 1);
    this.#maxBytes = maxBytes;
    this.#entries = new LRUCache<string, Entry>({
      ...(maxEntries === undefined ? {} : { max: maxEntries }),
      maxSize: maxBytes,
      noDisposeOnSet: true,
      dispose: (entry, key, reason) => {
        if (reason === 'evict' && entry.expiresAt > Date.now()) evicted?.(key);
      },
    });
  }

  read(key: string): Stored<string> | null {
    const now = Date.now();
    const entry = this.#live(key, now);
    return entry === undefined ? null : stored(entry, now);
  }

  write({ key, payload, ttlMs }: Write): string {
    this.#put(key, payload, Date.now() + ttlMs);
    return payload;
  }

  replace({ key, payload, ttlMs, onlyLonger, expected }: Replace<string>): Replaced<string> {
    const now = Date.now();
    const entry = this.#live(key, now);
    if (entry === undefined) return { outcome: 'missing' };
    if (entry.payload !== expected) return { outcome: 'changed', current: stored(entry, now) };
    const expiresAt = ttlMs === 'keep' ? entry.expiresAt : now + ttlMs;
    this.#put(key, payload, onlyLonger ? Math.max(expiresAt, entry.expiresAt) : expiresAt);
    return { outcome: 'replaced', token: payload };
  }

  extend({ key, ttlMs, onlyLonger }: Extend): boolean {
    return this.#extended(key, ttlMs, onlyLonger) !== undefined;
  }

  readAndExtend({ key, ttlMs, onlyLonger }: Extend): Stored<string> | null {
    const entry = this.#extended(key, ttlMs, onlyLonger);
    return entry === undefined ? null : stored(entry, Date.now());
  }

  remove(key: string): boolean {
    const entry = this.#entries.peek(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    return entry.expiresAt > Date.now();
  }

  async *scan(payloads: boolean): AsyncGenerator<Page<string>> {
    // The order of an lru-cache changes with each use: only a list of its keys can be walked.
    const keys = [...this.#entries.keys()];
    for (let start = 0; start < keys.length; start += PAGE) yield this.#page(keys.slice(start, start + PAGE), payloads);
  }

  #page(keys: readonly string[], payloads: boolean): Page<string> {
    const now = Date.now();
    return keys.flatMap((key) => {
      const entry = this.#entries.peek(key);
      if (entry === undefined || entry.expiresAt <= now) return [];
      return [payloads ? { key, stored: stored(entry, now) } : { key }];
    });
  }

  count(): number {
    const now = Date.now();
    let live = 0;
    for (const { expiresAt } of this.#entries.values()) if (expiresAt > now) live += 1;
    return live;
  }

  clear(): void {
    this.#entries.clear();
  }

  async prune(): Promise<number> {
    const keys = [...this.#entries.keys()];
    let pruned = 0;
    for (let start = 0; start < keys.length; start += PAGE) {
      pruned += this.#prunePage(keys.slice(start, start + PAGE));
      await new Promise(setImmediate);
    }
    return pruned;
  }

  #prunePage(keys: readonly string[]): number {
    const now = Date.now();
    const dead = keys.filter((key) => (this.#entries.peek(key)?.expiresAt ?? Infinity) <= now);
    for (const key of dead) this.#entries.delete(key);
    return dead.length;
  }

  ping(): void {}

  close(): void {
    this.#entries.clear();
  }

  #live(key: string, now: number): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt > now) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  #extended(key: string, ttlMs: number, onlyLonger: boolean): Entry | undefined {
    const now = Date.now();
    const entry = this.#live(key, now);
    if (entry === undefined) return undefined;
    const expiresAt = now + ttlMs;
    if (!onlyLonger || expiresAt > entry.expiresAt) entry.expiresAt = expiresAt;
    return entry;
  }

  #put(key: string, payload: string, expiresAt: number): void {
    // A text fresh from JSON.stringify is a rope of pieces; counting its bytes lays it out in one, which saves a seventh.
    const size = sizeOf(key, payload);
    // The cache would leave out what cannot fit, and say nothing.
    if (size > this.#maxBytes) throw tooLarge(size, this.#maxBytes);
    this.#entries.set(key, { payload, expiresAt }, { size });
  }
}

function stored({ payload, expiresAt }: Entry, now: number): Stored<string> {
  return { payload, ttlMs: expiresAt - now, token: payload };
}

/** V8 takes one byte a character, or two where one of them is beyond Latin-1. */
function sizeOf(key: string, payload: string): number {
  // Most texts are ASCII, which counting bytes tells at a tenth of the price.
  const wide = Buffer.byteLength(payload) > payload.length && /[^\0-\u00ff]/.test(payload);
  return ENTRY_BYTES + key.length + (wide ? payload.length * 2 : payload.length);
}

function tooLarge(size: number, maxBytes: number): StoreError {
  const advice = 'Keep less in the session, or raise maxBytes. What was stored before is unchanged.';
  return new StoreError('ERR_STORE_PAYLOAD_TOO_LARGE', `The session takes about ${size} bytes, and maxBytes is ${maxBytes}. ${advice}`);
}
