import express from 'express';
import stock from 'express-session';
import session from '@sessile/express';
import { MAX_AGE_MS, SECRET } from './setting.js';
import { makeStore } from './stores.js';

/**
 * An Express app with express-session, with ours, or alone.
 *
 * @param {import('./setting.js').Setting} setting
 */
export async function makeApp(setting) {
  const app = express();
  app.disable('x-powered-by');
  if (setting.middleware !== 'none') {
    const isStock = setting.middleware === 'express-session';
    const make = isStock ? stock : session;
    const store = await makeStore(setting, isStock ? stock.MemoryStore : undefined);
    app.use(make({ secret: SECRET, store, resave: false, saveUninitialized: false, cookie: { maxAge: MAX_AGE_MS } }));
  }
  app.get('/login', (request, response) => {
    Object.assign(request.session, setting.newData());
    response.send('in');
  });
  app.get('/read', (request, response) => response.send(String(request.session?.n)));
  app.get('/write', (request, response) => {
    if (request.session) request.session.n = (request.session.n ?? 0) + 1;
    response.send('written');
  });
  app.get('/anonymous', (request, response) => response.send(request.session?.user === undefined ? 'nobody' : 'somebody'));
  app.get('/unseen', (_request, response) => response.send('hello'));
  return app;
}
