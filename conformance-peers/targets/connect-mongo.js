import { MongoStore } from 'connect-mongo';
import { MongoClient } from 'mongodb';
import { DATABASE, inCollection, spoilDocument } from '../lib/documents.js';
import { serverTarget, urlOf } from '../lib/server-target.js';

const url = await urlOf('mongo');

export default serverTarget({
  name: 'connect-mongo',
  url,
  // The driver's default waits 30 s for a server that is away.
  connect: (address) => new MongoClient(address, { serverSelectionTimeoutMS: 1500 }),
  async open(client, space) {
    const store = MongoStore.create({ client, dbName: DATABASE, collectionName: space });
    // It makes its index in the background, and its page warns of ending the client meanwhile.
    await store.collectionP;
    return store;
  },
  // Its close() ends the client, which the stores share.
  end: (client) => client.close(),
  spoil: (space, sid, text) => spoilDocument(url, space, sid, text),
  rows: (space) => inCollection(url, space, (collection) => collection.countDocuments()),
});
