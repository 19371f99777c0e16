import { setTimeout as pause } from 'node:timers/promises';
import { StoreError } from '@sessile/core';
import { known } from './errors.js';
import type { MongoConnection } from './mongo.js';

/** What a client says of a server. */
interface ServerState {
  readonly type: string;
  readonly error?: unknown;
}

interface Change {
  readonly newDescription: { readonly servers: ReadonlyMap<string, ServerState> };
}

const EVENT = 'topologyDescriptionChanged';
/** A client looks for a lost server twice a second: what is back by then was no outage. */
const DOUBT_MS = 1000;
const PAUSE_MS = 200;

/**
 * Whether there is a server. The client tells by events when it has lost the last one, long before a call would fail. It is
 * asked in the background from then on, so that nothing is queued for a server that is known to be away.
 */
export class Watch {
  report: (state: 'up' | 'down', cause?: unknown) => void = () => undefined;
  readonly #ask: () => Promise<void>;
  readonly #listener = (change: Change): void => this.#seen([...change.newDescription.servers.values()]);
  #client: MongoConnection | undefined;
  #isAsking = false;
  #doubt: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param ask resolves when a server answers. */
  constructor(ask: () => Promise<void>) {
    this.#ask = ask;
  }

  follow(client: MongoConnection | undefined): void {
    if (this.#client !== undefined || this.#closed || typeof client?.on !== 'function') return;
    this.#client = client;
    client.on(EVENT, this.#listener);
  }

  isUp(): void {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
    if (!this.#closed) this.report('up');
  }

  isDown(cause: unknown): void {
    if (this.#closed) return;
    this.report('down', cause);
    void this.#askOn();
  }

  #seen(servers: readonly ServerState[]): void {
    const cause = servers.find(({ error }) => error !== undefined && error !== null)?.error;
    const isLost = cause !== undefined && servers.every(({ type }) => type === 'Unknown');
    if (!isLost || this.#closed) return;
    this.#doubt ??= setTimeout(() => this.report('down', cause), DOUBT_MS).unref();
    void this.#askOn();
  }

  async #askOn(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (!this.#closed && !(await this.#answers())) await pause(PAUSE_MS * (0.5 + Math.random()), undefined, { ref: false });
    this.#isAsking = false;
    this.isUp();
  }

  /** It takes until the client has found a server, or as long as its serverSelectionTimeoutMS. A refusal is an answer. */
  async #answers(): Promise<boolean> {
    try {
      await this.#ask();
      return true;
    } catch (error) {
      const failure = known(error);
      return !StoreError.isInstance(failure) || !AWAY.has(failure.code);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#doubt);
    this.#client?.off(EVENT, this.#listener);
  }
}

const AWAY: ReadonlySet<string> = new Set(['ERR_STORE_UNAVAILABLE', 'ERR_STORE_TIMEOUT']);
