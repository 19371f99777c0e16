/** What is longer is taken for a date in seconds since 1970. */
const LONGEST_RELATIVE_S = 30 * 24 * 60 * 60;
/** A later date is cut to 32 bits by the server: the session would be gone at once. */
const LAST_DATE_S = 2 ** 31 - 1;

/**
 * A lifetime as memcached takes it, rounded up: the server's clock moves in whole seconds, so that N seconds last between N - 1
 * and N. One more is asked for, and a session lives up to 2 s longer than it should, never shorter.
 *
 * @param ttlMs in ms, or `Infinity`.
 * @returns seconds, a date where they are more than 30 days, or 0 for a life that ends with the server: `Infinity`, and what ends
 *   after January 2038.
 */
export function exptime(ttlMs: number): number {
  if (ttlMs === Infinity) return 0;
  const seconds = Math.ceil(ttlMs / 1000) + 1;
  if (seconds <= LONGEST_RELATIVE_S) return seconds;
  const date = Math.ceil((Date.now() + ttlMs) / 1000) + 1;
  return date > LAST_DATE_S ? 0 : date;
}
