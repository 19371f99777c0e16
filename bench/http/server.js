/** One Express app with one middleware, or none, in a process of its own: `node server.js MIDDLEWARE STORE [REDIS_URL]`. */
import express from 'express';
import stock from 'express-session';
import { RedisStore as StockRedis } from 'connect-redis';
import { createClient } from 'redis';
import session from '@sessile/express';
import { MemoryStore } from '@sessile/store-memory';
import { RedisStore } from '@sessile/store-redis';
import { Pool } from '../lib/sessions.js';

const [, , middleware = 'none', storeName = 'memory', url] = process.argv;
const SECRET = 'a secret that is long enough';
const SESSIONS = 500;
const MAX_AGE_MS = 86_400_000;

const app = express();
app.disable('x-powered-by');
app.get('/usage', (_request, response) => response.json(process.cpuUsage()));

if (middleware !== 'none') {
  const make = middleware === 'express-session' ? stock : session;
  const store = await makeStore();
  app.use(make({ secret: SECRET, store, resave: false, saveUninitialized: false, cookie: { maxAge: MAX_AGE_MS } }));
}

const pool = new Pool(SESSIONS);
let made = 0;

app.get('/login', (request, response) => {
  const { cookie } = request.session;
  Object.assign(request.session, pool.session((made += 1)), { cookie, n: 0 });
  response.send('in');
});
app.get('/read', (request, response) => response.send(String(request.session?.n)));
app.get('/write', (request, response) => {
  if (request.session) request.session.n = (request.session.n ?? 0) + 1;
  response.send('written');
});
app.get('/anonymous', (request, response) => response.send(request.session?.user === undefined ? 'nobody' : 'somebody'));
app.get('/unseen', (_request, response) => response.send('hello'));

const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }));
process.on('disconnect', () => process.exit());

async function makeStore() {
  if (storeName === 'memory') return middleware === 'express-session' ? new stock.MemoryStore() : new MemoryStore();
  const prefix = `bench-http-${process.pid}:`;
  if (middleware !== 'express-session') return new RedisStore({ url, prefix });
  const client = createClient({ url });
  await client.connect();
  return new StockRedis({ client, prefix });
}
