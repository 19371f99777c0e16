import { describe, it } from 'vitest';
import { MongoDriver } from '@sessile/store-mongo';
import { checks, defineConformance, type Target } from '@sessile/store-conformance';
import { backend, namespace } from '@sessile/testkit';
import { MongoClient } from 'mongodb';
import targets from './fixtures/conformance-targets.js';
import { withoutPipelines } from './fixtures/old-server.js';

const mongo = await backend('mongo');

/** Random histories take as long as they may on FerretDB. On documents two of them do here; the kit's own command runs all. */
const shorter = checks.filter(({ id }) => !['MDL-1', 'MDL-3', 'MDL-4'].includes(id));

describe.skipIf(mongo.skip !== undefined)(`MongoDB (${mongo.skip ?? mongo.from})`, async () => {
  if (mongo.skip !== undefined) return;
  const db = new MongoClient(mongo.url).db('kit');
  const old: Target<MongoDriver> = {
    name: 'MongoDriver on a server that takes no pipelines',
    kind: 'driver',
    create: () => new MongoDriver({ collection: withoutPipelines(db.collection(namespace())) }),
  };
  for (const target of [...((await targets()) as Target[]), old as Target]) {
    defineConformance({ describe, it }, target, target.name.endsWith('Store with documents') ? { checks: shorter } : {});
  }
});
