import { isDeepStrictEqual } from 'node:util';
import { answerOf, chain } from './async.js';
import type { Awaitable, Call, Replace, Replaced, Stored, StoreDriver } from './driver.js';

/**
 * `replace` for a driver that has none: a read and a write, which the chain per key makes one, for the calls of one store
 * object.
 */
export function compareHere(driver: StoreDriver, item: Replace<unknown>, call: Call): Awaitable<Replaced<unknown>> {
  return chain(answerOf(driver.read(item.key, call)), (current): Awaitable<Replaced<unknown>> => {
    if (current === null) return { outcome: 'missing' };
    if (!isDeepStrictEqual(current.token, item.expected)) return { outcome: 'changed', current };
    const write = { key: item.key, payload: item.payload, ttlMs: keptTtl(item, current) };
    return chain(answerOf(driver.write(write, call)), (token) => ({ outcome: 'replaced', token }));
  });
}

function keptTtl({ ttlMs, onlyLonger }: Replace<unknown>, current: Stored<unknown>): number {
  const left = current.ttlMs ?? Infinity;
  if (ttlMs === 'keep') return left;
  return onlyLonger && current.ttlMs !== undefined ? Math.max(left, ttlMs) : ttlMs;
}
