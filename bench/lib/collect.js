import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** @type {(options?: { type: 'minor' }) => void} */
const gc = runInNewContext('gc');

/** Frees all that can be freed: before memory is counted. */
export function collect() {
  gc();
}

/**
 * Clears the young generation, so that nobody pays for another's garbage. A full collection would do more than that: it drops
 * the shapes of objects that nobody holds at that moment, and with them the machine code that was made for them, so that a
 * short slice would measure the compiler (seen: half the speed in slices of 20 ms, all of it in slices of 300 ms).
 */
export function sweep() {
  gc({ type: 'minor' });
}
