import { MongoStore } from '@sessile/store-mongo';
import { backend, namespace, stopAll } from '@sessile/testkit';
import ConnectMongo from 'connect-mongo';
import { MongoClient } from 'mongodb';
import { callbackStore, ourStore } from '../lib/contestant.js';

/** @typedef {import('../lib/contestant.js').Subject} Subject */
/** @typedef {{ _id: string, session: string, expires: Date }} Row */

const DATABASE = 'bench';

let url = '';

/** A client and a collection of each contestant's own, with the index that all of them have. */
async function freshCollection() {
  const client = await new MongoClient(url).connect();
  const collectionName = namespace();
  const collection = /** @type {import('mongodb').Collection<Row>} */ (client.db(DATABASE).collection(collectionName));
  await collection.createIndex({ expires: 1 }, { expireAfterSeconds: 0 });
  return { client, collection, collectionName };
}

/** @param {import('mongodb').Collection<Row>} collection */
function singleVerbs(collection) {
  return {
    get: async (/** @type {string} */ _id) => {
      const row = await collection.findOne({ _id, expires: { $gt: new Date() } });
      return row === null ? null : JSON.parse(row.session);
    },
    set: (/** @type {string} */ _id, /** @type {any} */ data) =>
      collection.updateOne({ _id }, { $set: { session: JSON.stringify(data), expires: data.cookie.expires } }, { upsert: true }),
    touch: (/** @type {string} */ _id, /** @type {any} */ data) =>
      collection.updateOne({ _id, expires: { $gt: new Date() } }, { $set: { expires: data.cookie.expires } }),
    destroy: (/** @type {string} */ _id) => collection.deleteOne({ _id }),
  };
}

/** @param {import('mongodb').Collection<Row>} collection */
function bulkVerbs(collection) {
  const live = () => ({ expires: { $gt: new Date() } });
  return {
    length: () => collection.countDocuments(live()),
    ids: async () => (await collection.find(live(), { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id),
    all: async () => Object.fromEntries((await collection.find(live()).toArray()).map(({ _id, session }) => [_id, JSON.parse(session)])),
    walk: async (/** @type {(session: any) => void} */ visit) => {
      for await (const { session } of collection.find(live())) visit(JSON.parse(session));
    },
    prune: () => collection.deleteMany({ expires: { $lte: new Date() } }),
    clear: () => collection.deleteMany({}),
  };
}

/**
 * What connect-mongo does, without the store. It loses updates.
 *
 * @returns {Promise<Subject>}
 */
async function openRaw() {
  const { client, collection } = await freshCollection();
  return { ...singleVerbs(collection), ...bulkVerbs(collection), close: () => client.close() };
}

/** @param {boolean} stringify */
async function openOurs(stringify) {
  const { client, collectionName } = await freshCollection();
  const store = new MongoStore({ client, database: DATABASE, collectionName, stringify });
  await store.ping();
  await store.length();
  return {
    ...ourStore(store),
    close: async () => {
      await store.close();
      await client.close();
    },
  };
}

/** @returns {Promise<Subject>} */
async function openPeer() {
  const { client, collectionName } = await freshCollection();
  const store = ConnectMongo.create({ client, dbName: DATABASE, collectionName });
  const { ids: _ids, ...verbs } = callbackStore(store);
  return { ...verbs, close: () => client.close() };
}

const ALL = ['get-hit', 'get-miss', 'set-new', 'set-overwrite', 'touch', 'get+touch', 'get+set', 'destroy'];

/** @type {import('../lib/contestant.js').Backend} */
export default {
  name: 'mongo',
  raw: 'mongodb 7 and JSON: findOne, updateOne with upsert, deleteOne; get+set loses updates',
  packages: ['@sessile/core', '@sessile/store-mongo', 'mongodb', 'connect-mongo'],
  contestants: [
    { name: 'raw', kind: 'raw', open: openRaw, bulk: true },
    { name: 'raw again', kind: 'again', open: openRaw, bulk: true },
    { name: '@sessile/store-mongo', kind: 'ours', open: () => openOurs(true), bulk: true },
    { name: 'the same with documents', kind: 'ours', open: () => openOurs(false) },
    { name: 'connect-mongo', kind: 'peer', open: openPeer, bulk: true },
  ],
  aims: [
    { ops: ['get-hit', 'get-miss'], concurrency: 64, atLeast: 8 },
    { ops: ['set-new', 'set-overwrite', 'touch'], concurrency: 64, atLeast: 4 },
    { ops: ['get+touch', 'get+set', 'destroy'], concurrency: 64, atLeast: 3 },
    ...[1, 2, 8].map((concurrency) => ({ ops: ALL, concurrency, atLeast: 0.85 })),
  ],
  serverUrl: () => url,
  setUp: async () => {
    const mongo = await backend('mongo');
    if (mongo.skip !== undefined) throw new Error(mongo.skip);
    url = mongo.url;
    console.log(`mongo: ${mongo.from}`);
  },
  tearDown: stopAll,
};
