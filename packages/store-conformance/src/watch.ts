import { runInThisContext } from 'node:vm';

/** An error that reached nobody. */
export interface Stray {
  readonly origin: 'uncaughtException' | 'unhandledRejection';
  readonly error: unknown;
}

type Listener = (...args: unknown[]) => void;
/** The real one, by its general type: jest gives its tests a copy of `process` that hears nothing. */
const PROCESS = runInThisContext('process') as NodeJS.EventEmitter;
const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Catches what would end the process while a check runs. The listeners of the test runner are set aside meanwhile, so
 * that it does not count as its own failure what a check provokes on purpose.
 */
export class ProcessWatch {
  readonly #strays: Stray[] = [];
  readonly #mine = EVENTS.map((origin) => (error: unknown) => void this.#strays.push({ origin, error }));
  #aside: Listener[][] = [];

  start(): this {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- listeners() calls them Function
    this.#aside = EVENTS.map((event) => PROCESS.listeners(event) as Listener[]);
    EVENTS.forEach((event, i) => swap(event, ...this.#mine.slice(i, i + 1)));
    return this;
  }

  stop(): void {
    EVENTS.forEach((event, i) => swap(event, ...(this.#aside[i] ?? [])));
  }

  /** What was caught since the last call. */
  take(): Stray[] {
    return this.#strays.splice(0);
  }

  /** Looks without taking. */
  saw(error: unknown): boolean {
    return this.#strays.some((stray) => stray.error === error);
  }
}

function swap(event: (typeof EVENTS)[number], ...listeners: Listener[]): void {
  PROCESS.removeAllListeners(event);
  for (const listener of listeners) PROCESS.on(event, listener);
}
