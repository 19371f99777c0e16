import type { EventEmitter } from 'node:events';

/**
 * Whether a store is there, by its events `disconnect` and `connect`: requests wait while it may come back, and fail when it did
 * not for `reconnectTimeout`.
 */
export class Outage {
  #status: 'available' | 'pending' | 'unavailable' = 'available';
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** @param events what passes on those of the store. */
  constructor(events: EventEmitter, timeoutMs: number) {
    events.on('disconnect', () => this.#begin(timeoutMs));
    events.on('connect', () => this.#settle('available'));
  }

  /** @throws Error `session store is unavailable` */
  async wait(): Promise<void> {
    if (this.#status === 'pending') await new Promise<void>((resolve) => this.#waiting.add(resolve));
    if (this.#status === 'unavailable') throw new Error('session store is unavailable');
  }

  get isOver(): boolean {
    return this.#status === 'available';
  }

  #begin(timeoutMs: number): void {
    if (this.#status !== 'available') return;
    this.#status = 'pending';
    this.#timer = setTimeout(() => this.#settle('unavailable'), timeoutMs).unref();
  }

  #settle(status: 'available' | 'unavailable'): void {
    clearTimeout(this.#timer);
    this.#status = status;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }
}
