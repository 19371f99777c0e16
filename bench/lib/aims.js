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
  const rows = ours.flatMap((result) => [...missedAims(backend, result, results), ...peersAhead(result, results)]);
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
 * @param {SpeedResult[]} results
 */
function missedAims({ aims }, result, results) {
  const { op, concurrency } = result;
  return aims
    .filter((aim) => aim.concurrency === concurrency && aim.ops.includes(op) && (aim.of ?? result.contestant) === result.contestant)
    .map((aim) => ({ aim, reached: overOther(result, results, aim.over) }))
    .filter(({ aim, reached }) => reached !== undefined && reached.median < aim.atLeast)
    .map(({ aim, reached = result.overRaw }) => [op, String(concurrency), `${aim.atLeast} of ${aim.over ?? 'raw'}`, ratio(reached)]);
}

/**
 * @param {SpeedResult} result
 * @param {SpeedResult[]} results
 * @param {string | undefined} name of a contestant; raw where it is left out.
 * @returns {import('./statistics.js').Spread | undefined} where that one does not take part.
 */
function overOther({ op, concurrency, rates, overRaw }, results, name) {
  if (name === undefined) return overRaw;
  const other = results.find((one) => one.contestant === name && one.op === op && one.concurrency === concurrency);
  return other && ratios(rates, other.rates);
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
