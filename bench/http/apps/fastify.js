import cookie from '@fastify/cookie';
import session from '@fastify/session';
import Fastify from 'fastify';
import { RedisStore as StockRedis } from 'connect-redis';
import { createClient } from 'redis';
import sessileFastify from '@sessile/core/fastify';
import { MemoryStore } from '@sessile/store-memory';
import { RedisStore } from '@sessile/store-redis';
import { MAX_AGE_MS, PREFIX, SECRET } from './options.js';

/** @param {import('./options.js').AppOptions} options @returns {Promise<number>} its port. */
export async function start({ middleware, store, url, nextSession }) {
  const app = Fastify();
  app.get('/usage', async () => process.cpuUsage());
  if (middleware !== 'none') {
    const isStock = middleware === '@fastify/session';
    await app.register(cookie);
    await app.register(session, {
      secret: SECRET,
      saveUninitialized: false,
      cookie: { secure: false, maxAge: MAX_AGE_MS },
      store: await (isStock ? stockStore(store, url) : ourStore(store, url)),
    });
    if (!isStock) await app.register(sessileFastify);
  }
  app.get('/login', async ({ session: own }) => {
    const { cookie: kept } = own;
    Object.assign(own, nextSession(), { cookie: kept });
    return 'in';
  });
  app.get('/read', async (request) => String(request.session?.n));
  app.get('/write', async (request) => {
    if (request.session) request.session.n = (request.session.n ?? 0) + 1;
    return 'written';
  });
  app.get('/anonymous', async (request) => (request.session?.user === undefined ? 'nobody' : 'somebody'));
  app.get('/unseen', async () => 'hello');
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server.address().port;
}

/** @param {string} store @param {string} url */
function ourStore(store, url) {
  return store === 'memory' ? new MemoryStore() : new RedisStore({ url, prefix: PREFIX });
}

/** Without a store of its own it keeps the caller's objects, and copies nothing. @param {string} store @param {string} url */
async function stockStore(store, url) {
  if (store === 'memory') return undefined;
  const client = createClient({ url });
  await client.connect();
  return new StockRedis({ client, prefix: PREFIX });
}
