import type { Awaitable } from './driver.js';

/** Whether an answer is still to come. */
export function isPromise<T>(answer: Awaitable<T>): answer is Promise<T> {
  return typeof answer === 'object' && answer !== null && typeof (answer as { then?: unknown }).then === 'function';
}

/**
 * Goes on with an answer: at once when it is there, so that a backend in this process costs no trip through the
 * microtask queue.
 */
export function chain<T, R>(answer: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return isPromise(answer) ? answer.then(next) : next(answer);
}

/** A pause that grows with each attempt and differs between callers, so that they do not meet again. */
export function backoff(attempt: number): Promise<void> {
  const ms = Math.random() * Math.min(50, 2 ** attempt);
  return new Promise((resolve) => setTimeout(resolve, ms));
}
