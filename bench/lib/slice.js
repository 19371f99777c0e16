import { sweep } from './collect.js';

/** Latencies that are taken in one slice, about. */
const SAMPLES = 200;

/**
 * @typedef {object} Slice
 * @property {number} rate calls a second.
 * @property {number} cpuMicros client CPU a call.
 * @property {number[]} latencies in microseconds, of some of the calls.
 */

/**
 * Makes `count` calls, `concurrency` of them at a time, and times them as a whole. There is no clock between the calls but
 * for every nth, whose latency is taken.
 *
 * @param {(index: number) => Promise<unknown>} call
 * @param {number} count
 * @param {number} concurrency
 * @returns {Promise<Slice>}
 */
export async function runSlice(call, count, concurrency) {
  /** @type {number[]} */
  const latencies = [];
  const sampleEvery = Math.max(1, Math.floor(count / SAMPLES));
  sweep();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const callers = Array.from({ length: concurrency }, (_, caller) =>
    runCaller(call, Math.floor((count * caller) / concurrency), Math.floor((count * (caller + 1)) / concurrency), sampleEvery, latencies),
  );
  await Promise.all(callers);
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { rate: (count / elapsedMs) * 1000, cpuMicros: (user + system) / count, latencies };
}

/**
 * One caller, who waits for each answer before the next call.
 *
 * @param {(index: number) => Promise<unknown>} call
 * @param {number} from
 * @param {number} to
 * @param {number} sampleEvery
 * @param {number[]} latencies
 */
async function runCaller(call, from, to, sampleEvery, latencies) {
  let untilSample = sampleEvery >> 1;
  for (let index = from; index < to; index += 1) {
    if (untilSample > 0) {
      untilSample -= 1;
      await call(index);
    } else {
      untilSample = sampleEvery - 1;
      const start = performance.now();
      await call(index);
      latencies.push((performance.now() - start) * 1000);
    }
  }
}
