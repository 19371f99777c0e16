import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { createServer as createTlsServer } from 'node:https';
import { inherits } from 'node:util';
import session from '@sessile/express';
import { describe, expect, it, vi } from 'vitest';
import { answerSession, app, attributes, EXPRESSES, type Client, type Handler, listener, promised, SECRET, serve, STORES } from './apps.js';

const require = createRequire(import.meta.url);
const stock = require('express-session');
const signature = require('cookie-signature');

const MINUTE = 60_000;

/** What a signed cookie holds. */
function idIn(client: Client, name = 'connect.sid'): string {
  const value = decodeURIComponent(client.jar.get(name) ?? '');
  return signature.unsign(value.slice(2), SECRET);
}

function signed(id: string, secret = SECRET): string {
  return encodeURIComponent(`s:${signature.sign(id, secret)}`);
}

const thrown = (options: object) => () => session({ secret: SECRET, ...options } as never);

describe.each(STORES)('%s', (_, makeStore) => {
  const start = (options: object = {}, handler: Handler = answerSession, onError?: (error: any) => void) =>
    app({ store: makeStore(), ...options }, handler, onError);

  describe('options', () => {
    it('A1 cookie: an object or a function of the request; Path=/ and HttpOnly by default, no Secure and no Expires', async () => {
      const plain = await start();
      const { cookie } = await plain.get('/set/a/1');
      expect(attributes(cookie)).toEqual({ path: '/', httponly: true });
      const byRequest = await start({ cookie: (req: any) => ({ path: req.url.startsWith('/set') ? '/set' : '/', httpOnly: false }) });
      expect(attributes((await byRequest.get('/set/a/1')).cookie)).toEqual({ path: '/set' });
      expect(thrown({ cookie: 'x' })).toThrow(new TypeError('argument options must be a object'));
      expect(() => new session.Cookie('x' as never)).toThrow(new TypeError('argument options must be a object'));
      expect('data' in JSON.parse(JSON.stringify(new session.Cookie({ data: 1 })))).toBe(false);
    });

    it('A2 cookie.domain, path, httpOnly, secure false, true and auto', async () => {
      const set = await start({ cookie: { domain: 'a.example', path: '/set', httpOnly: false } });
      expect(attributes((await set.get('/set/a/1')).cookie)).toEqual({ domain: 'a.example', path: '/set' });
      const secure = await start({ cookie: { secure: true }, proxy: true });
      expect((await secure.get('/set/a/1')).cookie).toBeUndefined();
      const over = await secure.get('/set/a/1', { 'x-forwarded-proto': 'https' });
      expect(attributes(over.cookie)).toMatchObject({ secure: true });
      const auto = await start({ cookie: { secure: 'auto' }, proxy: true });
      expect(attributes((await auto.get('/set/a/1')).cookie)['secure']).toBeUndefined();
      auto.jar.clear();
      expect(attributes((await auto.get('/set/a/1', { 'x-forwarded-proto': 'https' })).cookie)).toMatchObject({ secure: true });
    });

    it('A3 cookie.maxAge in ms, cookie.expires a Date, and of both the last one stands', async () => {
      const client = await start({ cookie: { maxAge: MINUTE } });
      const { expires } = attributes((await client.get('/set/a/1')).cookie);
      expect(Math.abs(Date.parse(String(expires)) - Date.now() - MINUTE)).toBeLessThan(3000);
      expect(() => new session.Cookie({ maxAge: 'x' as never })).toThrow(new TypeError('maxAge must be a number or Date'));
      const far = new Date(Date.now() + 3_600_000);
      expect(new session.Cookie({ maxAge: MINUTE, expires: far }).expires).toEqual(far);
      expect(new session.Cookie({ expires: far, maxAge: MINUTE }).originalMaxAge).toBe(MINUTE);
      const date = new session.Cookie({ maxAge: far as never });
      expect(date.expires).toEqual(far);
      expect(new session.Cookie({ maxAge: null }).expires).toBeNull();
    });

    it('A4 cookie.sameSite, partitioned and priority', async () => {
      for (const [sameSite, written] of [
        [true, 'Strict'],
        ['strict', 'Strict'],
        ['lax', 'Lax'],
        ['none', 'None'],
        [false, undefined],
      ] as const) {
        const client = await start({ cookie: { sameSite } });
        expect(attributes((await client.get('/set/a/1')).cookie)['samesite']).toBe(written);
      }
      const auto = await start({ cookie: { sameSite: 'auto' }, proxy: true });
      expect(attributes((await auto.get('/set/a/1')).cookie)['samesite']).toBe('Lax');
      auto.jar.clear();
      expect(attributes((await auto.get('/set/a/1', { 'x-forwarded-proto': 'https' })).cookie)['samesite']).toBe('None');
      const chips = await start({ cookie: { partitioned: true, secure: true, priority: 'high' }, proxy: true });
      const { cookie } = await chips.get('/set/a/1', { 'x-forwarded-proto': 'https' });
      expect(attributes(cookie)).toMatchObject({ partitioned: true, priority: 'High', secure: true });
      expect(thrown({ cookie: { sameSite: 'sometimes' } })).toThrow(TypeError);
    });

    it('A4 better: auto counts in a function of the request too, which is called once', async () => {
      const cookie = vi.fn(() => ({ secure: 'auto', sameSite: 'auto' }));
      const client = await start({ cookie });
      expect(attributes((await client.get('/set/a/1')).cookie)).toEqual({ path: '/', httponly: true, samesite: 'Lax' });
      expect(cookie).toHaveBeenCalledTimes(1);
    });

    it('A5 genid: 32 characters of base64url by default; a function of the request', async () => {
      const client = await start();
      const { id } = JSON.parse((await client.get('/set/a/1')).text);
      expect(id).toMatch(/^[\w-]{32}$/);
      const own = await start({ genid: (req: any) => `id-of-${req.headers['x-user']}` });
      await own.get('/set/a/1', { 'x-user': 'ann' });
      expect(idIn(own)).toBe('id-of-ann');
      expect(thrown({ genid: 'x' })).toThrow(new TypeError('genid option must be a function'));
    });

    it('A6 name, and its old word key', async () => {
      const named = await start({ name: 'sid' });
      expect((await named.get('/set/a/1')).cookies[0]).toMatch(/^sid=/);
      const keyed = await start({ key: 'sid' });
      expect((await keyed.get('/set/a/1')).cookies[0]).toMatch(/^sid=/);
      expect(JSON.parse((await keyed.get()).text).a).toBe('1');
    });

    it('A7 proxy: undefined asks req.secure, true believes the first X-Forwarded-Proto, false the socket alone', async () => {
      const cookie = { secure: true };
      const forwarded = { 'x-forwarded-proto': 'https, http' };
      const believing = await start({ cookie, proxy: true });
      expect((await believing.get('/set/a/1', forwarded)).cookie).toBeDefined();
      expect((await believing.get('/set/a/1', { 'x-forwarded-proto': 'http, https' })).cookie).toBeUndefined();
      const strict = await start({ cookie, proxy: false }, answerSession);
      expect((await strict.get('/set/a/1', forwarded)).cookie).toBeUndefined();
      for (const [, express] of EXPRESSES) {
        const server = express();
        server.set('trust proxy', true);
        server.use(session({ secret: SECRET, store: makeStore(), cookie: { secure: true } }));
        server.use(answerSession);
        const client = await serve(server);
        expect((await client.get('/set/a/1', forwarded)).cookie).toBeDefined();
        expect((await client.get('/set/a/1')).cookie).toBeUndefined();
      }
    });

    it('A8 resave saves what did not change; by default it does not, with compat it does', async () => {
      for (const [options, sets] of [
        [{}, 1],
        [{ resave: true }, 2],
        [{ compat: 'express-session', saveUninitialized: false }, 2],
      ] as const) {
        const store = makeStore();
        const set = vi.spyOn(store, 'set');
        const client = await app({ store, ...options });
        await client.get('/set/a/1');
        await client.get('/');
        expect(set).toHaveBeenCalledTimes(sets);
      }
    });

    it('A9 rolling sends the cookie each time, but none for a session that was not used', async () => {
      const client = await start({ rolling: true, cookie: { maxAge: MINUTE } });
      expect((await client.get('/untouched')).cookie).toBeUndefined();
      expect((await client.get('/set/a/1')).cookie).toBeDefined();
      expect((await client.get('/untouched')).cookie).toBeDefined();
    });

    it('A10 saveUninitialized stores and sends new sessions that hold nothing; by default it does not, with compat it does', async () => {
      for (const [options, stored] of [
        [{}, 0],
        [{ saveUninitialized: true }, 1],
        [{ compat: 'express-session' }, 1],
      ] as const) {
        const store = makeStore();
        const client = await app({ store, ...options });
        expect((await client.get('/untouched')).cookies).toHaveLength(stored);
        expect(await store.length()).toBe(stored);
      }
    });

    it('A11 secret: text, bytes, a key, a list of which the first signs and all verify', async () => {
      const { createSecretKey } = require('node:crypto');
      for (const secret of ['x', Buffer.from('x'), createSecretKey(Buffer.from('x')), ['x', 'old']]) {
        const client = await start({ secret });
        await client.get('/set/a/1');
        expect(signature.unsign(decodeURIComponent(client.jar.get('connect.sid') ?? '').slice(2), 'x')).toMatch(/^[\w-]{32}$/);
      }
      const store = makeStore();
      const old = await app({ store, secret: 'old' });
      await old.get('/set/a/1');
      const rotated = await app({ store, secret: ['new', 'old'] });
      rotated.jar = old.jar;
      expect((await rotated.json('/')).a).toBe('1');
      expect(thrown({ secret: [] })).toThrow(new TypeError('secret option array must contain one or more strings'));
    });

    it('A11 without a secret: that of the request, else an error', async () => {
      const without = await start({ secret: undefined });
      expect(await without.get()).toMatchObject({ status: 500, text: 'secret option required for sessions' });
      const handler = listener(session({ store: makeStore() }), answerSession);
      const client = await serve((req: any, res) => {
        req.secret = SECRET;
        handler(req, res);
      });
      await client.get('/set/a/1');
      expect((await client.json('/')).a).toBe('1');
    });

    it("A13 unset: 'destroy' removes the stored session, 'keep' keeps it as it was before the request", async () => {
      for (const [unset, left] of [
        ['destroy', undefined],
        ['keep', '1'],
        [undefined, '1'],
      ] as const) {
        const client = await start(unset === undefined ? {} : { unset }, (req, res) => {
          if (req.url === '/unset') {
            req.session.b = 2;
            req.session = null;
          }
          return req.url === '/unset' ? res.end() : answerSession(req, res);
        });
        await client.get('/set/a/1');
        const jar = new Map(client.jar);
        await client.get('/unset');
        client.jar = jar;
        expect(await client.json('/')).toEqual(expect.objectContaining(left === undefined ? {} : { a: left }));
        expect((await client.json('/')).b).toBeUndefined();
        if (left === undefined) expect((await client.json('/')).a).toBeUndefined();
      }
      expect(thrown({ unset: 'x' })).toThrow(new TypeError('unset option must be "destroy" or "keep"'));
    });
  });

  describe('request API', () => {
    it('A15 req.session, req.sessionID and req.sessionStore', async () => {
      const store = makeStore();
      const client = await app({ store }, (req, res) => {
        expect(req.sessionStore).toBe(store);
        expect(req.session.id).toBe(req.sessionID);
        expect(Object.keys(req)).toEqual(expect.arrayContaining(['session', 'sessionID', 'sessionStore']));
        req.session.a = 1;
        res.end(req.sessionID);
      });
      const { text } = await client.get();
      expect(text).toBe(idIn(client));
      expect((await client.get()).text).toBe(text);
    });

    it('A15 an id that is read before the session is that of the session', async () => {
      const client = await start({}, (req, res) => {
        const early = req.sessionID;
        req.session.a = 1;
        res.end(String(early === req.session.id && early === req.sessionID));
      });
      expect((await client.get()).text).toBe('true');
    });

    it('A16 only the data and cookie are enumerable; id cannot be changed; methods return this', async () => {
      const client = await start({}, (req, res) => {
        req.session.a = 1;
        const { session: own } = req;
        const names = [];
        for (const name in own) names.push(name);
        expect(names.sort()).toEqual(['a', 'cookie']);
        expect(() => {
          own.id = 'x';
        }).toThrow(TypeError);
        expect(own.id).toBe(req.sessionID);
        expect(own.req).toBe(req);
        expect(own.touch()).toBe(own);
        expect(own.resetMaxAge()).toBe(own);
        expect(own.save(() => res.end('ok'))).toBe(own);
      });
      expect((await client.get()).text).toBe('ok');
    });

    it('A16 a method that an app has replaced is the one that is called', async () => {
      const save = vi.fn();
      const client = await start({}, (req, res) => {
        const original = req.session.save;
        req.session.save = function own(callback: () => void) {
          save();
          return original.call(this, callback);
        };
        req.session.a = 1;
        res.end();
      });
      await client.get();
      expect(save).toHaveBeenCalledTimes(1);
    });

    it('A17 regenerate, destroy, reload and save by callback', async () => {
      const store = makeStore();
      const client = await app({ store }, async (req, res) => {
        const own = req.session;
        if (req.url === '/regenerate') {
          await promised((done) => expect(own.regenerate(done)).toBe(own));
          expect(req.session).not.toBe(own);
          return res.end(String(req.session.a));
        }
        if (req.url === '/destroy') {
          await promised((done) => expect(own.destroy(done)).toBe(own));
          return res.end(String(req.session));
        }
        if (req.url === '/reload') {
          own.a = 'changed';
          await promised((done) => expect(own.reload(done)).toBe(own));
          return res.end(req.session.a);
        }
        if (req.url === '/gone') {
          await store.destroy(req.sessionID);
          return own.reload((error: Error) => res.end(error.message));
        }
        own.a = 'first';
        return own.save(() => res.end());
      });
      await client.get('/');
      const first = idIn(client);
      expect((await client.get('/reload')).text).toBe('first');
      expect((await client.get('/regenerate')).text).toBe('undefined');
      expect(await store.get(first)).toBeNull();
      await client.get('/');
      expect(idIn(client)).not.toBe(first);
      expect((await client.get('/gone')).text).toBe('failed to load session');
      await client.get('/');
      expect((await client.get('/destroy')).text).toBe('undefined');
      expect(await store.length()).toBe(0);
    });

    it('A17 better: regenerate, destroy, reload and save give promises without a callback', async () => {
      const store = makeStore();
      const client = await app({ store }, async (req, res) => {
        req.session.a = 1;
        await req.session.save();
        expect(await store.length()).toBe(1);
        req.session.a = 2;
        await req.session.reload();
        expect(req.session.a).toBe(1);
        await req.session.regenerate();
        expect(req.session.a).toBeUndefined();
        expect(await store.length()).toBe(0);
        req.session.b = 1;
        await req.session.regenerate({ keep: true });
        expect(req.session.b).toBe(1);
        await req.session.save();
        await req.session.destroy();
        expect(await store.length()).toBe(0);
        res.end('ok');
      });
      expect((await client.get()).text).toBe('ok');
    });

    it('A17 better: a promise that fails rejects, and harms nobody where nobody waits for it', async () => {
      const store = makeStore();
      const client = await app({ store }, async (req, res) => {
        req.session.bad = 1n;
        void req.session.save();
        const failed = await req.session.save().then(
          () => 'saved',
          (error: any) => error.code,
        );
        delete req.session.bad;
        res.end(failed);
      });
      expect((await client.get()).text).toBe('ERR_STORE_ENCODE');
    });

    it('A17 regenerate({ keep: true }) keeps data and lifetime under a new id, at once and on the next request', async () => {
      const client = await start({ cookie: { maxAge: MINUTE } }, async (req, res) => {
        if (req.url === '/login') {
          req.session.cookie.maxAge = 30 * MINUTE;
          await req.session.regenerate({ keep: true });
          req.session.user = 'ann';
        }
        return answerSession(req, res);
      });
      await client.get('/set/cart/full');
      const before = idIn(client);
      await client.get('/login');
      const { id, cart, user, cookie } = await client.json('/');
      expect(id).not.toBe(before);
      expect([cart, user, cookie.originalMaxAge]).toEqual(['full', 'ann', 30 * MINUTE]);
      client.jar.set('connect.sid', signed(before));
      expect((await client.json('/')).cart).toBeUndefined();
    });

    it('A18 session.cookie: maxAge, expires, originalMaxAge, data, serialize and toJSON', async () => {
      const client = await start({ cookie: { maxAge: MINUTE, sameSite: 'lax' } }, (req, res) => {
        const { cookie } = req.session;
        expect(cookie.maxAge).toBeLessThanOrEqual(MINUTE);
        expect(cookie.maxAge).toBeGreaterThan(MINUTE - 1000);
        expect(cookie.expires).toBeInstanceOf(Date);
        cookie.maxAge = 5000;
        expect(cookie.originalMaxAge).toBe(5000);
        cookie.expires = false;
        expect(cookie.maxAge).toBe(false);
        cookie.expires = null;
        cookie.maxAge = MINUTE;
        expect(cookie.data).toMatchObject({ path: '/', httpOnly: true, sameSite: 'lax', originalMaxAge: MINUTE });
        expect(cookie.toJSON()).toEqual(cookie.data);
        expect(cookie.serialize('a', 'b c')).toMatch(/^a=b%20c; Path=\/; Expires=.*; HttpOnly; SameSite=Lax$/);
        res.end('ok');
      });
      expect((await client.get()).text).toBe('ok');
    });

    it('A18 better: originalMaxAge stays what it was, however often the lifetime is counted anew', async () => {
      const cookie = new session.Cookie({ maxAge: MINUTE });
      for (let at = 0; at < 100_000; at += 1) cookie.maxAge = cookie.originalMaxAge;
      expect(cookie.originalMaxAge).toBe(MINUTE);
    });
  });

  describe('store', () => {
    it('A19 the middleware gives the store generate(req), which makes a session for a request', async () => {
      const store = makeStore();
      const client = await app({ store }, (req, res) => {
        req.sessionStore.generate(req);
        req.session.made = true;
        res.end(String(req.session.id === req.sessionID));
      });
      expect((await client.get()).text).toBe('true');
      expect(await store.length()).toBe(1);
    });

    it('A19 a store that serves two middlewares makes sessions of the one that a request came through', async () => {
      const store = makeStore();
      const one = await app({ store, cookie: { path: '/', sameSite: 'lax' } });
      const two = await app({ store, cookie: { path: '/', sameSite: 'strict' } });
      expect(attributes((await one.get('/set/a/1')).cookie)['samesite']).toBe('Lax');
      expect(attributes((await two.get('/set/a/1')).cookie)['samesite']).toBe('Strict');
    });

    it('A20 set, get, touch and destroy are looked up on the store when they are called', async () => {
      const store = makeStore();
      const client = await app({ store, unset: 'destroy' }, (req, res) => {
        if (req.url === '/out') req.session = null;
        return req.url === '/out' ? res.end() : answerSession(req, res);
      });
      const calls = Object.fromEntries((['get', 'set', 'touch', 'destroy'] as const).map((name) => [name, vi.spyOn(store, name)]));
      await client.get('/set/a/1');
      await client.get('/');
      await client.get('/untouched');
      expect(Object.entries(calls).map(([name, spy]) => [name, spy.mock.calls.length])).toEqual([
        ['get', 2],
        ['set', 1],
        ['touch', 2],
        ['destroy', 0],
      ]);
      expect(calls['get']?.mock.calls[0]?.[0]).toBe(idIn(client));
    });

    it('A22 disconnect: requests pass without a session; connect: they have one again', async () => {
      const store = makeStore();
      const client = await app({ store }, (req, res) => res.end(String(req.session === undefined)));
      store.emit('disconnect');
      expect((await client.get()).text).toBe('true');
      store.emit('connect');
      expect((await client.get()).text).toBe('false');
    });
  });

  describe('behaviour', () => {
    it('A24 a request that has a session already is left alone', async () => {
      const inner = listener(session({ secret: SECRET, store: makeStore() }), (req, res) => res.end(String(req.session.mine)));
      const client = await serve((req: any, res) => {
        req.session = { mine: true };
        inner(req, res);
      });
      expect((await client.get()).text).toBe('true');
      const [first, second] = [makeStore(), makeStore()];
      const outer = session({ secret: SECRET, store: first });
      const twice = await serve(
        listener(
          (req: any, res: any, next: any) => outer(req, res, () => session({ secret: SECRET, store: second })(req, res, next)),
          answerSession,
        ),
      );
      const reply = await twice.get('/set/a/1');
      expect(reply.cookies).toHaveLength(1);
      expect([await first.length(), await second.length()]).toEqual([1, 0]);
    });

    it("A24 another path than the cookie's has no session, by the original URL", async () => {
      const store = makeStore();
      const handler = (req: any, res: any) => res.end(String(req.session === undefined));
      const client = await app({ store, cookie: { path: '/foo' } }, handler);
      const paths = ['/foo', '/foo/bar', '/foo?x', '/bar', '/'];
      const without = await Promise.all(paths.map(async (path) => (await client.get(path)).text));
      expect(without).toEqual(['false', 'false', 'false', 'true', 'true']);
      const [, express] = EXPRESSES[0] as [string, any];
      const mounted = express();
      mounted.use('/foo', session({ secret: SECRET, store, cookie: { path: '/foo' } }));
      mounted.use(handler);
      expect((await (await serve(mounted)).get('/foo/bar')).text).toBe('false');
    });

    it('A24 better: /foo is not for /foobar, which browsers send no such cookie to; with compat it is', async () => {
      const handler = (req: any, res: any) => res.end(String(req.session === undefined));
      expect((await (await start({ cookie: { path: '/foo' } }, handler)).get('/foobar')).text).toBe('true');
      expect((await (await start({ cookie: { path: '/foo' }, compat: 'express-session' }, handler)).get('/foobar')).text).toBe('false');
    });

    it('A25 the cookie is s:, the id, a dot and base64 of HMAC-SHA256, percent-encoded: express-session reads it, and we read its', async () => {
      const client = await start();
      const { cookie } = await client.get('/set/a/1');
      expect(cookie).toMatch(/^connect\.sid=s%3A[\w-]{32}\.[\w%]+;/);
      expect(idIn(client)).toMatch(/^[\w-]{32}$/);
      const text = new session.Cookie().serialize('connect.sid', `s:${signature.sign('a', SECRET)}`);
      expect(text).toBe(new stock.Cookie().serialize('connect.sid', `s:${signature.sign('a', SECRET)}`));
    });

    it('A25 an unsigned or badly signed cookie is a new session, and the store is not asked', async () => {
      const store = makeStore();
      const client = await app({ store });
      const get = vi.spyOn(store, 'get');
      await store.set('known', { cookie: {}, secret: 'found' });
      for (const value of [
        'known',
        's:known',
        's:known.bad',
        encodeURIComponent('s:known.bad'),
        signed('known', 'other'),
        `${signed('known')}x`,
      ]) {
        client.jar.set('connect.sid', value);
        expect((await client.json('/')).secret).toBeUndefined();
      }
      expect(get).not.toHaveBeenCalled();
      client.jar.set('connect.sid', signed('known'));
      expect((await client.json('/')).secret).toBe('found');
    });

    it('A25 what cookie-parser left in req.signedCookies and req.cookies is taken where the header is not there', async () => {
      const store = makeStore();
      await store.set('known', { cookie: {}, a: 'found' });
      const handler = listener(session({ secret: SECRET, store }), answerSession);
      for (const parsed of [
        { signedCookies: { 'connect.sid': 'known' } },
        { cookies: { 'connect.sid': `s:${signature.sign('known', SECRET)}` } },
      ]) {
        const client = await serve((req, res) => handler(Object.assign(req, parsed), res));
        expect((await client.json('/')).a).toBe('found');
      }
    });

    it('A26 an id that the store does not know gives a new one', async () => {
      const client = await start();
      client.jar.set('connect.sid', signed('chosen-by-another'));
      await client.get('/set/a/1');
      expect(idIn(client)).toMatch(/^[\w-]{32}$/);
    });

    it('A27 A28 a session is saved when its data changed, keys named cookie within it too, and not when they are as they were', async () => {
      const store = makeStore();
      const client = await app({ store }, (req, res) => {
        if (req.url === '/nested') req.session.a.cookie = { x: req.session.a.cookie.x + 1 };
        if (req.url === '/there-and-back') {
          req.session.a.n = 2;
          req.session.a.n = 1;
        }
        req.session.a ??= { cookie: { x: 1 }, n: 1 };
        res.end();
      });
      const set = vi.spyOn(store, 'set');
      await client.get('/');
      expect(set).toHaveBeenCalledTimes(1);
      await client.get('/nested');
      expect(set).toHaveBeenCalledTimes(2);
      await client.get('/there-and-back');
      await client.get('/');
      expect(set).toHaveBeenCalledTimes(2);
    });

    it('A27 better: JSON that other software wrote in its own way has not changed', async () => {
      const store = makeStore();
      const client = await app({ store });
      await store.set('foreign', {
        a: 'x',
        b: { 2: 1, 10: 'ä' },
        cookie: { path: '/', originalMaxAge: null, expires: null, httpOnly: true },
      });
      const set = vi.spyOn(store, 'set');
      client.jar.set('connect.sid', signed('foreign'));
      expect((await client.json('/')).a).toBe('x');
      expect(set).not.toHaveBeenCalled();
    });

    it('A29 a session that is not saved is touched, with its lifetime counted anew', async () => {
      const store = makeStore();
      const client = await app({ store, cookie: { maxAge: MINUTE } });
      await client.get('/set/a/1');
      const touched = vi.fn();
      store.on('touch', touched);
      await client.get('/');
      await client.get('/untouched');
      await expect.poll(() => touched.mock.calls.length).toBe(2);
      const { expires } = (await store.get(idIn(client)))?.['cookie'] ?? {};
      expect(Math.abs(Date.parse(expires) - Date.now() - MINUTE)).toBeLessThan(5000);
    });

    const keepsAlive = async (path: string) => {
      const store = makeStore();
      const client = await app({ store, cookie: { maxAge: 1500 } });
      await client.get('/set/a/1');
      const jar = new Map(client.jar);
      const begun = Date.now();
      while (Date.now() - begun < 2200) {
        client.jar = new Map(jar);
        await client.get(path);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      client.jar = jar;
      expect((await client.json('/')).a).toBe('1');
    };

    it('A29 requests keep a session alive beyond its first end, whether they look at it or not', async () => {
      await Promise.all(['/', '/untouched'].map(keepsAlive));
    });

    it('A30 the cookie is sent for a new session that was used, and for an old one where it changed and has a date', async () => {
      const dated = await start({ cookie: { maxAge: MINUTE } });
      expect((await dated.get('/set/a/1')).cookie).toBeDefined();
      expect((await dated.get('/')).cookie).toBeUndefined();
      expect((await dated.get('/set/a/2')).cookie).toBeDefined();
      const browser = await start();
      expect((await browser.get('/')).cookie).toBeUndefined();
      expect((await browser.get('/set/a/1')).cookie).toBeDefined();
      expect((await browser.get('/set/a/2')).cookie).toBeUndefined();
    });

    it('A30 over an insecure connection no secure cookie is sent, but the session is saved', async () => {
      const store = makeStore();
      const client = await app({ store, cookie: { secure: true } });
      expect((await client.get('/set/a/1')).cookie).toBeUndefined();
      expect(await store.length()).toBe(1);
    });

    it('A30 better: a cookie that the app changed is sent and saved; with compat it is touched alone', async () => {
      const handler = (req: any, res: any) => {
        if (req.url === '/remember') req.session.cookie.maxAge = 30 * MINUTE;
        return answerSession(req, res);
      };
      const client = await start({ cookie: { maxAge: MINUTE } }, handler);
      await client.get('/set/a/1');
      const { cookie } = await client.get('/remember');
      expect(Date.parse(String(attributes(cookie)['expires'])) - Date.now()).toBeGreaterThan(29 * MINUTE);
      expect((await client.json('/')).cookie.originalMaxAge).toBe(30 * MINUTE);
      const compat = await start({ cookie: { maxAge: MINUTE }, compat: 'express-session', resave: false }, handler);
      await compat.get('/set/a/1');
      expect((await compat.get('/remember')).cookie).toBeUndefined();
    });

    it('A31 Set-Cookie joins those of the app, however it sets them', async () => {
      const client = await start({}, (req, res) => {
        req.session.a = Math.random();
        if (req.url === '/set') res.setHeader('Set-Cookie', 'mine=1');
        if (req.url === '/list') res.setHeader('Set-Cookie', ['mine=1', 'other=2']);
        if (req.url === '/head') res.writeHead(200, { 'Set-Cookie': 'mine=1', 'X-Mine': 'yes' });
        if (req.url === '/flat') res.writeHead(200, ['Set-Cookie', 'mine=1', 'Set-Cookie', 'other=2', 'X-Mine', 'yes']);
        if (req.url === '/reason') res.writeHead(200, 'Fine', { 'Set-Cookie': ['mine=1'] });
        res.end('ok');
      });
      const names = [];
      for (const path of ['/set', '/list', '/head', '/flat', '/reason']) {
        client.jar.clear();
        names.push((await client.get(path)).cookies.map((line) => line.split('=')[0]).join());
      }
      expect(names).toEqual([
        'mine,connect.sid',
        'mine,other,connect.sid',
        'mine,connect.sid',
        'mine,other,connect.sid',
        'mine,connect.sid',
      ]);
    });

    it('A31 a cookie that cannot be written is an error, and the answer goes out', async () => {
      const onError = vi.fn();
      const client = await start(
        {},
        (req, res) => {
          req.session.cookie.path = '/ \r\nSet-Cookie: evil=1';
          req.session.a = 1;
          res.end('ok');
        },
        onError,
      );
      const reply = await client.get();
      expect([reply.text, reply.cookies]).toEqual(['ok', []]);
      await expect.poll(() => onError.mock.calls[0]?.[0]).toBeInstanceOf(TypeError);
    });

    it('A33 a session that the app saved itself is not saved again, nor after a reload', async () => {
      const store = makeStore();
      const set = vi.spyOn(store, 'set');
      const client = await app({ store }, async (req, res) => {
        req.session.a = req.url;
        await req.session.save();
        if (req.url === '/reload') await req.session.reload();
        if (req.url === '/more') req.session.b = 1;
        res.end();
      });
      await client.get('/');
      expect(set).toHaveBeenCalledTimes(1);
      await client.get('/reload');
      expect(set).toHaveBeenCalledTimes(2);
      await client.get('/more');
      expect(set).toHaveBeenCalledTimes(4);
    });

    it('A34 better: the cookie of a destroyed session is taken away; with compat it stays', async () => {
      for (const [how, options] of [
        ['destroy', {}],
        ['null', { unset: 'destroy' }],
      ] as const) {
        const client = await start(options, (req, res) => {
          if (req.url === '/out' && how === 'null') req.session = null;
          if (req.url === '/out' && how === 'destroy') return req.session.destroy(() => res.end());
          return req.url === '/out' ? res.end() : answerSession(req, res);
        });
        await client.get('/set/a/1');
        expect(attributes((await client.get('/out')).cookie)).toEqual({
          path: '/',
          expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
          httponly: true,
        });
        expect(client.jar.size).toBe(0);
      }
      const compat = await start({ compat: 'express-session' }, (req, res) => req.session.destroy(() => res.end()));
      await compat.get();
      expect((await compat.get()).cookies).toEqual([]);
    });

    it('A35 names of methods in stored data replace no method', async () => {
      const store = makeStore();
      const client = await app({ store });
      await store.set('odd', { cookie: { path: '/' }, save: 'x', id: 'y', req: 'z', touch: 1, a: 'kept', hasOwnProperty: 1 });
      client.jar.set('connect.sid', signed('odd'));
      const { id, a, save } = await client.json('/');
      expect([id, a, save]).toEqual(['odd', 'kept', undefined]);
    });
  });
});

describe('once, for all stores', () => {
  it('A12 without a store it is a MemoryStore, of which production is warned', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    vi.stubEnv('NODE_ENV', 'production');
    const client = await app({}, (req, res) => res.end(String(req.sessionStore instanceof session.MemoryStore)));
    expect((await client.get()).text).toBe('true');
    expect(warn.mock.calls[0]?.[0]).toMatch(/MemoryStore .*\n.*production/);
    vi.unstubAllEnvs();
    warn.mockRestore();
  });

  it('A14 session, Store, Cookie, Session and MemoryStore, by import and by require', () => {
    const source = `const required = require('@sessile/express');
      import('@sessile/express').then((imported) => console.log(required === imported.default, typeof required, typeof required.Store, typeof required.Cookie, typeof required.Session, typeof required.MemoryStore));`;
    const { stdout } = require('node:child_process').spawnSync(process.execPath, ['-e', source], { cwd: import.meta.dirname });
    expect(String(stdout)).toBe('true function function function function function\n');
    for (const name of ['Store', 'Cookie', 'Session', 'MemoryStore'] as const) expect(typeof session[name]).toBe('function');
  });

  it('A14 A19 Store can be inherited from in every way, and called without new', async () => {
    function OldStore(this: any) {
      session.Store.call(this);
      this.sessions = {};
    }
    inherits(OldStore as never, session.Store as never);
    class NewStore extends session.Store {}
    expect(new (OldStore as any)()).toBeInstanceOf(EventEmitter);
    expect(new NewStore()).toBeInstanceOf(session.Store);
    expect((session.Store as any)()).toBeInstanceOf(session.Store);
    expect(new session.Store().listenerCount('x')).toBe(0);
  });

  it('A19 a store that is no EventEmitter is refused', () => {
    expect(thrown({ store: { get() {}, set() {}, destroy() {} } })).toThrow(/EventEmitter/);
  });

  it('A19 Store gives load, regenerate and createSession', async () => {
    const store = new session.MemoryStore();
    await promised((done) => store.set('a', { cookie: { expires: new Date(Date.now() + MINUTE), originalMaxAge: MINUTE }, n: 1 }, done));
    const loaded = await promised((done) => store.load('a', done));
    expect(loaded).toBeInstanceOf(session.Session);
    expect([loaded.n, loaded.id, loaded.cookie.expires instanceof Date]).toEqual([1, 'a', true]);
    expect(await promised((done) => store.load('b', done))).toBeUndefined();
  });

  it('A21 ENOENT from get is no session, any other error is passed on', async () => {
    class Broken extends session.MemoryStore {}
    const store = new Broken();
    const client = await app({ store });
    client.jar.set('connect.sid', signed('x'));
    for (const [code, status] of [
      ['ENOENT', 200],
      ['EIO', 500],
    ] as const) {
      store.get = (_: string, callback: any) => callback(Object.assign(new Error('boom'), { code }));
      expect((await client.get()).status).toBe(status);
    }
    store.get = () => {
      throw new Error('thrown');
    };
    expect(await client.get()).toMatchObject({ status: 500, text: 'thrown' });
    store.get = (_: string, callback: any) => {
      callback(null, { cookie: {}, a: 1 });
      callback(new Error('again'));
    };
    expect((await client.json('/')).a).toBe(1);
  });

  it('A23 MemoryStore keeps texts, answers later, forgets what expired, and touch changes the cookie alone', async () => {
    const store = new session.MemoryStore();
    const data = { cookie: { expires: new Date(Date.now() + MINUTE) }, n: { x: 1 } };
    let later = false;
    await new Promise<void>((resolve) => {
      store.set('a', data, () => {
        expect(later).toBe(true);
        resolve();
      });
      later = true;
    });
    data.n.x = 2;
    const got = await promised((done) => store.get('a', done));
    expect(got.n.x).toBe(1);
    await promised((done) => store.touch?.('a', { cookie: { expires: new Date(Date.now() + 2 * MINUTE) }, n: 'not this' }, done));
    expect((await promised((done) => store.get('a', done))).n.x).toBe(1);
    await promised((done) => store.touch?.('none', data, done));
    await promised((done) => store.set('old', { cookie: { expires: new Date(Date.now() - 1) } }, done));
    expect(Object.keys((await promised((done) => store.all(done))) ?? {})).toEqual(['a']);
    expect(await promised((done) => store.length(done))).toBe(1);
    expect(await promised((done) => store.get('__proto__', done))).toBeUndefined();
    await promised((done) => store.clear(done));
    expect(await promised((done) => store.length(done))).toBe(0);
  });

  it('A26 a stored session without a cookie is an error, as from stores that are not ours', async () => {
    const store = new session.MemoryStore();
    store.sessions['bad'] = '{"a":1}';
    const client = await app({ store });
    client.jar.set('connect.sid', signed('bad'));
    expect((await client.get()).status).toBe(500);
  });

  it('A20 a store without touch serves', async () => {
    const store = new session.MemoryStore();
    (store as any).touch = undefined;
    const client = await app({ store });
    await client.get('/set/a/1');
    expect((await client.json('/')).a).toBe('1');
  });

  it("A17 A20 sessions of express-session's own Store class answer with promises, too", async () => {
    const store = new stock.MemoryStore();
    const client = await app({ store }, async (req, res) => {
      req.session.n = (req.session.n ?? 0) + 1;
      await req.session.save();
      if (req.session.n === 2) await req.session.regenerate({ keep: true });
      res.end(String(req.session.n));
    });
    const set = vi.spyOn(store, 'set');
    expect([(await client.get()).text, (await client.get()).text, (await client.get()).text]).toEqual(['1', '2', '3']);
    expect(set).toHaveBeenCalledTimes(4);
  });

  it('A2 A7 over TLS a secure cookie is sent', async () => {
    const { key, cert } = require('./fixtures/tls.cjs');
    const server = createTlsServer(
      { key, cert },
      listener(session({ secret: SECRET, cookie: { secure: 'auto', sameSite: 'auto' } }), answerSession),
    );
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as any;
    const headers = await new Promise<any>((resolve, reject) => {
      require('node:https')
        .get({ port, host: '127.0.0.1', path: '/set/a/1', rejectUnauthorized: false, agent: false }, (res: any) => {
          res.resume();
          resolve(res.headers);
        })
        .on('error', reject);
    });
    server.close();
    expect(attributes(headers['set-cookie'][0])).toMatchObject({ secure: true, samesite: 'None' });
  });

  it('A35 DEBUG=express-session and DEBUG=sessile tell what is done, without ids or data', async () => {
    const { execFile } = require('node:child_process');
    for (const DEBUG of ['express-session', 'sessile']) {
      const { stderr } = await new Promise<any>((resolve) => {
        execFile(
          process.execPath,
          [require.resolve('./fixtures/one-request.cjs')],
          { env: { ...process.env, DEBUG } },
          (_: unknown, stdout: string, stderr: string) => resolve({ stdout, stderr }),
        );
      });
      expect(stderr).toMatch(`${DEBUG} `);
      expect(stderr).toMatch(/cookie set: the id is new/);
      expect(stderr).not.toMatch(/a-private-value|the-id/);
    }
  });
});
