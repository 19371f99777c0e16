/** @typedef {import('./statistics.js').Spread} Spread */

/** @param {Spread} spread */
export function ratio({ median, min, max }) {
  return `${digits(median)} (${digits(min)}-${digits(max)})`;
}

/**
 * Two or three digits that count, without an exponent.
 *
 * @param {number} value
 */
export function digits(value) {
  if (Number.isNaN(value)) return '?';
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size >= 0.095 || size === 0 ? value.toFixed(2) : value.toPrecision(2);
}

/** @param {number} value calls a second. */
export function rate(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  return value >= 1000 ? `${(value / 1000).toFixed(value >= 1e5 ? 0 : 1)}k` : value.toFixed(0);
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
