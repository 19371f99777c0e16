import type { Call, Page, Stored } from '@sessile/core/driver';
import { type Change, leftOf, type Step } from './clock.js';
import type { Site } from './link.js';
import type { Doc } from './mongo.js';
import { payloadOf, tokenOf, type Value } from './values.js';

/** A document of connect-mongo's, with the server's clock where it tells. */
export interface Row {
  readonly _id: string;
  readonly session?: Value;
  readonly expires?: unknown;
  readonly now?: Date;
}

/** A change of one live session. */
export interface Item extends Change {
  readonly key: string;
  /** What must be stored, where that is asked for. */
  readonly expected?: Value;
}

/** A sid is a value, whatever it is. */
export function byId(sid: string): Doc {
  return { _id: { $eq: sid } };
}

/** The projection of a session, with what is left of its life. */
export function whole({ clock }: Site): { projection: Doc } {
  return { projection: { session: 1, ...clock.fields } };
}

/** A live session as core has it; null where it has expired. */
export function stored(row: unknown): Stored<Value> | null {
  if (row === null || row === undefined) return null;
  const ttlMs = leftOf(row);
  if (ttlMs <= 0) return null;
  const { session } = row as Row;
  const payload = payloadOf(session);
  return { payload, ttlMs, token: tokenOf(session, payload) };
}

/** None where it has expired. */
export function pageItem(row: Row, payloads: boolean): Page<Value> {
  const key = row._id;
  if (!payloads) return leftOf(row) > 0 ? [{ key }] : [];
  const found = stored(row);
  return found === null ? [] : [{ key, stored: found }];
}

/** All that match, in one answer of the server. */
export async function find(site: Site, call: Call, filter: Doc, options: Doc): Promise<readonly Row[]> {
  return (await site.collection.find(filter, { ...site.reads(call), ...options }).toArray()) as Row[];
}

/** Which of these live. */
export async function findLive(site: Site, call: Call, sids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await find(site, call, { _id: { $in: sids } }, { projection: site.clock.fields, batchSize: sids.length + 1 });
  return new Set(rows.filter((row) => leftOf(row) > 0).map(({ _id }) => _id));
}

/** By the server's clock, where it tells and there is a document to tell it. */
export async function now(site: Site, call: Call): Promise<Date> {
  const row = await site.collection.findOne({}, { ...site.reads(call), projection: site.clock.fields });
  return (row as Row | null)?.now ?? new Date();
}

/** The updates of one session, as filter and update. */
export function updatesOf(site: Site, item: Item): { filter: Doc; update: Step['update'] }[] {
  const match = 'expected' in item ? { ...byId(item.key), session: { $eq: item.expected } } : byId(item.key);
  return site.clock.steps(item).map(({ where, update }) => ({ filter: { ...match, ...where }, update }));
}

/** updateOne. @returns whether there was a live session, and the one that was expected. */
export async function change(site: Site, call: Call, item: Item): Promise<boolean> {
  for (const { filter, update } of updatesOf(site, item)) {
    const { matchedCount } = await site.collection.updateOne(filter, update, site.writes(call));
    if (matchedCount > 0) return true;
  }
  return false;
}
