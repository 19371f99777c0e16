import { StoreError } from '@sessile/core';
import type { Call } from '@sessile/core/driver';
import { decoded } from './keys.js';
import { refused, type Link } from './link.js';
import { ListReader } from './replies.js';

/** What a dump tells of an item. */
export interface DumpedKey {
  readonly key: string;
  /** When it ends, in ms since 1970 by this process's clock, to a second; `Infinity`: never. */
  readonly endsAt: number;
}

/** What a reader of a dump needs to know. */
interface Dump {
  readonly prefix: string;
  readonly pageSize: number;
  /** The server's time, in seconds, as it has just told it: a dump names items that have expired and were not removed yet. */
  readonly now: number;
  readonly page: (keys: DumpedKey[]) => void;
}

/** Hands the keys of a dump over in pages. */
class KeyReader extends ListReader {
  readonly #dump: Dump;
  /** How far this process's clock is ahead of the server's, and up to a second more: the server's moves in whole ones. */
  readonly #aheadMs: number;

  constructor(dump: Dump) {
    super();
    this.#dump = dump;
    this.#aheadMs = Date.now() - dump.now * 1000;
  }

  override line(line: string): boolean {
    const isLast = super.line(line);
    if (this.lines.length >= this.#dump.pageSize || isLast) this.#flush();
    return isLast;
  }

  #flush(): void {
    const keys = this.lines.map((line) => this.#liveKey(line)).filter((key) => key !== undefined);
    this.lines = [];
    if (keys.length > 0) this.#dump.page(keys);
  }

  /** `key=<percent-encoded> exp=<seconds since 1970, or -1> la=... cas=... fetch=... cls=... size=...` */
  #liveKey(line: string): DumpedKey | undefined {
    const [text = '', exp = ''] = line.split(' ', 2);
    const end = Number(exp.slice('exp='.length));
    const isLive = end < 0 || end > this.#dump.now;
    const key = text.startsWith('key=') && isLive ? decoded(text.slice('key='.length)) : undefined;
    return key?.startsWith(this.#dump.prefix) !== true ? undefined : { key, endsAt: end < 0 ? Infinity : end * 1000 + this.#aheadMs };
  }
}

/**
 * The keys of one server, by its LRU crawler: what is there while it goes through. One dump at a time is made; while another
 * client's is under way, this waits.
 *
 * @param connect gives a connection of its own, which is ended.
 * @param prefix other keys are passed over.
 * @returns an async walk over pages of keys, with what is left of their lives: the one place where memcached's plain commands tell it.
 * @see lru_crawler metadump, memcached 1.4.31
 */
export async function* dump(connect: () => Promise<Link>, prefix: string, pageSize: number, call: Call): AsyncGenerator<DumpedKey[]> {
  for (let what = 'hash'; ;) {
    const link = await connect();
    const pages = new Pages();
    const reader = new KeyReader({ prefix, pageSize, now: await timeOf(link), page: (keys) => pages.push(keys) });
    const ended = link.send(`lru_crawler metadump ${what}`, reader).then(
      () => pages.end(),
      (error: Error) => pages.end(error),
    );
    try {
      yield* pages;
      await ended;
    } finally {
      link.end();
    }
    if (reader.failure === undefined) return;
    if (reader.failure.startsWith('BUSY')) await pause(call);
    else if (what === 'all') throw noCrawler(reader.failure);
    // Older servers: only the lists of least recent use can be gone through, in which items move about.
    else what = 'all';
  }
}

/** A page at rest: its keys in one text, without the pieces of the network that they were cut from. */
interface Packed {
  readonly keys: string;
  readonly ends: Float64Array;
}

/**
 * The pages of a dump, for a reader that may be slower than the server. They wait here, at about 60 bytes for a key: while a dump is not
 * read, memcached (1.6.18) holds a part of its table, and answers nobody who asks for a session in it.
 */
class Pages {
  readonly #pages: Packed[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: () => void = () => undefined;

  push(page: readonly DumpedKey[]): void {
    // No key of memcached's has a line break in it.
    this.#pages.push({ keys: page.map(({ key }) => key).join('\n'), ends: Float64Array.from(page, ({ endsAt }) => endsAt) });
    this.#wake();
  }

  end(error?: Error): void {
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DumpedKey[]> {
    for (;;) {
      const page = this.#pages.shift();
      if (page !== undefined) yield page.keys.split('\n').map((key, index) => ({ key, endsAt: page.ends[index] as number }));
      else if (this.#error !== undefined) throw this.#error;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** The server's time in seconds since 1970, by which it judges what has expired. */
async function timeOf(link: Link): Promise<number> {
  const stats = new ListReader();
  await link.send('stats', stats);
  const line = stats.lines.find((stat) => stat.startsWith('STAT time '));
  return line === undefined ? Date.now() / 1000 : Number(line.split(' ')[2]);
}

function pause(call: Call): Promise<void> {
  if (call.timeLeftMs <= 0) throw new StoreError('ERR_STORE_TIMEOUT', 'Other clients kept the LRU crawler of memcached busy.');
  return new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 30));
}

function noCrawler(answer: string): StoreError {
  if (!/ERROR$|disabled/.test(answer)) return refused(answer);
  const advice = 'memcached 1.4.31 or newer with its LRU crawler on is needed to list sessions; proxies do not pass it on.';
  return new StoreError('ERR_STORE_UNSUPPORTED', `The memcached server cannot list its keys. ${advice}`);
}
