import { Worker } from 'node:worker_threads';
import { collect } from './collect.js';

/**
 * What a long piece of work did to the process.
 *
 * @typedef {object} Watched
 * @property {number} ms
 * @property {number} peakBytes growth of RSS at its highest.
 * @property {number} stallMs the longest time in which the event loop served nobody.
 * @property {unknown} answer
 */

// In a thread of its own, or it would see nothing while the work blocks the loop.
const SAMPLER = `
  const { peaks, running } = require('node:worker_threads').workerData;
  while (Atomics.load(running, 0) === 1) {
    peaks[0] = Math.max(peaks[0], process.memoryUsage.rss());
    Atomics.wait(running, 0, 1, 2);
  }
`;

/**
 * @param {() => Promise<unknown> | undefined} work
 * @returns {Promise<Watched>}
 */
export async function watch(work) {
  collect();
  const sampler = await startSampler();
  const before = process.memoryUsage.rss();
  const ticker = startTicker();
  const start = performance.now();
  try {
    const answer = await work();
    const ms = performance.now() - start;
    const stallMs = ticker.stop();
    return { ms, peakBytes: Math.max(0, sampler.peak() - before), stallMs, answer };
  } finally {
    ticker.stop();
    await sampler.stop();
  }
}

async function startSampler() {
  const peaks = new Float64Array(new SharedArrayBuffer(8));
  const running = new Int32Array(new SharedArrayBuffer(4));
  running[0] = 1;
  const worker = new Worker(SAMPLER, { eval: true, workerData: { peaks, running } });
  await new Promise((resolve) => worker.once('online', resolve));
  // Its start takes memory too, which is not the work's.
  while (peaks[0] === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  peaks[0] = 0;
  return {
    peak: () => Math.max(process.memoryUsage.rss(), peaks[0]),
    stop: async () => {
      Atomics.store(running, 0, 0);
      Atomics.notify(running, 0);
      await new Promise((resolve) => worker.once('exit', resolve));
    },
  };
}

/** The longest time between two turns of a timer, that from the last turn to the end included. */
function startTicker() {
  const everyMs = 1;
  let last = performance.now();
  let longest = 0;
  const tick = (/** @type {number} */ pause) => {
    const now = performance.now();
    longest = Math.max(longest, now - last - pause);
    last = now;
  };
  const timer = setInterval(() => tick(everyMs), everyMs);
  return {
    stop: () => {
      clearInterval(timer);
      tick(0);
      return longest;
    },
  };
}
