/**
 * A store under load while its server and its network fail, for as long as one likes.
 *
 * @module
 */
export { type Trouble, troublesOf } from './chaos.js';
export { soak, type SoakOptions, type SoakResult } from './soak.js';
