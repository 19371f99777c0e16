import { ratio } from './format.js';
import { ratios } from './statistics.js';

/** @typedef {import('./speed.js').SpeedResult} SpeedResult */

/**
 * The rows in which ours is behind its aim, or behind a peer.
 *
 * @param {import('./contestant.js').Backend} backend
 * @param {SpeedResult[]} results
 * @returns {import('./table.js').Table}
 */
export function aimsTable(backend, results) {
  const ours = results.filter(({ kind }) => kind === 'ours');
  const rows = ours.flatMap((result) => [...missedAims(backend, result), ...peersAhead(result, results)]);
  return {
    title: `${backend.name}: aims that were missed`,
    note: rows.length === 0 ? 'None.' : 'Compare with the row "raw again" before believing one.',
    head: ['operation', 'at', 'aim', 'is'],
    rows,
  };
}

/**
 * @param {import('./contestant.js').Backend} backend
 * @param {SpeedResult} result
 */
function missedAims({ aims }, { op, concurrency, overRaw }) {
  return aims
    .filter((aim) => aim.concurrency === concurrency && aim.ops.includes(op) && overRaw.median < aim.atLeast)
    .map(({ atLeast }) => [op, String(concurrency), `${atLeast} of raw`, ratio(overRaw)]);
}

/**
 * @param {SpeedResult} result
 * @param {SpeedResult[]} results
 */
function peersAhead({ op, concurrency, rates }, results) {
  return results
    .filter((other) => other.kind === 'peer' && other.op === op && other.concurrency === concurrency)
    .map((peer) => ({ peer, over: ratios(rates, peer.rates) }))
    .filter(({ over }) => over.median < 1)
    .map(({ peer, over }) => [op, String(concurrency), `ahead of ${peer.contestant}`, ratio(over)]);
}
