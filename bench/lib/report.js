import { BULK_VERBS } from './bulk.js';
import { digits, megabytes, rate, ratio } from './format.js';
import { median } from './statistics.js';

/** @typedef {import('./table.js').Table} Table */
/** @typedef {import('./speed.js').SpeedResult} SpeedResult */
/** @typedef {import('./bulk.js').BulkResult} BulkResult */
/** @typedef {import('./footprint.js').FootprintResult} FootprintResult */

/**
 * Two tables for each concurrency: rates over raw, and what they are made of.
 *
 * @param {string} backend
 * @param {SpeedResult[]} results
 * @param {import('./operations.js').Operation[]} operations
 * @returns {Table[]}
 */
export function speedTables(backend, results, operations) {
  const head = ['', ...operations.map(({ title }) => title)];
  return unique(results.map(({ concurrency }) => concurrency)).flatMap((concurrency) => {
    const here = results.filter((result) => result.concurrency === concurrency);
    const rowsOf = (/** @type {(result: SpeedResult) => string} */ cell) =>
      unique(here.map(({ contestant }) => contestant)).map((contestant) => [
        contestant,
        ...operations.map(({ id }) => cellOf(here, (result) => result.contestant === contestant && result.op === id, cell)),
      ]);
    return [
      {
        title: `${backend} at ${concurrency}: rate over raw`,
        note: 'Median (min-max) of the ratio in each round; above 1 is faster than raw.',
        head,
        rows: rowsOf(({ overRaw }) => ratio(overRaw)),
      },
      {
        title: `${backend} at ${concurrency}: calls a second, client CPU and p50/p99`,
        note: 'Calls a second; CPU, p50 and p99 in microseconds a call.',
        head,
        rows: rowsOf((r) => `${rate(r.opsPerSecond)}; ${digits(r.cpuMicros)}; ${digits(r.p50Micros)}/${digits(r.p99Micros)}`),
      },
    ];
  });
}

/**
 * @param {string} backend
 * @param {BulkResult[]} results
 * @param {number} size
 * @returns {Table}
 */
export function bulkTable(backend, results, size) {
  const cell = (/** @type {BulkResult} */ { overRaw, ms, peakBytes, stallMs, serverMs, waitMs }) => {
    const parts = [`${megabytes(peakBytes)}, ${digits(stallMs)}`];
    if (waitMs !== undefined) parts.push(digits(waitMs));
    if (serverMs !== undefined) parts.push(digits(serverMs));
    return `${ratio(overRaw)} [${digits(median(ms))}] ${parts.join('; ')}`;
  };
  return {
    title: `${backend}: bulk, ${size} sessions`,
    note: 'Time over raw (above 1 is slower) [ms] peak growth of RSS, longest stall of the event loop in ms; of a server: longest wait of another client in ms; longest command that Redis tells of in ms.',
    head: ['', ...BULK_VERBS.map(({ title }) => title)],
    rows: unique(results.map(({ contestant }) => contestant)).map((contestant) => [
      contestant,
      ...BULK_VERBS.map(({ id }) => cellOf(results, (result) => result.contestant === contestant && result.verb === id, cell, 'none')),
    ]),
  };
}

/**
 * @param {string} backend
 * @param {FootprintResult[]} results
 * @returns {Table}
 */
export function footprintTable(backend, results) {
  return {
    title: `${backend}: memory per session`,
    note: 'Bytes per session, each in a process of its own; heap over that of raw; the time of one full garbage collection.',
    head: ['', 'sessions', 'heap', 'over raw', 'RSS', 'full GC, ms'],
    rows: results.map(({ contestant, count, heapBytes, overRaw, rssBytes, collectMs }) => [
      contestant,
      String(count),
      heapBytes.toFixed(0),
      digits(overRaw),
      rssBytes.toFixed(0),
      collectMs.toFixed(0),
    ]),
  };
}

/**
 * @template T
 * @param {T[]} results
 * @param {(result: T) => boolean} isMeant
 * @param {(result: T) => string} cell
 * @param {string} none
 */
function cellOf(results, isMeant, cell, none = '') {
  const found = results.find(isMeant);
  return found === undefined ? none : cell(found);
}

/**
 * @template T
 * @param {T[]} values
 */
function unique(values) {
  return [...new Set(values)];
}
