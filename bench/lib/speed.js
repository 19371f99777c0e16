import { fill } from './fill.js';
import { Pool } from './sessions.js';
import { runSlice } from './slice.js';
import { median, percentile, ratios } from './statistics.js';

/** @typedef {import('./contestant.js').Contestant} Contestant */
/** @typedef {import('./contestant.js').Subject} Subject */
/** @typedef {import('./operations.js').Operation} Operation */
/** @typedef {import('./statistics.js').Spread} Spread */

const POOL_SIZE = 2000;

/**
 * One contestant in one row.
 *
 * @typedef {object} SpeedResult
 * @property {string} contestant
 * @property {string} kind
 * @property {string} op
 * @property {number} concurrency
 * @property {number[]} rates calls a second, by round.
 * @property {Spread} overRaw of each round's rate over raw's.
 * @property {number} opsPerSecond the median.
 * @property {number} cpuMicros client CPU a call, the median.
 * @property {number} p50Micros
 * @property {number} p99Micros
 */

/** A contestant doing one operation at one concurrency. */
class Lane {
  count = 0;
  /** @type {import('./slice.js').Slice[]} */
  slices = [];

  /**
   * @param {Contestant} contestant
   * @param {Subject} subject
   * @param {Operation} operation
   * @param {number} concurrency
   */
  constructor(contestant, subject, operation, concurrency) {
    this.contestant = contestant;
    this.subject = subject;
    this.operation = operation;
    this.concurrency = concurrency;
  }

  /**
   * @param {Pool} pool
   * @param {number} count
   */
  async run(pool, count) {
    const { subject, operation, concurrency } = this;
    const sids = (await operation.prepare?.(subject, pool, count)) ?? [];
    const slice = await runSlice(operation.calls(subject, pool, sids), count, concurrency);
    await operation.cleanUp?.(subject, sids);
    return slice;
  }

  /**
   * Finds how many calls fill a slice, which also warms up.
   *
   * @param {Pool} pool
   * @param {number} sliceMs
   */
  async calibrate(pool, sliceMs) {
    for (let count = this.concurrency; ; count *= 2) {
      const { rate } = await this.run(pool, this.#bounded(count));
      if (count / rate >= sliceMs / 4000 || this.#bounded(count) < count) return this.#fit(rate, sliceMs);
    }
  }

  /**
   * @param {Pool} pool
   * @param {number} sliceMs
   */
  async measure(pool, sliceMs) {
    const slice = await this.run(pool, this.count);
    this.slices.push(slice);
    this.#fit(slice.rate, sliceMs);
  }

  /**
   * @param {number} rate
   * @param {number} sliceMs
   */
  #fit(rate, sliceMs) {
    this.count = this.#bounded(Math.ceil((rate * sliceMs) / 1000 / this.concurrency) * this.concurrency);
  }

  /** @param {number} count */
  #bounded(count) {
    return Math.max(this.concurrency, Math.min(count, this.operation.most ?? Infinity));
  }
}

/**
 * Runs every contestant in every row, in turns: each round each contestant has one slice of each row, and the order of the
 * contestants moves on by one from round to round.
 *
 * @param {Contestant[]} contestants the first is raw.
 * @param {Operation[]} operations
 * @param {import('./args.js').Settings} settings
 * @param {(done: number, of: number, what: string) => void} progress
 * @returns {Promise<SpeedResult[]>}
 */
export async function measureSpeed(contestants, operations, { concurrency, rounds, sliceMs }, progress) {
  const pool = new Pool(POOL_SIZE);
  const subjects = await Promise.all(contestants.map((contestant) => opened(contestant, pool)));
  const rows = concurrency.flatMap((calls) =>
    operations.map((operation) => contestants.map((contestant, index) => new Lane(contestant, subjects[index], operation, calls))),
  );
  const total = rows.length * (rounds + 1);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, row] of rows.entries()) {
      progress(round * rows.length + index, total, `${row[0].operation.title} at ${row[0].concurrency}`);
      for (const lane of rotated(row, round + index)) {
        await (round === 0 ? lane.calibrate(pool, sliceMs) : lane.measure(pool, sliceMs));
      }
    }
  }
  for (const [index, subject] of subjects.entries()) {
    await check(contestants[index].name, subject, pool);
    await subject.close();
  }
  return rows.flatMap((row) => row.map((lane) => resultOf(lane, row[0])));
}

/**
 * @param {Contestant} contestant
 * @param {Pool} pool
 */
async function opened(contestant, pool) {
  const subject = await contestant.open();
  await fill(subject, pool.sids, (index) => pool.session(index));
  await check(contestant.name, subject, pool);
  return subject;
}

/**
 * A contestant that answers wrongly must not be timed.
 *
 * @param {string} name
 * @param {Subject} subject
 * @param {Pool} pool
 */
async function check(name, subject, pool) {
  for (const [index, sid] of pool.sids.entries()) {
    const session = await subject.get(sid);
    if (session?.userId !== pool.session(index).userId) throw new Error(`${name} lost a session.`);
  }
  const found = await subject.get(pool.missing[0]);
  if (found !== null && found !== undefined) throw new Error(`${name} found a session that nobody stored.`);
}

/**
 * @template T
 * @param {T[]} list
 * @param {number} by
 */
function rotated(list, by) {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

/**
 * @param {Lane} lane
 * @param {Lane} raw
 * @returns {SpeedResult}
 */
function resultOf({ contestant, operation, concurrency, slices }, raw) {
  const rates = slices.map(({ rate }) => rate);
  const latencies = slices.flatMap((slice) => slice.latencies).toSorted((a, b) => a - b);
  return {
    contestant: contestant.name,
    kind: contestant.kind,
    op: operation.id,
    concurrency,
    rates,
    overRaw: ratios(
      rates,
      raw.slices.map(({ rate }) => rate),
    ),
    opsPerSecond: median(rates),
    cpuMicros: median(slices.map(({ cpuMicros }) => cpuMicros)),
    p50Micros: percentile(latencies, 50),
    p99Micros: percentile(latencies, 99),
  };
}
