import { AssertionError } from 'node:assert';
import { createRequire } from 'node:module';
import { describe, expect, it, vi } from 'vitest';
import {
  answerSession,
  attributes,
  Client,
  CookieJar,
  DAY,
  decoded,
  type Handler,
  held,
  json,
  KOAS,
  MINUTE,
  open,
  PAIRS,
  sent,
  session,
  type Setting,
  site,
} from './apps.js';

const require = createRequire(import.meta.url);
const Keygrip = require('keygrip');

/** A store by hand, as koa-session's README asks for it. */
function handMade() {
  const sessions = new Map<string, any>();
  return {
    sessions,
    get: vi.fn(async (key: string, _maxAge?: unknown, _hints?: unknown) => sessions.get(key)),
    set: vi.fn(async (key: string, value: any, _maxAge?: unknown, _hints?: unknown) => void sessions.set(key, structuredClone(value))),
    destroy: vi.fn(async (key: string, _hints?: unknown) => void sessions.delete(key)),
  };
}

const far = (line: string | undefined) => Date.parse(String(attributes(line)['expires'])) - Date.now();
const [[, Koa3] = ['', undefined as any]] = KOAS;
const app = () => new Koa3();
const thrown = (options: object) => () => session(options as never, app());

describe.each(PAIRS)('%s', (_, Koa, makeStore) => {
  /** In the cookie, and in a store. */
  const MODES = [
    ['cookie', () => ({})],
    ['store', () => ({ store: makeStore() })],
  ] as const;
  const start = (options: object = {}, handler: Handler = answerSession, setting: Setting = {}) =>
    site(options, handler, { Koa, ...setting });

  describe('options', () => {
    it("B1 key: koa.sess by default, or the app's own", async () => {
      for (const [, mode] of MODES) {
        const usual = await start(mode());
        expect(sent(await usual.client.get('/set/a/1'))).toBeDefined();
        const own = await start({ key: 'sid', ...mode() });
        const answer = await own.client.get('/set/a/1');
        expect(answer.setCookie.map((line) => line.split('=')[0])).toEqual(['sid', 'sid.sig']);
        expect((await json(own.client)).a).toBe('1');
      }
    });

    it('B1 the default key also reads a koa:sess cookie with its signature, keeps its name, and ends it with the session', async () => {
      for (const [, mode] of MODES) {
        const options = mode();
        const jar = new CookieJar();
        const old = await start({ key: 'koa:sess', ...options }, answerSession, { jar });
        await old.client.get('/set/a/1');
        const now = await start(options, answerSession, { jar });
        expect((await json(now.client)).a).toBe('1');
        expect(sent(await now.client.get('/set/b/2'), 'koa:sess')).toBeDefined();
        expect(await json(old.client)).toMatchObject({ a: '1', b: '2' });
        const forged = new CookieJar();
        forged.setCookieSync(`koa:sess=${held(old.client, 'koa:sess')}`, now.url);
        forged.setCookieSync(`koa:sess.sig=${'A'.repeat(27)}`, now.url);
        expect((await json(new Client(now.url, forged))).isNew).toBe(true);
        const own = await start({ key: 'other', ...options }, answerSession, { jar: jar.cloneSync() });
        expect((await json(own.client)).isNew).toBe(true);
        await now.client.get('/out');
        expect(now.client.cookies).toEqual([]);
      }
    });

    it('B2 maxAge: ms, one day by default, from the first cookie on; the store gets it and ten seconds', async () => {
      for (const [options, ms] of [
        [{}, DAY],
        [{ maxAge: MINUTE }, MINUTE],
        [{ maxage: MINUTE }, MINUTE],
        [{ maxAge: undefined }, DAY],
      ] as const) {
        const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
        const store = handMade();
        const { client } = await start({ ...options, store });
        warn.mockRestore();
        for (const path of ['/set/a/1', '/set/b/2']) expect(Math.abs(far(sent(await client.get(path))) - ms)).toBeLessThan(3000);
        expect(store.get.mock.calls[0]?.slice(1)).toEqual([ms, { ctx: expect.anything(), rolling: false }]);
        expect(store.set.mock.calls[0]?.[2]).toBe(ms + 10_000);
        const quiet = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
        const inCookie = await start(options);
        quiet.mockRestore();
        expect(Math.abs(far(sent(await inCookie.client.get('/set/a/1'))) - ms)).toBeLessThan(3000);
        expect(decoded(held(inCookie.client))._maxAge).toBe(ms);
      }
    });

    it('B2 maxage warns outside production; what is no lifetime is refused', () => {
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
      session({ maxage: 5 }, app());
      expect(warn.mock.calls).toEqual([['`maxage` option has been renamed to `maxAge`', 'DeprecationWarning']]);
      vi.stubEnv('NODE_ENV', 'production');
      session({ maxage: 5 }, app());
      vi.unstubAllEnvs();
      expect(warn).toHaveBeenCalledTimes(1);
      warn.mockRestore();
      for (const maxAge of ['1d', Number.NaN, Infinity, {}]) expect(thrown({ maxAge })).toThrow(/maxAge must be a finite number/);
    });

    it("B2 maxAge 'session': a cookie without an end, and no text for the store's lifetime", async () => {
      const store = handMade();
      const { client } = await start({ maxAge: 'session', store });
      for (const path of ['/set/a/1', '/set/b/2']) expect(attributes(sent(await client.get(path)))['expires']).toBeUndefined();
      expect(store.set.mock.calls.map(([, , maxAge]) => maxAge)).toEqual([undefined, undefined]);
      expect(store.get.mock.calls.map(([, maxAge]) => maxAge)).toEqual([undefined]);
      expect([...store.sessions.values()]).toEqual([{ a: '1', b: '2', _session: true }]);
      const ours = makeStore();
      const second = await start({ maxAge: 'session', store: ours });
      await second.client.get('/set/a/1');
      expect(await json(second.client)).toMatchObject({ a: '1', isNew: false });
      const inCookie = await start({ maxAge: 'session' });
      await inCookie.client.get('/set/a/1');
      expect(decoded(held(inCookie.client))).toEqual({ a: '1', _session: true });
      expect(await json(inCookie.client)).toMatchObject({ a: '1', isNew: false });
    });

    it('B3 autoCommit, overwrite, httpOnly, signed: on by default, and may be off', async () => {
      for (const [, mode] of MODES) {
        const usual = await start(mode());
        const answer = await usual.client.get('/set/a/1');
        expect(attributes(sent(answer))).toMatchObject({ path: '/', httponly: true });
        expect(sent(answer, 'koa.sess.sig')).toBeDefined();
        const open = await start({ httpOnly: false, signed: false, ...mode() });
        const bare = await open.client.get('/set/a/1');
        expect(attributes(sent(bare))['httponly']).toBeUndefined();
        expect(bare.setCookie).toHaveLength(1);
        expect((await json(open.client)).a).toBe('1');
        const twice: Handler = async (ctx) => {
          ctx.cookies.set('koa.sess', 'other');
          ctx.session.a = 1;
          ctx.body = 'ok';
        };
        const count = (one: { setCookie: readonly string[] }) => one.setCookie.filter((line) => line.startsWith('koa.sess=')).length;
        expect(count(await (await start(mode(), twice)).client.get('/'))).toBe(1);
        expect(count(await (await start({ overwrite: false, ...mode() }, twice)).client.get('/'))).toBe(2);
      }
    });

    it('B3 autoCommit: false saves nothing by itself; manuallyCommit() does', async () => {
      for (const [, mode] of MODES) {
        const { client } = await start({ autoCommit: false, ...mode() }, async (ctx) => {
          ctx.session.a = 1;
          if (ctx.path === '/commit') await ctx.session.manuallyCommit();
          ctx.body = String(ctx.session.isNew);
        });
        expect((await client.get('/')).setCookie).toEqual([]);
        expect((await client.get('/commit')).setCookie).toHaveLength(2);
        expect((await client.get('/')).text).toBe('false');
      }
    });

    it('B3 rolling sends the cookie with each response', async () => {
      for (const [, mode] of MODES) {
        const { client } = await start({ rolling: true, maxAge: MINUTE, ...mode() });
        await client.get('/set/a/1');
        expect(far(sent(await client.get('/')))).toBeGreaterThan(MINUTE - 3000);
      }
      const { client } = await start({ rolling: true, store: makeStore() });
      await client.get('/set/a/1');
      expect(sent(await client.get('/untouched'))).toBeDefined();
    });

    it('B3 renew saves the session when less than half of its life is left, read or not', async () => {
      for (const [, mode] of MODES) {
        const options = { maxAge: MINUTE, renew: true, ...mode() };
        const { client } = await start(options);
        await client.get('/set/a/1');
        expect((await client.get('/')).setCookie).toEqual([]);
        vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + 40_000);
        expect(sent(await client.get('/'))).toBeDefined();
        expect((await client.get('/')).setCookie).toEqual([]);
        vi.restoreAllMocks();
      }
    });

    it('B4 secure: as the connection is, or as it is said; sameSite as a text, true, false or null', async () => {
      const secure = await start({ secure: true });
      expect((await secure.client.get('/set/a/1')).status).toBe(500);
      expect(secure.errors[0].message).toBe('Cannot send secure cookie over unencrypted connection');
      const proxied = app();
      proxied.keys = ['key'];
      proxied.proxy = true;
      proxied.use(session(proxied));
      proxied.use(answerSession);
      const { url } = await open(proxied);
      for (const [proto, flag] of [
        ['https', true],
        ['http', undefined],
      ] as const) {
        const response = await fetch(`${url}/set/a/1`, { headers: { 'x-forwarded-proto': proto } });
        expect(attributes(response.headers.getSetCookie()[0])['secure']).toBe(flag);
      }
      for (const [sameSite, written] of [
        ['lax', 'lax'],
        ['None', 'none'],
        [true, 'strict'],
        [false, undefined],
        [null, undefined],
        [undefined, undefined],
      ] as const) {
        const { client } = await start({ sameSite });
        expect(attributes(sent(await client.get('/set/a/1')))['samesite']).toBe(written);
      }
    });

    it('B4 everything else goes to the cookie: domain, path, priority', async () => {
      const { client } = await start({ domain: '127.0.0.1', path: '/set', priority: 'high' });
      expect(attributes(sent(await client.get('/set/a/1')))).toMatchObject({ domain: '127.0.0.1', path: '/set', priority: 'high' });
    });

    it('B5 externalKey: the id travels as the app says; both functions are required', async () => {
      const store = makeStore();
      const externalKey = {
        get: (ctx: any) => ctx.request.headers['x-session'] ?? ctx.query.token,
        set: vi.fn((ctx: any, key: string) => ctx.set('x-session', key)),
      };
      const { url } = await start({ store, externalKey }, async (ctx) => {
        if (ctx.path === '/again') await ctx.session.regenerate();
        return answerSession(ctx);
      });
      const first = await fetch(`${url}/set/a/1`);
      const key = first.headers.get('x-session') ?? '';
      expect(first.headers.getSetCookie()).toEqual([]);
      expect(await (await fetch(`${url}/?token=${key}`)).json()).toMatchObject({ a: '1', key });
      const again = await fetch(`${url}/again`, { headers: { 'x-session': key } });
      const { key: next } = (await again.json()) as any;
      expect(again.headers.get('x-session')).toBe(next);
      expect(next).not.toBe(key);
      expect(await store.get(key)).toBeNull();
      const unknown = await (await fetch(`${url}/set/a/1`, { headers: { 'x-session': 'chosen' } })).json();
      expect((unknown as any).key).not.toBe('chosen');
      for (const method of ['get', 'set']) {
        const error = new AssertionError({ message: `externalKey.${method} must be function` });
        expect(thrown({ externalKey: { ...externalKey, [method]: 1 } })).toThrow(error.message);
      }
    });

    it('B6 store: get, set and destroy are required, and get what koa-session gives them', async () => {
      for (const method of ['get', 'set', 'destroy']) {
        expect(thrown({ store: { ...handMade(), [method]: null } })).toThrow(AssertionError);
        expect(thrown({ store: { ...handMade(), [method]: null } })).toThrow(`store.${method} must be function`);
      }
      const store = handMade();
      const { client } = await start({ store, rolling: true });
      await client.get('/set/a/1');
      await client.get('/');
      await client.get('/out');
      const key = expect.stringMatching(/^[\da-f-]{36}$/);
      const ctx = expect.objectContaining({ req: expect.anything() });
      const stored = { a: '1', _expire: expect.any(Number), _maxAge: DAY };
      expect(store.set.mock.calls).toEqual([
        [key, stored, DAY + 10_000, { changed: true, rolling: true, ctx }],
        [key, stored, DAY + 10_000, { changed: false, rolling: true, ctx }],
      ]);
      const asked = [key, DAY, { rolling: true, ctx }];
      expect(store.get.mock.calls).toEqual([asked, asked]);
      expect(store.destroy.mock.calls).toEqual([[key, { ctx }]]);
    });

    it('B6 better: the store may be a function of the context', async () => {
      const stores: Record<string, any> = { a: makeStore(), b: makeStore() };
      const { url } = await start({ store: (ctx: any) => stores[ctx.get('x-tenant')] });
      const put = (tenant: string) => fetch(`${url}/set/n/1`, { headers: { 'x-tenant': tenant } });
      await put('a');
      const inCookie = await put('none');
      expect([await stores['a'].length(), await stores['b'].length()]).toEqual([1, 0]);
      expect(decoded(/=([^;]+)/.exec(inCookie.headers.getSetCookie()[0] ?? '')?.[1])).toMatchObject({ n: '1' });
    });

    it('B7 ContextStore: a class, made for each request, that wins over store', async () => {
      const store = makeStore();
      const made: any[] = [];
      class ContextStore {
        constructor(ctx: any) {
          made.push(ctx.path);
        }
        get(key: string, maxAge: any, hints: any) {
          return store.get(key, maxAge, hints);
        }
        set(key: string, value: object, maxAge: any, hints: any) {
          return store.set(key, value, maxAge, hints);
        }
        destroy(key: string, hints: any) {
          return store.destroy(key, hints);
        }
      }
      const other = handMade();
      const { client } = await start({ ContextStore, store: other });
      await client.get('/set/a/1');
      expect((await json(client)).a).toBe('1');
      expect(made).toEqual(['/set/a/1', '/']);
      expect(other.set).not.toHaveBeenCalled();
      expect(thrown({ ContextStore: {} })).toThrow(new AssertionError({ message: 'ContextStore must be a class' }).message);
      expect(thrown({ ContextStore: () => {} })).toThrow('ContextStore must be a class');
      for (const method of ['get', 'set', 'destroy']) {
        const broken = class extends ContextStore {};
        Object.defineProperty(broken.prototype, method, { value: undefined });
        expect(thrown({ ContextStore: broken })).toThrow(`ContextStore.prototype.${method} must be function`);
      }
    });

    it('B8 genid(ctx), a random UUID by default; prefix counts without it', async () => {
      const usual = await start({ store: makeStore() });
      expect((await json(usual.client, '/set/a/1')).key).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/);
      const prefixed = await start({ store: makeStore(), prefix: 'sess:' });
      expect((await json(prefixed.client, '/set/a/1')).key).toMatch(/^sess:[\da-f-]{36}$/);
      const genid = vi.fn((ctx: any) => `id-of-${ctx.path.slice(-1)}`);
      const own = await start({ store: makeStore(), genid, prefix: 'sess:' });
      expect((await json(own.client, '/set/a/1')).key).toBe('id-of-1');
      await own.client.get('/untouched');
      expect(genid).toHaveBeenCalledTimes(1);
    });

    it('B9 encode and decode: base64 of JSON by default', async () => {
      const usual = await start();
      await usual.client.get('/set/a/1');
      expect(decoded(held(usual.client))).toEqual({ a: '1', _expire: expect.any(Number), _maxAge: DAY });
      const own = await start({
        encode: (value: object) => Buffer.from(JSON.stringify({ wrapped: value })).toString('hex'),
        decode: (text: string) => JSON.parse(Buffer.from(text, 'hex').toString()).wrapped,
      });
      await own.client.get('/set/a/1');
      expect(held(own.client)).toMatch(/^[\da-f]+$/);
      expect(await json(own.client)).toMatchObject({ a: '1', isNew: false });
      expect((await own.client.get('/')).setCookie).toEqual([]);
    });

    it('B10 valid(ctx, session): falsy begins a new session; beforeSave(ctx, session) may change it, and is waited for', async () => {
      for (const [, mode] of MODES) {
        const { client, events } = await start({
          valid: (_ctx: any, value: any) => value.user !== 'banned',
          beforeSave: async (ctx: any, value: any) => {
            await new Promise(setImmediate);
            value.saved = ctx.path;
          },
          ...mode(),
        });
        await client.get('/set/user/ann');
        expect(await json(client)).toMatchObject({ user: 'ann', saved: '/set/user/ann' });
        await client.get('/set/user/banned');
        expect((await json(client)).isNew).toBe(true);
        await expect.poll(() => events.map(([name]) => name)).toContain('invalid');
        expect(events.find(([name]) => name === 'invalid')?.[1]).toMatchObject({ value: { user: 'banned' }, ctx: expect.anything() });
      }
    });

    it('B11 the app is required, in either place', () => {
      for (const args of [[], [{}], [{}, {}], [null, undefined]]) {
        expect(() => (session as any)(...args)).toThrow(new TypeError('app instance required: `session(opts, app)`'));
      }
      for (const args of [[app()], [app(), {}], [{}, app()], [undefined, app()], [null, app()]]) {
        expect(typeof (session as any)(...args)).toBe('function');
      }
    });

    it('B12 signed without app.keys fails the request that has a session, and sends no cookie', async () => {
      for (const [, mode] of MODES) {
        const { client, errors } = await start(mode(), answerSession, { keys: null });
        const answer = await client.get('/set/a/1');
        expect([answer.status, answer.setCookie]).toEqual([500, []]);
        expect(errors[0].message).toBe('.keys required for signed cookies');
        expect((await client.get('/untouched')).status).toBe(200);
        const unsigned = await start({ signed: false, ...mode() }, answerSession, { keys: null });
        expect((await unsigned.client.get('/set/a/1')).status).toBe(200);
      }
    });
  });

  describe('ctx', () => {
    it('B13 ctx.session: null ends it, an object replaces it under the same key, and anything else is an error', async () => {
      for (const [, mode] of MODES) {
        const { client, errors } = await start(mode(), (ctx) => {
          if (ctx.path === '/replace') ctx.session = { only: 1 };
          if (ctx.path === '/empty') ctx.session = {};
          if (ctx.path === '/wrong') ctx.session = 'text';
          if (ctx.path === '/undefined') ctx.session = undefined;
          return answerSession(ctx);
        });
        const { key } = await json(client, '/set/a/1');
        expect(await json(client, '/replace')).toEqual({ only: 1, isNew: false, key });
        expect(await json(client)).toEqual({ only: 1, isNew: false, key });
        expect(await json(client, '/empty')).toEqual({ isNew: false, key });
        expect(await json(client)).toEqual({ isNew: false, key });
        for (const path of ['/wrong', '/undefined']) expect((await client.get(path)).status).toBe(500);
        expect(errors.map(({ message }) => message)).toEqual(Array(2).fill('this.session can only be set as null or an object.'));
        await client.get('/out');
        expect((await json(client)).isNew).toBe(true);
      }
    });

    it('B13 it can be read before the middleware, and mocked', async () => {
      const early = app();
      early.keys = ['key'];
      early.use((ctx: any, next: any) => {
        ctx.state.early = ctx.session.a;
        return next();
      });
      early.use(session(early));
      early.use((ctx: any) => {
        ctx.session.a = 1;
        ctx.body = String(ctx.state.early);
      });
      const { client } = await open(early);
      expect((await client.get('/')).text).toBe('undefined');
      expect((await client.get('/')).text).toBe('1');
      expect(Object.getOwnPropertyDescriptor(early.context, 'session')?.configurable).toBe(true);
      Object.defineProperty(early.context, 'session', { value: { a: 'mocked' }, configurable: true });
      expect((await client.get('/')).text).toBe('mocked');
    });

    it('B14 ctx.sessionOptions: the options of this request, and what is changed there counts for it alone', async () => {
      for (const [, mode] of MODES) {
        const { client } = await start({ httpOnly: false, ...mode() }, (ctx) => {
          if (ctx.path === '/long') Object.assign(ctx.sessionOptions, { maxAge: 10 * DAY, sameSite: 'lax' });
          ctx.session.n = (ctx.session.n ?? 0) + 1;
          ctx.body = ctx.sessionOptions;
        });
        const first = await client.get('/');
        expect(JSON.parse(first.text)).toMatchObject({ key: 'koa.sess', maxAge: DAY, httpOnly: false, signed: true, overwrite: true });
        const long = await client.get('/long');
        expect(far(sent(long))).toBeGreaterThan(9 * DAY);
        expect(attributes(sent(long))['samesite']).toBe('lax');
        expect(attributes(sent(await client.get('/')))['samesite']).toBeUndefined();
      }
    });

    it('B15 isNew, length, populated, toJSON, inspect; only the data can be listed', async () => {
      for (const [, mode] of MODES) {
        const { client } = await start(mode(), (ctx) => {
          const { session } = ctx;
          if (ctx.path === '/fill') Object.assign(session, { a: 1, b: { c: 2 }, _hidden: 3, method() {} });
          ctx.body = {
            told: [session.isNew, session.length, session.populated, session.toJSON()],
            inspected: require('node:util').inspect(session),
            keys: Object.keys(session).filter((name) => name !== '_hidden' && name !== 'method'),
          };
        });
        expect(await json(client)).toEqual({ told: [true, 0, false, {}], inspected: '{}', keys: [] });
        const data = { a: 1, b: { c: 2 } };
        const filled = { told: [true, 2, true, data], inspected: '{ a: 1, b: { c: 2 } }', keys: ['a', 'b'] };
        expect(await json(client, '/fill')).toEqual(filled);
        expect((await json(client)).told).toEqual([false, 2, true, data]);
      }
    });

    it('B15 maxAge: what it is set to is saved with the session, and kept', async () => {
      for (const [, mode] of MODES) {
        const { client, errors } = await start(mode(), (ctx) => {
          if (ctx.path === '/remember') ctx.session.maxAge = 30 * DAY;
          if (ctx.path === '/forget') ctx.session.maxAge = 'session';
          if (ctx.path === '/wrong') ctx.session.maxAge = '30d';
          if (ctx.path === '/add') ctx.session.n = (ctx.session.n ?? 0) + 1;
          ctx.body = String(ctx.session.maxAge);
        });
        expect((await client.get('/add')).text).toBe(String(DAY));
        const remembered = await client.get('/remember');
        expect(far(sent(remembered))).toBeGreaterThan(29 * DAY);
        expect((await client.get('/')).text).toBe(String(30 * DAY));
        expect(far(sent(await client.get('/add')))).toBeGreaterThan(29 * DAY);
        expect(attributes(sent(await client.get('/forget')))['expires']).toBeUndefined();
        expect(attributes(sent(await client.get('/add')))['expires']).toBeUndefined();
        expect((await client.get('/')).text).toBe('session');
        expect((await client.get('/wrong')).status).toBe(500);
        expect(errors[0].message).toMatch(/maxAge must be a finite number of milliseconds, or 'session'/);
      }
    });

    it('B15 save() and commit({ save }) save whatever changed, once; with a promise or a callback', async () => {
      for (const [, mode] of MODES) {
        const { client } = await start(mode(), async (ctx) => {
          if (ctx.path === '/save') await ctx.session.save();
          if (ctx.path === '/commit') await ctx.session.commit({ save: true });
          if (ctx.path === '/callback') await new Promise((resolve) => ctx.session.save(resolve));
          if (ctx.path === '/both') await new Promise((resolve) => ctx.session.commit({ save: true }, resolve));
          if (ctx.path === '/bare') await new Promise((resolve) => ctx.session.commit(resolve));
          ctx.body = String(ctx.session.isNew);
        });
        expect((await client.get('/')).setCookie).toEqual([]);
        for (const path of ['/save', '/commit', '/callback', '/both']) expect((await client.get(path)).setCookie).toHaveLength(2);
        expect((await client.get('/bare')).setCookie).toEqual([]);
        expect((await client.get('/')).text).toBe('false');
      }
      const store = handMade();
      const { client } = await start({ store }, async (ctx) => {
        ctx.session.a = 1;
        await ctx.session.save();
        if (ctx.path === '/more') ctx.session.b = 2;
        ctx.body = 'ok';
      });
      await client.get('/');
      expect(store.set).toHaveBeenCalledTimes(1);
      await client.get('/more');
      expect(store.set).toHaveBeenCalledTimes(3);
    });

    it('B15 regenerate() keeps the data, destroys the old key, and tells the new one at once', async () => {
      const store = makeStore();
      const { client } = await start({ store }, async (ctx) => {
        if (ctx.path === '/again') {
          const before = ctx.session.externalKey;
          await ctx.session.regenerate();
          ctx.session.after = [before, ctx.session.externalKey];
        }
        if (ctx.path === '/callback') await new Promise((resolve) => ctx.session.regenerate(resolve));
        return answerSession(ctx);
      });
      const { key } = await json(client, '/set/a/1');
      const copy = client.clone();
      const { after, a } = await json(client, '/again');
      expect(a).toBe('1');
      expect(after[0]).toBe(key);
      expect(after[1]).not.toBe(key);
      expect(await json(client)).toMatchObject({ a: '1', key: after[1], isNew: false });
      expect((await json(copy)).isNew).toBe(true);
      await client.get('/callback');
      expect(await json(client)).toMatchObject({ a: '1', isNew: false });
      expect(await store.length()).toBe(1);
      const inCookie = await start({}, async (ctx) => {
        if (ctx.path === '/again') await ctx.session.regenerate();
        return answerSession(ctx);
      });
      await inCookie.client.get('/set/a/1');
      expect((await inCookie.client.get('/again')).setCookie).toHaveLength(2);
      expect(await json(inCookie.client)).toEqual({ a: '1', isNew: false });
    });

    it('B16 names that begin with _, isNew and functions are not stored', async () => {
      for (const [, mode] of MODES) {
        const { client } = await start(mode(), (ctx) => {
          if (ctx.path === '/fill') Object.assign(ctx.session, { a: 1, _b: 2, c() {}, isNew: 'x' });
          ctx.body = JSON.stringify(Object.entries(ctx.session).filter(([name]) => !name.startsWith('_')));
        });
        await client.get('/fill');
        expect(await json(client)).toEqual([['a', 1]]);
      }
    });

    it('B17 _expire and _maxAge, or _session, are stored beside the data', async () => {
      const store = handMade();
      const { client } = await start({ store, maxAge: MINUTE });
      await client.get('/set/a/1');
      const [stored] = store.sessions.values();
      expect(stored).toEqual({ a: '1', _expire: expect.any(Number), _maxAge: MINUTE });
      expect(Math.abs(stored._expire - Date.now() - MINUTE)).toBeLessThan(3000);
      const ours = makeStore();
      const second = await start({ store: ours, maxAge: MINUTE });
      const { key } = await json(second.client, '/set/a/1');
      expect(JSON.stringify(await ours.get(key))).toMatch(/^\{"a":"1","_expire":\d{13},"_maxAge":60000\}$/);
    });
  });

  describe('behaviour', () => {
    it('B18 a cookie is decoded when the session is read; one that is no JSON is a new session', async () => {
      const decode = vi.fn((text: string) => JSON.parse(Buffer.from(text, 'base64').toString()));
      const { client, url } = await start({ decode });
      await client.get('/set/a/1');
      await client.get('/untouched');
      expect(decode).not.toHaveBeenCalled();
      await client.get('/');
      expect(decode).toHaveBeenCalledTimes(1);
      const usual = await start({ signed: false });
      for (const value of ['x', 'bm8=', 'NQ==', 'bnVsbA==', 'W10=']) {
        const jar = new CookieJar();
        jar.setCookieSync(`koa.sess=${value}`, usual.url);
        expect((await json(new Client(usual.url, jar))).isNew).toBe(value !== 'W10=');
      }
      expect(url).toBeDefined();
    });

    it('B18 any other error of decode takes the cookie away and fails the request', async () => {
      const { client, errors } = await start({
        decode: () => {
          throw new Error('odd');
        },
      });
      await client.get('/set/a/1');
      const answer = await client.get('/');
      expect(answer.status).toBe(500);
      expect(errors[0].message).toBe('odd');
      expect(Date.parse(String(attributes(sent(answer))['expires']))).toBe(0);
      expect((await client.get('/')).status).toBe(200);
    });

    it('B19 what is missing, expired or invalid in the store gets a new key', async () => {
      const store = makeStore();
      const { client } = await start({ store, valid: (_ctx: any, value: any) => !value.invalid });
      const { key } = await json(client, '/set/a/1');
      await store.destroy(key);
      const second = await json(client, '/set/a/1');
      expect(second.isNew).toBe(true);
      expect(second.key).not.toBe(key);
      await store.set(second.key, { a: '1', _expire: Date.now() - 1, _maxAge: DAY }, DAY);
      const third = await json(client, '/set/invalid/1');
      expect(third.key).not.toBe(second.key);
      expect((await json(client, '/set/a/1')).key).not.toBe(third.key);
    });

    it('B20 new and empty: nothing is stored and no cookie sent; what did not change is not saved', async () => {
      for (const [name, mode] of MODES) {
        const options: any = mode();
        const { client } = await start(options);
        expect((await client.get('/')).setCookie).toEqual([]);
        await client.get('/set/a/1');
        const stored = options.store === undefined ? [] : [vi.spyOn(options.store, 'set')];
        expect((await client.get('/')).setCookie).toEqual([]);
        expect((await client.get('/set/a/1')).setCookie).toEqual([]);
        for (const set of stored) expect(set).not.toHaveBeenCalled();
        expect((await client.get('/set/a/2')).setCookie, name).toHaveLength(2);
        for (const set of stored) expect(set).toHaveBeenCalledTimes(1);
      }
    });

    it('B20 better: a change that a CRC-32 does not see is seen', async () => {
      const { client } = await start({ store: makeStore() }, (ctx) => {
        ctx.session.text = ctx.path === '/swap' ? 'codding' : (ctx.session.text ?? 'gnu');
        ctx.body = ctx.session.toJSON();
      });
      await client.get('/');
      await client.get('/swap');
      expect((await json(client)).text).toBe('codding');
    });

    it('B20 a change deep in the data is one', async () => {
      for (const [, mode] of MODES) {
        const { client } = await start(mode(), (ctx) => {
          ctx.session.user ??= { name: 'ann', roles: [] };
          if (ctx.path !== '/') ctx.session.user.roles.push(ctx.path);
          ctx.body = ctx.session.user;
        });
        for (const path of ['/', '/a', '/b']) await client.get(path);
        expect((await json(client)).roles).toEqual(['/a', '/b']);
      }
    });

    it('B20 JSON as other software writes it is no change, and what is changed in it is one', async () => {
      const { url } = await start({ signed: false }, (ctx) => {
        if (ctx.path === '/add') ctx.session.user.roles.push('x');
        ctx.body = ctx.session.toJSON();
      });
      const text = `{"user":{"name":"\\u0061nn","roles":[]},"1":1.0,"_expire":${Date.now() + DAY},"_maxAge":${DAY}}`;
      const jar = new CookieJar();
      jar.setCookieSync(`koa.sess=${Buffer.from(text).toString('base64')}`, url);
      const foreign = new Client(url, jar);
      const answer = await foreign.get('/');
      expect([JSON.parse(answer.text), answer.setCookie]).toEqual([{ 1: 1, user: { name: 'ann', roles: [] } }, []]);
      expect((await foreign.get('/add')).setCookie).toHaveLength(1);
      expect((await json(foreign)).user.roles).toEqual(['x']);
    });

    it('B21 the store gets maxAge + 10 s; changed is true only for a change', async () => {
      const store = handMade();
      const { client } = await start({ store, maxAge: MINUTE }, async (ctx) => {
        if (ctx.path === '/force') await ctx.session.save();
        else ctx.session.a = 1;
        ctx.body = 'ok';
      });
      await client.get('/');
      await client.get('/force');
      expect(store.set.mock.calls.map(([, , maxAge, hints]) => [maxAge, (hints as any).changed])).toEqual([
        [MINUTE + 10_000, true],
        [MINUTE + 10_000, false],
      ]);
    });

    it("B22 the session is saved when the app throws; where both fail, the app's error is answered", async () => {
      const options = { store: handMade() };
      const { client, errors } = await start(options, (ctx) => {
        ctx.session.n = (ctx.session.n ?? 0) + 1;
        if (ctx.path === '/fail') ctx.throw(418, 'mine');
        ctx.body = String(ctx.session.n);
      });
      await client.get('/');
      expect((await client.get('/fail')).status).toBe(418);
      expect((await client.get('/')).text).toBe('3');
      options.store.set.mockImplementationOnce(() => Promise.reject(new Error('full')));
      expect((await client.get('/fail')).status).toBe(418);
      expect(errors.map(({ message }) => message)).toEqual(['mine', 'full', 'mine']);
    });

    it('B23 ending a session destroys it in the store, and expires its cookie', async () => {
      const store = handMade();
      const { client } = await start({ store });
      const { key } = await json(client, '/set/a/1');
      const answer = await client.get('/out');
      expect(store.destroy.mock.calls).toEqual([[key, { ctx: expect.anything() }]]);
      expect(attributes(sent(answer))['expires']).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
      expect(client.cookies).toEqual([]);
      await client.get('/out');
      expect(store.destroy).toHaveBeenCalledTimes(1);
    });

    it('B24 session:missed, session:expired and session:invalid are told to the app, later', async () => {
      const store = makeStore();
      const { client, events } = await start({ store, valid: (_ctx: any, value: any) => value.a !== 'bad' });
      const { key } = await json(client, '/set/a/bad');
      await client.get('/');
      await store.set(key, { a: 'old', _expire: Date.now() - 1, _maxAge: DAY }, DAY);
      await client.get('/untouched');
      await store.destroy(key);
      await client.get('/untouched');
      await expect.poll(() => events.length).toBe(3);
      expect(events.map(([name, { key: told, value }]) => [name, told === key, value?.a])).toEqual([
        ['invalid', true, 'bad'],
        ['expired', true, 'old'],
        ['missed', true, undefined],
      ]);
      for (const [, { ctx }] of events) expect(ctx.app).toBeDefined();
    });
  });
});

describe('tutorials', () => {
  it.each([
    ['cookie', {}],
    ['store', { store: handMade() }],
  ])('E1, E3 regenerateId() is not waited for, and keeps the data: %s', async (_, options) => {
    const { client, errors } = await site(options, (ctx) => {
      if (ctx.path === '/secure') {
        ctx.session.regenerateId();
        ctx.session.late = true;
        ctx.body = 'Session ID Regenerated';
        return;
      }
      answerSession(ctx);
    });
    const { key } = await json(client, '/set/userId/1234');
    expect((await client.get('/secure')).text).toBe('Session ID Regenerated');
    const now = await json(client);
    expect(now).toMatchObject({ userId: '1234', late: true, isNew: false });
    if (key !== undefined) expect(now.key).not.toBe(key);
    expect(errors).toEqual([]);
  });

  it('E2 flash is a name for data', async () => {
    const { client } = await site({}, (ctx) => {
      if (ctx.path === '/flash') {
        ctx.session.flash = 'text';
        ctx.redirect('/');
        return;
      }
      ctx.body = ctx.session.flash ?? 'none';
      ctx.session.flash = null;
    });
    expect((await client.get('/flash')).status).toBe(302);
    expect([(await client.get('/')).text, (await client.get('/')).text]).toEqual(['text', 'none']);
  });
});

describe('signatures', () => {
  it('every key verifies, the first one signs; a Keygrip will do', async () => {
    const jar = new CookieJar();
    await (await site({}, answerSession, { keys: ['old'], jar })).client.get('/set/a/1');
    for (const keys of [['new', 'old'], new Keygrip(['new', 'old'], 'sha1')]) {
      const { client } = await site({}, answerSession, { keys, jar });
      expect((await json(client)).a).toBe('1');
    }
    expect((await json((await site({}, answerSession, { keys: ['new'], jar })).client)).a).toBe('1');
    const forged = await site({}, answerSession, { keys: ['other'], jar });
    expect((await json(forged.client)).isNew).toBe(true);
  });
});
