import type { Awaitable } from './driver.js';

/** Whether an answer is still to come. */
export function isPromise<T>(answer: Awaitable<T>): answer is Promise<T> {
  return answer !== null && answer instanceof Promise;
}

/**
 * A driver's answer as the core takes it: whatever has a `then`, of any make or realm, becomes a promise here, so that the
 * core never has to look for a `then` on a session.
 */
export function answerOf<T>(answer: Awaitable<T>): Awaitable<T> {
  if (typeof answer !== 'object' || answer === null || answer instanceof Promise) return answer;
  return typeof (answer as { then?: unknown }).then === 'function' ? Promise.resolve(answer) : answer;
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
