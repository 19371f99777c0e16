/**
 * The middle of some numbers with the ends of their range.
 *
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/**
 * @param {number[]} values
 * @returns {Spread}
 */
export function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: percentile(sorted, 50), min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}

/** @param {number[]} values */
export function median(values) {
  return spread(values).median;
}

/**
 * Each value over its counterpart of the same round.
 *
 * @param {number[]} values
 * @param {number[]} over
 */
export function ratios(values, over) {
  return spread(values.map((value, round) => value / (over[round] ?? NaN)));
}

/**
 * @param {number[]} sorted ascending.
 * @param {number} percent
 */
export function percentile(sorted, percent) {
  const place = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}
