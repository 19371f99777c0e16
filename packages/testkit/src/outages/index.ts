/**
 * Outages that every store with a server must survive, for vitest.
 *
 * @module
 */
export { describeOutages } from './suite.js';
export { opened } from './types.js';
export type { FailureTarget, Opened, Outage, Site, Victim, Way } from './types.js';
