/**
 * The app: Express 5, @sessile/express and a Sessile store.
 *
 * @module
 */
import path from 'node:path';
import express from 'express';
import session from '@sessile/express';
import { createApi } from './api.js';
import { noStore, requireOwnHeader, securityHeaders } from './security.js';
import { createStream } from './stream.js';

/** The name of the session cookie. */
const cookieName = 'sessile.demo';

/**
 * @param {object} options
 * @param {import('./store.js').Stores} options.stores
 * @param {string} options.secret signs the cookie
 * @param {number} options.lifetimeMs how long a session lives after its last request
 * @returns {{ app: import('node:http').RequestListener, close: () => void }} `close` ends the streams, which would keep a
 * server open for ever
 */
export function createApp({ stores, secret, lifetimeMs }) {
  const stream = createStream(stores);
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders);
  app.use(express.static(path.join(import.meta.dirname, 'public')));
  app.use('/api', noStore, requireOwnHeader, express.json({ limit: '4kb' }));
  app.use('/api', sessions({ stores, secret, lifetimeMs }), createApi({ stores, stream, cookieName }));
  app.use('/api', (req, res) => res.status(404).json({ error: 'There is nothing at this address.' }));
  app.use(answerError);
  return { app, close: () => stream.close() };
}

/**
 * Two middlewares that differ in their store only: a request with `?conflicts=overwrite` shows what the usual
 * last-write-wins does to the same session.
 *
 * @param {{ stores: import('./store.js').Stores, secret: string, lifetimeMs: number }} options
 */
function sessions({ stores, secret, lifetimeMs }) {
  const settings = {
    name: cookieName,
    secret,
    // Each answer renews the browser's cookie, as the store renews the session.
    rolling: true,
    cookie: { httpOnly: true, sameSite: 'lax', secure: 'auto', maxAge: lifetimeMs },
  };
  const merging = session({ ...settings, store: stores.merge });
  const overwriting = session({ ...settings, store: stores.overwrite });
  return (/** @type {any} */ req, /** @type {any} */ res, /** @type {any} */ next) =>
    req.query.conflicts === 'overwrite' ? overwriting(req, res, next) : merging(req, res, next);
}

/**
 * Express knows an error handler by its four parameters.
 *
 * @param {any} error
 * @param {any} req
 * @param {any} res
 * @param {any} next
 */
function answerError(error, req, res, next) {
  if (res.headersSent) {
    next(error);
    return;
  }
  const status = error.status ?? error.statusCode ?? 500;
  if (status >= 500) console.error(error);
  res.status(status).json({ error: status < 500 ? error.message : 'The server failed.', code: error.code });
}
