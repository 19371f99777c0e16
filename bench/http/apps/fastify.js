import cookie from '@fastify/cookie';
import session from '@fastify/session';
import Fastify from 'fastify';
import sessileFastify from '@sessile/core/fastify';
import { MAX_AGE_MS, SECRET } from './setting.js';
import { makeStore } from './stores.js';

/**
 * A Fastify app with @fastify/session and a stock store, the same with a store of ours, or alone.
 *
 * @param {import('./setting.js').Setting} setting
 */
export async function makeApp(setting) {
  const app = Fastify();
  if (setting.middleware !== 'none') {
    const isStock = setting.middleware === '@fastify/session';
    await app.register(cookie);
    await app.register(session, {
      secret: SECRET,
      store: await makeStore(setting, isStock ? session.MemoryStore : undefined),
      saveUninitialized: false,
      // By default it saves each session that a request came with.
      rolling: false,
      cookie: { maxAge: MAX_AGE_MS, secure: false },
    });
    if (!isStock) await app.register(sessileFastify);
  }
  app.get('/login', async ({ session: own }) => {
    Object.assign(own, setting.newData());
    return 'in';
  });
  app.get('/read', async ({ session: own }) => String(own?.n));
  app.get('/write', async ({ session: own }) => {
    if (own) own.n = (own.n ?? 0) + 1;
    return 'written';
  });
  app.get('/anonymous', async ({ session: own }) => (own?.user === undefined ? 'nobody' : 'somebody'));
  app.get('/unseen', async () => 'hello');
  await app.ready();
  return (/** @type {any} */ request, /** @type {any} */ response) => app.routing(request, response);
}
