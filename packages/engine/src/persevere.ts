import type { Awaitable } from '@sessile/core/driver';

/** The longest pause between two tries, in ms. */
const PAUSE_MS = 500;

/**
 * Runs what loads a session, again and again while it fails, for `waitMs` at most.
 *
 * @throws what the last try threw.
 */
export async function persevere<T>(work: () => Awaitable<T>, waitMs: number): Promise<T> {
  const until = Date.now() + waitMs;
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() + pauseMs > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
