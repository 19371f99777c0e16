import type { Socket } from 'node:net';
import { StoreError } from '@sessile/core';
import { type Item, ItemReader, LineReader, type Reader, Replies } from './replies.js';

interface Pending {
  reader: Reader;
  since: number;
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * One connection to one server. Commands go out as they come, those of one tick in one packet, and are answered in order.
 *
 * It ends with the connection, and every call that it owes an answer fails then: the package's own commands would never end.
 */
export class Link {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #replies = new Replies();
  readonly #pending: Pending[] = [];
  #watch: NodeJS.Timeout | undefined;
  #corked = false;
  #heardAt = 0;

  /**
   * @param timeoutMs a server that is silent for so long while an answer is due is given up: it may be frozen.
   * @param lost called once, when the connection has ended.
   */
  constructor(socket: Socket, timeoutMs: number, lost: () => void) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: unknown) => this.#read(chunk as string));
    socket.once('close', () => {
      this.#fail();
      lost();
    });
  }

  async line(command: string): Promise<string> {
    const reader = new LineReader();
    await this.send(command, reader);
    return reader.answer;
  }

  async items(command: string): Promise<Item[]> {
    const reader = new ItemReader();
    await this.send(command, reader);
    if (reader.failure !== undefined) throw refused(reader.failure);
    return reader.items;
  }

  /** Fulfils when the reader has read its answer. */
  send(command: string, reader: Reader): Promise<void> {
    if (this.#socket.destroyed) return Promise.reject(away());
    this.#cork();
    this.#socket.write(`${command}\r\n`);
    return new Promise((resolve, reject) => {
      this.#pending.push({ reader, since: Date.now(), resolve, reject });
      this.#watch ??= setTimeout(() => this.#look(), this.#timeoutMs).unref();
    });
  }

  /** Until the end of the tick: what it writes leaves together. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  #read(chunk: string): void {
    this.#heardAt = Date.now();
    this.#replies.push(
      chunk,
      () => this.#pending[0]?.reader,
      () => this.#pending.shift()?.resolve(),
    );
  }

  #look(): void {
    this.#watch = undefined;
    const oldest = this.#pending[0];
    if (oldest === undefined) return;
    const silentSince = Math.max(oldest.since, this.#heardAt);
    const left = silentSince + this.#timeoutMs - Date.now();
    if (left <= 0) this.end();
    else this.#watch = setTimeout(() => this.#look(), Math.max(left, 100)).unref();
  }

  #fail(): void {
    clearTimeout(this.#watch);
    for (const { reject } of this.#pending.splice(0)) reject(away());
  }

  end(): void {
    this.#socket.destroy();
  }
}

function away(): StoreError {
  return new StoreError('ERR_STORE_UNAVAILABLE', 'The connection to a memcached server was lost before it answered.');
}

/** What a server says in place of an answer. */
export function refused(answer: string): StoreError {
  if (/too large/.test(answer)) {
    const advice = 'Keep less in the session, or start memcached with a larger -I and set maxItemBytes.';
    return new StoreError('ERR_STORE_PAYLOAD_TOO_LARGE', `The session is larger than the memcached server takes. ${advice}`);
  }
  if (answer === 'ERROR') return new StoreError('ERR_STORE_UNSUPPORTED', 'The memcached server does not know this command.');
  return new StoreError('ERR_STORE_BACKEND', `memcached answered: ${answer}`);
}
