import { MongoClient } from 'mongodb';

export const DATABASE = 'kit';

/** Looks into a collection, as another program could. */
export async function inCollection(url, name, work) {
  const client = new MongoClient(url);
  try {
    return await work(client.db(DATABASE).collection(name));
  } finally {
    await client.close();
  }
}

/** Puts a text in place of a session. */
export async function spoilDocument(url, name, sid, text) {
  const { matchedCount } = await inCollection(url, name, (found) => found.updateOne({ _id: sid }, { $set: { session: text } }));
  return matchedCount === 1;
}
