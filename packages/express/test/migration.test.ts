/* oxlint-disable typescript/consistent-return, typescript/prefer-nullish-coalescing -- the examples are as they are there */
import { createRequire } from 'node:module';
import session from '@sessile/express';
import { MemoryStore } from '@sessile/store-memory';
import { RedisStore } from '@sessile/store-redis';
import { SqliteStore } from '@sessile/store-sqlite';
import { backend, namespace } from '@sessile/testkit';
import { RedisStore as PeerStore } from 'connect-redis';
import { createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import { Client, EXPRESSES, later, serve } from './apps.js';

const require = createRequire(import.meta.url);
const stock = require('express-session');

/** The example of express-session's README, as it is there but for the import. */
function viewCounter(express: any, middleware: any, options: object) {
  const app = express();
  app.use(middleware({ secret: 'keyboard cat', resave: false, saveUninitialized: true, cookie: { maxAge: 60_000 }, ...options }));
  app.use((req: any, _res: any, next: any) => {
    req.session.views ??= {};
    const pathname = req.path;
    req.session.views[pathname] = (req.session.views[pathname] || 0) + 1;
    next();
  });
  app.get('/foo', (req: any, res: any) => res.send(`you viewed this page ${req.session.views['/foo']} times`));
  app.get('/bar', (req: any, res: any) => res.send(`you viewed this page ${req.session.views['/bar']} times`));
  return app;
}

describe.each(EXPRESSES)('on %s', (_name, express) => {
  it.each([
    ['its own MemoryStore', () => new session.MemoryStore()],
    ["express-session's MemoryStore", () => new stock.MemoryStore()],
    ['memory', () => new MemoryStore()],
    ['sqlite', () => new SqliteStore({ file: ':memory:' })],
  ])('nobody is logged out from express-session to ours and back: %s', async (_, make) => {
    const store = make();
    const before = await serve(viewCounter(express, stock, { store }));
    const after = await serve(viewCounter(express, session, { store }));
    const jar = new Map<string, string>();
    const texts: string[] = [];
    for (const { base } of [before, after, before, after, after, before]) texts.push((await new Client(base, jar).get('/foo')).text);
    expect(texts).toEqual([1, 2, 3, 4, 5, 6].map((n) => `you viewed this page ${n} times`));
  });

  it("runs the README's examples: views, expires in, login with regenerate and save", async () => {
    const app = express();
    app.set('trust proxy', 1);
    app.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: true, cookie: { maxAge: 60_000 } }));
    app.get('/views', (req: any, res: any) => {
      if (!req.session.views) {
        req.session.views = 1;
        return res.end('welcome to the session demo. refresh!');
      }
      req.session.views++;
      res.setHeader('Content-Type', 'text/html');
      res.write(`<p>views: ${req.session.views}</p>`);
      res.write(`<p>expires in: ${req.session.cookie.maxAge / 1000}s</p>`);
      res.end();
    });
    app.get('/login', (req: any, res: any, next: any) => {
      req.session.regenerate((error: unknown) => {
        if (error) return next(error);
        req.session.user = 'ann';
        req.session.save((failed: unknown) => (failed ? next(failed) : res.redirect('/me')));
      });
    });
    app.get('/me', (req: any, res: any) => res.send(`hello, ${req.session.user}`));
    app.get('/logout', (req: any, res: any, next: any) => {
      req.session.user = null;
      req.session.save((error: unknown) => {
        if (error) return next(error);
        req.session.regenerate((failed: unknown) => (failed ? next(failed) : res.redirect('/me')));
      });
    });
    const client = await serve(app);
    expect((await client.get('/views')).text).toMatch('welcome');
    expect((await client.get('/views')).text).toMatch(/views: 2.*expires in: (59\.\d+|60)s/);
    const old = client.jar.get('connect.sid');
    expect((await client.get('/login')).status).toBe(302);
    expect(client.jar.get('connect.sid')).not.toBe(old);
    expect((await client.get('/me')).text).toBe('hello, ann');
    await client.get('/logout');
    expect((await client.get('/me')).text).toBe('hello, undefined');
  });
});

describe('on Redis', () => {
  it('nobody is logged out from express-session with connect-redis to ours with RedisStore and back', async (context) => {
    const found = await backend('redis');
    if (found.url === undefined) return context.skip(found.skip);
    const prefix = `${namespace()}:`;
    const client = createClient({ url: found.url });
    await client.connect();
    const ours = new RedisStore({ url: found.url, prefix });
    later(async () => {
      await ours.close();
      client.destroy();
    });
    const before = await serve(viewCounter(require('express'), stock, { store: new PeerStore({ client, prefix }) }));
    const after = await serve(viewCounter(require('express'), session, { store: ours }));
    const peerInOurs = await serve(viewCounter(require('express'), session, { store: new PeerStore({ client, prefix }) }));
    const jar = new Map<string, string>();
    const texts: string[] = [];
    for (const { base } of [before, after, peerInOurs, before, after]) texts.push((await new Client(base, jar).get('/foo')).text);
    expect(texts).toEqual([1, 2, 3, 4, 5].map((n) => `you viewed this page ${n} times`));
  });
});
