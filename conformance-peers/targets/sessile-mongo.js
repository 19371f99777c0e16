import { MongoStore } from '@sessile/store-mongo';
import { MongoClient } from 'mongodb';
import { DATABASE, inCollection, spoilDocument } from '../lib/documents.js';
import { serverTarget, urlOf } from '../lib/server-target.js';

const url = await urlOf('mongo');

export default serverTarget({
  name: "Sessile's MongoStore",
  url,
  connect: (address) => new MongoClient(address, { serverSelectionTimeoutMS: 1500 }),
  open: (client, space) => new MongoStore({ client, database: DATABASE, collectionName: space, timeoutMs: 4000, pruneEveryMs: false }),
  close: (store) => store.close(),
  end: (client) => client.close(),
  spoil: (space, sid, text) => spoilDocument(url, space, sid, text),
  rows: (space) => inCollection(url, space, (collection) => collection.countDocuments()),
});
