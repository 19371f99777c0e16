import type { Call } from '@sessile/core/driver';
import type { Link, Site } from './link.js';
import { type Item, updatesOf } from './rows.js';

/** What a bulkWrite did. It does not say which of its updates matched. */
export interface Done {
  readonly matched: number;
  /** What the server refused, by position. */
  readonly failed: ReadonlySet<number>;
}

interface BulkError {
  readonly writeErrors?: { readonly index: number } | readonly { readonly index: number }[];
  readonly result?: { readonly matchedCount?: number };
}

/**
 * An unordered bulkWrite: the failure of one is no other's.
 *
 * @param operations gives undefined where they cannot be done in one command: then all of them count as failed.
 */
export function bulk(
  link: Link,
  call: Call,
  items: readonly unknown[],
  operations: (site: Site) => readonly object[] | undefined,
): Promise<Done> {
  return link.run(call, async (site) => {
    const asked = operations(site);
    if (asked === undefined) return { matched: 0, failed: new Set(items.keys()) };
    try {
      const { matchedCount } = await site.collection.bulkWrite(asked as readonly never[], { ...site.writes(call), ordered: false });
      return { matched: matchedCount, failed: NONE };
    } catch (error) {
      return partOf(error);
    }
  });
}

const NONE: ReadonlySet<number> = new Set();

/** @throws the error, where it is about the whole command. */
function partOf(error: unknown): Done {
  const { writeErrors, result } = (error ?? {}) as BulkError;
  const errors = [writeErrors ?? []].flat();
  if (errors.length === 0) throw error;
  return { matched: result?.matchedCount ?? 0, failed: new Set(errors.map(({ index }) => index)) };
}

/** Updates of live sessions. By this process's clock some take two steps each, which is for one at a time. */
export function bulkOfUpdates(link: Link, call: Call, items: readonly Item[]): Promise<Done> {
  return bulk(link, call, items, (site) => {
    const updates = items.map((item) => updatesOf(site, item));
    return updates.every(({ length }) => length === 1) ? updates.flat().map((updateOne) => ({ updateOne })) : undefined;
  });
}

/** Whether every update matched that was not refused. */
export function isWhole({ matched, failed }: Done, items: readonly unknown[]): boolean {
  return matched === items.length - failed.size;
}

/** The answers of a batch: what failed in it is tried alone. */
export function settled<I, R>(
  items: readonly I[],
  { failed }: Done,
  alone: (item: I) => Promise<R>,
  answers: readonly R[],
): Promise<(R | Error)[]> {
  const errorOf = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
  return Promise.all(items.map((item, index) => (failed.has(index) ? alone(item).catch(errorOf) : (answers[index] as R))));
}
