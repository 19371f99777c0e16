import { defineTraits } from '@sessile/core';
import type { Call, Extend, Page, Replace, Replaced, Stored, StoreDriver, Write } from '@sessile/core/driver';
import { bulk, bulkOfUpdates, isWhole, settled } from './bulk.js';
import { leftOf } from './clock.js';
import { Link } from './link.js';
import { check, type MongoStoreOptions } from './options.js';
import { byId, change, find, findLive, now, pageItem, type Row, stored, updatesOf, whole } from './rows.js';
import { type Value, valueOf } from './values.js';

const PAGE_OF_ROWS = 1000;
const PAGE_OF_KEYS = 5000;
const PAGE = 1000;
/** Strings only: what other ids there are is not ours. */
const OURS = { _id: { $gt: '' } };

/** Sessions as documents of a MongoDB collection. The token is the value of the field `session`, as it was read or written. */
export class MongoDriver implements StoreDriver<Value> {
  readonly traits = defineTraits({
    name: 'mongo',
    payload: 'json',
    maxPayloadBytes: 16 * 1024 * 1024 - 16 * 1024,
    singles: 1,
    batchItems: 32,
  });
  readonly #link: Link;
  readonly #stringify: boolean;
  #closed = false;

  constructor(options: MongoStoreOptions = {}) {
    check(options);
    const { client, collection, url, database, collectionName = 'sessions', ttlIndex = true, timeoutMs = 5000 } = options;
    this.#stringify = options.stringify ?? true;
    this.#link = new Link({ client, collection, url, database, collectionName, ttlIndex, timeoutMs });
  }

  open(report: (state: 'up' | 'down', cause?: unknown) => void): void {
    this.#link.open(report);
  }

  async read(sid: string, call: Call): Promise<Stored<Value> | null> {
    const row = await this.#link.run(call, (site) => site.collection.findOne(byId(sid), { ...site.reads(call), ...whole(site) }));
    return stored(row);
  }

  async readMany(sids: readonly string[], call: Call): Promise<(Stored<Value> | null)[]> {
    const rows = await this.#link.run(call, (site) =>
      find(site, call, { _id: { $in: sids } }, { ...whole(site), batchSize: sids.length + 1 }),
    );
    const found = new Map(rows.map((row) => [row._id, row]));
    return sids.map((sid) => stored(found.get(sid)));
  }

  async write({ key, payload, ttlMs }: Write, call: Call): Promise<Value> {
    const value = valueOf(payload, this.#stringify);
    await this.#link.run(call, ({ collection, clock, writes }) =>
      collection.updateOne(byId(key), clock.write(value, ttlMs), { ...writes(call), upsert: true }),
    );
    return value;
  }

  async writeMany(items: readonly Write[], call: Call): Promise<(Value | Error)[]> {
    const values = items.map(({ payload }) => valueOf(payload, this.#stringify));
    const done = await bulk(this.#link, call, items, ({ clock }) =>
      items.map(({ key, ttlMs }, index) => ({
        updateOne: { filter: byId(key), update: clock.write(values[index], ttlMs), upsert: true },
      })),
    );
    return settled(items, done, (item) => this.write(item, call), values);
  }

  /** updateOne, whose filter asks for the stored value; where it matches nothing, a read tells why. */
  async replace(item: Replace<Value>, call: Call): Promise<Replaced<Value>> {
    const value = valueOf(item.payload, this.#stringify);
    const isDone = await this.#link.run(call, (site) => change(site, call, { ...item, value }), false);
    if (isDone) return { outcome: 'replaced', token: value };
    const current = await this.read(item.key, call);
    return current === null ? { outcome: 'missing' } : { outcome: 'changed', current };
  }

  /** All, or core has to look: a bulkWrite does not say which of its updates matched. */
  async replaceMany(items: readonly Replace<Value>[], call: Call): Promise<(Replaced<Value> | Error)[]> {
    const changes = items.map((item) => ({ ...item, value: valueOf(item.payload, this.#stringify) }));
    const done = await bulkOfUpdates(this.#link, call, changes);
    const all = isWhole(done, items);
    const answers = changes.map(({ value }): Replaced<Value> => (all ? { outcome: 'replaced', token: value } : { outcome: 'unknown' }));
    return settled(items, done, (item) => this.replace(item, call), answers);
  }

  extend(item: Extend, call: Call): Promise<boolean> {
    return this.#link.run(call, (site) => change(site, call, item));
  }

  async extendMany(items: readonly Extend[], call: Call): Promise<(boolean | Error)[]> {
    const done = await bulkOfUpdates(this.#link, call, items);
    const answers = isWhole(done, items) ? items.map(() => true) : await this.#extendLive(items, call);
    return settled(items, done, (item) => this.extend(item, call), answers);
  }

  /** Those that live are extended once more: one may have come into being after the first time. */
  async #extendLive(items: readonly Extend[], call: Call): Promise<boolean[]> {
    const sids = items.map(({ key }) => key);
    const live = await this.#link.run(call, (site) => findLive(site, call, sids));
    const again = items.filter(({ key }) => live.has(key));
    if (again.length > 0) await bulkOfUpdates(this.#link, call, again);
    return sids.map((sid) => live.has(sid));
  }

  /** findOneAndUpdate */
  readAndExtend(item: Extend, call: Call): Promise<Stored<Value> | null> {
    return this.#link.run(call, async (site) => {
      const options = { ...site.writes(call), ...whole(site), returnDocument: 'after', includeResultMetadata: false };
      for (const { filter, update } of updatesOf(site, item)) {
        const row = await site.collection.findOneAndUpdate(filter, update, options);
        if (row !== null) return stored(row);
      }
      return null;
    });
  }

  /**
   * findOneAndDelete: it tells of what was removed whether it lived. Where it finds nothing, a deleteMany makes sure: FerretDB 2.7
   * passes over a document that is updated at the same moment, and a logout would be undone.
   */
  remove(sid: string, call: Call): Promise<boolean> {
    return this.#link.run(call, async ({ collection, clock, writes }) => {
      const options = { ...writes(call), projection: clock.fields, includeResultMetadata: false };
      const row = await collection.findOneAndDelete(byId(sid), options);
      if (row !== null) return leftOf(row as Row) > 0;
      const { deletedCount } = await collection.deleteMany({ ...byId(sid), ...clock.live() }, writes(call));
      return deletedCount > 0;
    });
  }

  /** Of two processes that remove one session at the same moment both may say that it lived: it did, when they looked. */
  async removeMany(sids: readonly string[], call: Call): Promise<boolean[]> {
    const live = await this.#link.run(call, (site) => findLive(site, call, sids));
    await this.#link.run(call, ({ collection, writes }) => collection.deleteMany({ _id: { $in: sids } }, writes(call)));
    return sids.map((sid) => live.has(sid));
  }

  /** By `_id`, so that the server never sorts or holds the whole collection. */
  async *scan(payloads: boolean, call: Call): AsyncGenerator<Page<Value>> {
    const limit = payloads ? PAGE_OF_ROWS : PAGE_OF_KEYS;
    for (let after = '', more = true; more;) {
      const rows = await this.#link.run(call, (site) => {
        const projection = payloads ? whole(site).projection : site.clock.fields;
        return find(site, call, { _id: { $gt: after } }, { projection, sort: { _id: 1 }, limit, batchSize: limit });
      });
      yield rows.flatMap((row) => pageItem(row, payloads));
      more = rows.length === limit;
      after = rows.at(-1)?._id ?? after;
    }
  }

  /** By a date of the server's in place of `$$NOW`, for which it can use the index. */
  count(call: Call): Promise<number> {
    return this.#link.run(call, async (site) => {
      const isLive = { $or: [{ expires: null }, { expires: { $gt: await now(site, call) } }] };
      return site.collection.countDocuments({ ...OURS, ...isLive }, site.reads(call));
    });
  }

  async clear(call: Call): Promise<void> {
    for (let from: string | undefined = ''; from !== undefined && !this.#closed;) {
      const after: string = from;
      from = await this.#link.run(call, async (site) => {
        const [last] = await find(
          site,
          call,
          { _id: { $gt: after } },
          { projection: { _id: 1 }, sort: { _id: 1 }, skip: PAGE - 1, limit: 1 },
        );
        await site.collection.deleteMany({ _id: { $gt: after, ...(last && { $lte: last._id }) } }, site.writes(call));
        return last?._id;
      });
      call.progress();
    }
  }

  /** The TTL index leaves little to do; where there is none, this does it. An index that was dropped is made again. */
  async prune(call: Call): Promise<number> {
    await this.#link.makeIndex(call);
    let pruned = 0;
    for (let found = PAGE; found === PAGE && !this.#closed;) {
      found = await this.#link.run(call, async (site) => {
        const expires = { $lte: await now(site, call) };
        const rows = await find(site, call, { ...OURS, expires }, { projection: { _id: 1 }, limit: PAGE, batchSize: PAGE });
        const ids = rows.map(({ _id }) => _id);
        // What was extended meanwhile stays.
        if (ids.length > 0) pruned += (await site.collection.deleteMany({ _id: { $in: ids }, expires }, site.writes(call))).deletedCount;
        return ids.length;
      });
      call.progress();
    }
    return pruned;
  }

  ping(): Promise<void> {
    return this.#link.ping();
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#link.close();
  }
}
