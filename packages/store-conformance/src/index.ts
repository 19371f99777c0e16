/**
 * The kit that tells what is wrong with a session store, by the numbered rules of `docs/contract.md`.
 *
 * @module
 */
export { checks } from './checks/index.js';
export { defineConformance, type TestRunner } from './define.js';
export { ConformanceFailure } from './failure.js';
export { runConformance } from './run.js';
export type { StoreUnderTest } from './store-under-test.js';
export type { Trial } from './trial.js';
export type * from './types.js';
