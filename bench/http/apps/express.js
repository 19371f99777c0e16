import { once } from 'node:events';
import express from 'express';
import stock from 'express-session';
import { RedisStore as StockRedis } from 'connect-redis';
import { createClient } from 'redis';
import session from '@sessile/express';
import { MemoryStore } from '@sessile/store-memory';
import { RedisStore } from '@sessile/store-redis';
import { MAX_AGE_MS, PREFIX, SECRET } from './options.js';

/** @param {import('./options.js').AppOptions} options @returns {Promise<number>} its port. */
export async function start({ middleware, store, url, nextSession }) {
  const app = express();
  app.disable('x-powered-by');
  app.get('/usage', (_request, response) => response.json(process.cpuUsage()));
  if (middleware !== 'none') {
    const isStock = middleware === 'express-session';
    const make = isStock ? stock : session;
    const options = { secret: SECRET, resave: false, saveUninitialized: false, cookie: { maxAge: MAX_AGE_MS } };
    app.use(make({ ...options, store: await (isStock ? stockStore(store, url) : ourStore(store, url)) }));
  }
  app.get('/login', (request, response) => {
    const { cookie } = request.session;
    Object.assign(request.session, nextSession(), { cookie });
    response.send('in');
  });
  app.get('/read', (request, response) => response.send(String(request.session?.n)));
  app.get('/write', (request, response) => {
    if (request.session) request.session.n = (request.session.n ?? 0) + 1;
    response.send('written');
  });
  app.get('/anonymous', (request, response) => response.send(request.session?.user === undefined ? 'nobody' : 'somebody'));
  app.get('/unseen', (_request, response) => response.send('hello'));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** @param {string} store @param {string} url */
function ourStore(store, url) {
  return store === 'memory' ? new MemoryStore() : new RedisStore({ url, prefix: PREFIX });
}

/** @param {string} store @param {string} url */
async function stockStore(store, url) {
  if (store === 'memory') return new stock.MemoryStore();
  const client = createClient({ url });
  await client.connect();
  return new StockRedis({ client, prefix: PREFIX });
}
