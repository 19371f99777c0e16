/**
 * The kit that tells what is wrong with a session store, by the numbered rules of `docs/contract.md`.
 *
 * @module
 */
export { checks } from './checks/index.js';
export { modelChecks } from './checks/model.js';
export { defineConformance, type TestRunner } from './define.js';
export { ConformanceFailure, type FailureTexts, type Seen } from './failure.js';
export { htmlReport } from './reports/html.js';
export { jsonReport } from './reports/json.js';
export { junitReport } from './reports/junit.js';
export { markdownReport } from './reports/markdown.js';
export { terminalReport, type TerminalOptions } from './reports/terminal.js';
export type { Reports } from './reports/text.js';
export { runConformance } from './run.js';
export type { StoreUnderTest } from './store-under-test.js';
export type { Trial } from './trial.js';
export type * from './types.js';
