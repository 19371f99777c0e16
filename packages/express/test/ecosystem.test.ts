import { createRequire } from 'node:module';
import sessile from '@sessile/express';
import { rateLimit } from 'express-rate-limit';
import { describe, expect, it } from 'vitest';
import { EXPRESSES, SECRET, serve, STORES } from './apps.js';

const require = createRequire(import.meta.url);
const passport = require('passport');
const { Strategy } = require('passport-local');
const flash = require('connect-flash');
const { csrfSync } = require('csrf-sync');

/** What stands on `req.session`, as its users install it: on express-session first, to know what it does there. */
describe.each([
  ['express-session', require('express-session')],
  ['@sessile/express', sessile],
])('on %s', (_name, session) => {
  describe.each(EXPRESSES)('%s', (_framework, express) => {
    const begin = (makeStore: () => any) => {
      const app = express();
      app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store: makeStore() }));
      app.use(express.urlencoded({ extended: false }));
      return app;
    };

    it.each(STORES)('passport: login with a new id, a user on each request, messages, logout (%s)', async (_, makeStore) => {
      const users = [{ id: 1, name: 'ann', password: 'secret' }];
      const own = new passport.Passport();
      own.use(
        new Strategy((name: string, password: string, done: any) => {
          const user = users.find((one) => one.name === name && one.password === password);
          done(null, user ?? false, { message: 'wrong' });
        }),
      );
      own.serializeUser((user: any, done: any) => done(null, user.id));
      own.deserializeUser((id: number, done: any) => done(null, users.find((one) => one.id === id) ?? false));
      const app = begin(makeStore);
      app.use(own.session());
      app.get('/cart', (req: any, res: any) => {
        req.session.cart = 'full';
        res.send('ok');
      });
      app.post(
        '/login',
        own.authenticate('local', { failureRedirect: '/failed', failureMessage: true, keepSessionInfo: true }),
        (_: any, res: any) => res.redirect('/me'),
      );
      app.get('/failed', (req: any, res: any) => res.send(req.session.messages.join()));
      app.get('/me', (req: any, res: any) => res.json({ name: req.user?.name, cart: req.session.cart, in: req.isAuthenticated() }));
      app.post('/logout', (req: any, res: any, next: any) => req.logout((error: any) => (error ? next(error) : res.redirect('/me'))));
      const client = await serve(app);
      const post = (path: string, body = '') =>
        client.get(path, { 'content-type': 'application/x-www-form-urlencoded' }, { method: 'POST', body });
      await client.get('/cart');
      const before = client.jar.get('connect.sid');
      expect((await post('/login', 'username=ann&password=no')).headers.get('location')).toBe('/failed');
      expect((await client.get('/failed')).text).toBe('wrong');
      expect((await post('/login', 'username=ann&password=secret')).headers.get('location')).toBe('/me');
      expect(client.jar.get('connect.sid')).not.toBe(before);
      expect(await client.json('/me')).toEqual({ name: 'ann', cart: 'full', in: true });
      await post('/logout');
      expect(await client.json('/me')).toMatchObject({ in: false });
    });

    it.each(STORES)('connect-flash: a message is shown once, after a redirect (%s)', async (_, makeStore) => {
      const app = begin(makeStore);
      app.use(flash());
      app.get('/do', (req: any, res: any) => {
        req.flash('info', 'done');
        req.flash('info', ['and', 'more']);
        res.redirect('/show');
      });
      app.get('/show', (req: any, res: any) => res.json(req.flash('info')));
      const client = await serve(app);
      await client.get('/do');
      expect(await client.json('/show')).toEqual(['done', 'and', 'more']);
      expect(await client.json('/show')).toEqual([]);
    });

    it.each(STORES)('tokens against forged requests, kept in the session (%s)', async (_, makeStore) => {
      const { generateToken, csrfSynchronisedProtection } = csrfSync();
      const app = begin(makeStore);
      app.get('/form', (req: any, res: any) => res.send(generateToken(req)));
      app.use(csrfSynchronisedProtection);
      app.post('/save', (_: any, res: any) => res.send('saved'));
      app.use((error: any, _: any, res: any, _next: any) => res.status(error.statusCode ?? 500).send(error.code));
      const client = await serve(app);
      const token = (await client.get('/form')).text;
      const post = (headers: Record<string, string>) => client.get('/save', headers, { method: 'POST' });
      expect((await post({ 'x-csrf-token': token })).text).toBe('saved');
      expect((await post({ 'x-csrf-token': 'forged' })).status).toBe(403);
      expect((await post({})).status).toBe(403);
    });

    it.each(STORES)('express-rate-limit, counted by the id of the session (%s)', async (_, makeStore) => {
      const app = begin(makeStore);
      app.get('/begin', (req: any, res: any) => {
        req.session.begun = true;
        res.send(req.sessionID);
      });
      app.use(rateLimit({ windowMs: 60_000, limit: 2, keyGenerator: (req: any) => req.session.id, legacyHeaders: false }));
      app.get('/work', (_: any, res: any) => res.send('worked'));
      const client = await serve(app);
      await client.get('/begin');
      const statuses = [];
      for (let at = 0; at < 3; at += 1) statuses.push((await client.get('/work')).status);
      expect(statuses).toEqual([200, 200, 429]);
      client.jar.clear();
      expect((await client.get('/work')).status).toBe(200);
    });
  });
});
