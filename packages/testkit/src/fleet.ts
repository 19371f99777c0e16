import assert from 'node:assert/strict';
import express from 'express';
import session from 'express-session';
import { Client, serve } from './http.js';

/** Two servers of one site: same secret, same cookie, each with a store of its own on the same backend. */
function app(store: unknown): express.Express {
  const server = express();
  const secret = 'a secret of the fleet';
  server.use(session({ store: store as session.Store, secret, resave: false, saveUninitialized: false, cookie: { maxAge: 60_000 } }));
  server.get('/login', (request, response) => {
    Object.assign(request.session, { user: 'ada', visits: 0 });
    response.send('in');
  });
  server.get('/visit', (request, response) => {
    const visitor = request.session as { user?: string; visits?: number };
    if (visitor.user !== undefined) visitor.visits = (visitor.visits ?? 0) + 1;
    response.json({ user: visitor.user ?? null, visits: visitor.visits ?? null });
  });
  server.get('/look', ({ session: visitor }, response) => {
    response.json({ user: (visitor as { user?: string }).user ?? null });
  });
  server.get('/logout', (request, response) => {
    request.session.destroy(() => response.send('out'));
  });
  return server;
}

/**
 * A fleet that moves from another store to ours, one server at a time: a visitor logs in on either, is served by both in turn, and
 * logs out on the other.
 *
 * @throws AssertionError where a server does not see what another one did.
 */
export async function assertFleet(theirs: unknown, ours: unknown): Promise<void> {
  await using old = await serve(app(theirs));
  await using renewed = await serve(app(ours));
  for (const [here, there] of [
    [old, renewed],
    [renewed, old],
  ] as const) {
    const visitor = new Client(here.url);
    await visitor.get('/login');
    const elsewhere = visitor.clone(there.url);
    for (const [visits, client] of [elsewhere, visitor, elsewhere, visitor].entries()) {
      assert.deepEqual(JSON.parse((await client.get('/visit')).text), { user: 'ada', visits: visits + 1 });
      assert.deepEqual(JSON.parse((await client.get('/look')).text), { user: 'ada' });
    }
    await elsewhere.get('/logout');
    assert.deepEqual(JSON.parse((await visitor.get('/visit')).text), { user: null, visits: null }, 'logged out on the other server');
  }
}
