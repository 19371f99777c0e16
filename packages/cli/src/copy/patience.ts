import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@sessile/core';

const FOR_MS = 30_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2000;

/**
 * Does something again while the store is away or too slow, for half a minute.
 *
 * @param work may be done twice: an answer may have been lost.
 * @param signal ends the wait.
 */
export async function patiently<R>(work: () => Promise<R>, signal: AbortSignal): Promise<R> {
  const until = Date.now() + FOR_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!StoreError.isInstance(error) || !error.retryable || Date.now() + pauseMs > until) throw error;
    }
    await sleep(pauseMs);
    signal.throwIfAborted();
  }
}
