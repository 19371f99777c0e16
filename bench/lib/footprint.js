import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./footprint-child.js', import.meta.url));

/**
 * What sessions take in the process that holds them.
 *
 * @typedef {object} FootprintResult
 * @property {string} contestant
 * @property {string} kind
 * @property {number} count
 * @property {number} heapBytes per session.
 * @property {number} rssBytes per session.
 * @property {number} overRaw heap over raw's.
 * @property {number} collectMs a full garbage collection with all of them.
 */

/**
 * @param {import('./contestant.js').Backend} backend
 * @param {import('./contestant.js').Contestant[]} contestants the first is raw.
 * @param {number[]} sizes
 * @param {(done: number, of: number, what: string) => void} progress
 * @returns {Promise<FootprintResult[]>}
 */
export async function measureFootprint(backend, contestants, sizes, progress) {
  const results = [];
  for (const count of sizes) {
    let raw = NaN;
    for (const { name, kind } of contestants) {
      progress(results.length, sizes.length * contestants.length, `footprint of ${count}, ${name}`);
      const taken = await inChild(backend.name, name, count);
      if (kind === 'raw') raw = taken.heapBytes;
      results.push({ contestant: name, kind, count, ...taken, overRaw: taken.heapBytes / raw });
    }
  }
  return results;
}

/**
 * @param {string} backend
 * @param {string} contestant
 * @param {number} count
 * @returns {Promise<{ heapBytes: number, rssBytes: number, collectMs: number }>}
 */
function inChild(backend, contestant, count) {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [backend, contestant, String(count)], { execArgv: ['--max-old-space-size=8192'] });
    let answer;
    child.on('message', (message) => {
      answer = message;
    });
    child.on('error', reject);
    child.on('exit', (code) => (answer === undefined ? reject(new Error(`${contestant} ended with ${code}.`)) : resolve(answer)));
  });
}
