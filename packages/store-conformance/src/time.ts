import { setTimeout as sleep } from 'node:timers/promises';

/** The time a store lives in: the computer's, or the one that a target moves by itself. */
export class Clock {
  #movedMs = 0;
  readonly #advance: ((ms: number) => unknown) | undefined;

  constructor(advance?: (ms: number) => unknown) {
    this.#advance = advance;
  }

  readonly now = (): number => Date.now() + this.#movedMs;

  /** Lets time pass for the store. */
  readonly pass = async (ms: number): Promise<void> => {
    if (ms <= 0) return;
    if (!this.#advance) return sleep(ms);
    this.#movedMs += ms;
    await this.#advance(ms);
  };

  readonly passUntil = (at: number): Promise<void> => this.pass(at - this.now());
}

/** The promise's own outcome, or a rejection when it takes longer than `limitMs`. */
export async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  const { promise: tooLate, reject } = deferred<never>();
  const timer = setTimeout(() => reject(new Error(`${what} did not settle within ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until the answer is yes; false when it never was before the deadline. Real time. */
export async function eventually(limitMs: number, ask: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!(await ask())) {
    if (performance.now() > deadline) return false;
    await sleep(5);
  }
  return true;
}

/**
 * Long enough for most second reports to arrive: a duplicate callback, an escaped rejection. It can miss one that comes
 * later still; it never blames a correct store.
 */
export async function quiet(ms = 40): Promise<void> {
  await sleep(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

/** A promise with its handles outside. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let handles!: { resolve: (value: T) => void; reject: (error: unknown) => void };
  const promise = new Promise<T>((resolve, reject) => (handles = { resolve, reject }));
  return { promise, ...handles };
}
