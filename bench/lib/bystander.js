import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/**
 * @typedef {object} Bystander
 * @property {() => number} longestWaitMs since it was last asked, in milliseconds.
 * @property {() => Promise<void>} stop
 */

/**
 * Another client of a server, which tells how long it had to wait for its answers meanwhile.
 *
 * @param {string} backend
 * @param {string} url
 * @returns {Promise<Bystander>}
 */
export async function startBystander(backend, url) {
  const longest = new Float64Array(new SharedArrayBuffer(8));
  const running = new Int32Array(new SharedArrayBuffer(8));
  running[0] = 1;
  const worker = new Worker(new URL('bystander-worker.js', import.meta.url), { workerData: { backend, url, longest, running } });
  /** @type {Error[]} */
  const failures = [];
  worker.on('error', (error) => failures.push(error));
  while (Atomics.load(running, 1) === 0) {
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    await pause(5);
  }
  return {
    longestWaitMs: () => {
      const [ms] = longest;
      longest[0] = 0;
      return ms;
    },
    stop: async () => {
      Atomics.store(running, 0, 0);
      await worker.terminate();
    },
  };
}
