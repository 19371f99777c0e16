import { UsageError } from '../errors.js';
import type { Kind, Place } from '../url.js';

/** What tells two stores on one server apart, with its default. */
const NAMES: Readonly<Record<Kind, (options: Place['options']) => string>> = {
  redis: ({ prefix = 'sess:' }) => prefix,
  memcached: ({ prefix = '' }) => prefix,
  postgres: ({ schema = '', table = 'session' }) => `${schema}.${table}`,
  mongo: ({ collection = 'sessions' }) => collection,
  sqlite: ({ table = '' }) => table,
};

/**
 * Refuses a copy of a store into itself.
 *
 * @throws UsageError also for two prefixes of which one begins with the other: what is put into one would be found in the other.
 */
export function checkApart(from: Place, to: Place): void {
  if (from.site !== to.site) return;
  const [one, two] = [from, to].map(({ kind, options }) => NAMES[kind](options)) as [string, string];
  if (one === two) throw new UsageError('FROM and TO are the same store. Name another prefix, table or collection.');
  const hasPrefixes = from.kind === 'redis' || from.kind === 'memcached';
  if (hasPrefixes && (one.startsWith(two) || two.startsWith(one))) {
    throw new UsageError(
      'On one server, one of the two prefixes begins with the other: the copies would be found as sessions of FROM. Choose prefixes such as sess: and new-sess:.',
    );
  }
}
