/**
 * Many visitors of a store at once, and a judge of what it answers them.
 *
 * @module
 */
export { AWAY, type Breach, Judge } from './judge.js';
export { Traffic, type TrafficOptions } from './traffic.js';
