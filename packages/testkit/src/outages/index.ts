/**
 * Outages that every store with a server must survive, for vitest.
 *
 * @module
 */
export { describeOutages } from './suite.js';
export { READS, type Verb } from './probe.js';
export { opened } from './types.js';
export type { FailureTarget, Opened, Outage, Site, Victim, Way } from './types.js';
