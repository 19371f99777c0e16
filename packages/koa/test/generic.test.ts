import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { genericSession } from '@sessile/koa';
import { describe, expect, it, vi } from 'vitest';
import { attributes, Client, CookieJar, DAY, type Handler, held, json, KOAS, MINUTE, open, PAIRS, sent, type Setting } from './apps.js';

const require = createRequire(import.meta.url);
const stock = require('koa-generic-session');

async function answer(ctx: any): Promise<void> {
  const [, verb, name, value] = ctx.path.split('/');
  if (verb === 'out') ctx.session = null;
  if (verb === 'set') ctx.session[name] = value;
  if (verb === 'again') await ctx.regenerateSession();
  ctx.body = verb === 'untouched' ? 'untouched' : { ...ctx.session, id: ctx.sessionId };
}

function generic(options: any, handler: Handler = answer, { Koa = KOAS[0]?.[1], make = genericSession, jar }: Setting = {}) {
  const app = new Koa();
  app.keys = ['key'];
  app.use(make(options));
  app.use(handler);
  return open(app, jar);
}

/** A store by hand, as the README asks for it. */
function handMade(more: object = {}) {
  const sessions = new Map<string, string>();
  return {
    sessions,
    get: vi.fn(async (sid: string): Promise<any> => JSON.parse(sessions.get(sid) ?? 'null')),
    set: vi.fn(async (sid: string, session: object, _ttl?: unknown): Promise<any> => void sessions.set(sid, JSON.stringify(session))),
    destroy: vi.fn(async (sid: string): Promise<any> => void sessions.delete(sid)),
    ...more,
  };
}

const cookie = (one: any) => sent(one, 'koa.sid');

describe.each(PAIRS)('%s', (_, Koa, makeStore) => {
  const start = (options: object = {}, handler?: Handler, setting: Setting = {}) =>
    generic({ store: makeStore(), ...options }, handler, { Koa, ...setting });

  it('C1 key, prefix and store', async () => {
    const store = makeStore();
    const usual = await start({ store });
    const answered = await usual.client.get('/set/a/1');
    expect(answered.setCookie.map((line) => line.split('=')[0])).toEqual(['koa.sid', 'koa.sid.sig']);
    expect(await store.ids()).toEqual([`koa:sess:${held(usual.client, 'koa.sid')}`]);
    const own = await start({ store: makeStore(), key: 'sid', prefix: 'p:' });
    expect(sent(await own.client.get('/set/a/1'), 'sid')).toBeDefined();
    expect((await json(own.client)).a).toBe('1');
  });

  it('C2 ttl in ms or a function of the session; else cookie.expires, else cookie.maxAge', async () => {
    for (const [options, ttl] of [
      [{}, DAY],
      [{ cookie: { maxAge: MINUTE } }, MINUTE],
      [{ ttl: 5 * MINUTE }, 5 * MINUTE],
      [{ ttl: (session: any) => Number(session.a) * MINUTE }, MINUTE],
      [{ cookie: { maxAge: null } }, undefined],
    ] as const) {
      const store = handMade();
      const { client } = await start({ store, ...options });
      await client.get('/set/a/1');
      expect(store.set.mock.calls[0]?.[2]).toBe(ttl);
    }
    const store = handMade();
    const { client } = await start({ store }, (ctx) => {
      ctx.session.cookie.expires = new Date(Date.now() + 10 * MINUTE);
      ctx.body = String(ctx.session.cookie.expires instanceof Date);
    });
    expect((await client.get('/')).text).toBe('true');
    expect(Math.abs((store.set.mock.calls[0]?.[2] as number) - 10 * MINUTE)).toBeLessThan(3000);
    expect((await client.get('/')).text).toBe('true');
  });

  it('C3 rolling saves and sends the cookie each time; allowEmpty stores empty sessions', async () => {
    const rolling = await start({ rolling: true });
    await rolling.client.get('/set/a/1');
    expect(cookie(await rolling.client.get('/untouched'))).toBeDefined();
    const store = makeStore();
    const empty = await start({ store, allowEmpty: true });
    expect(cookie(await empty.client.get('/untouched'))).toBeDefined();
    expect(await store.length()).toBe(1);
  });

  it('C3, C18 defer: the session is loaded when somebody waits for it', async () => {
    const store = makeStore();
    const { client } = await start({ store, defer: true }, async (ctx) => {
      const [, verb, value] = ctx.path.split('/');
      if (verb === 'none') return (ctx.body = 'none');
      if (verb === 'put') ctx.session = { put: value };
      else if (verb === 'out') ctx.session = null;
      else if (verb === 'again') (await ctx.regenerateSession()).again = value;
      else {
        const session = await ctx.session;
        if (verb === 'set') session.a = value;
        if (verb === 'save') {
          session.saved = value;
          await ctx.saveSession();
        }
      }
      return (ctx.body = { ...(await ctx.session), id: ctx.sessionId });
    });
    expect((await client.get('/none')).setCookie).toEqual([]);
    const { id } = await json(client, '/set/1');
    const asked = vi.spyOn(store, 'get');
    await client.get('/none');
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
    expect(await json(client)).toMatchObject({ a: '1', id });
    expect(await json(client, '/save/2')).toMatchObject({ a: '1', saved: '2', id });
    expect(await json(client)).toMatchObject({ saved: '2' });
    expect(await json(client, '/put/3')).toMatchObject({ put: '3' });
    expect(await json(client)).toEqual({ put: '3', cookie: expect.anything(), id });
    const again = await json(client, '/again/4');
    expect(again.id).not.toBe(id);
    expect(await json(client)).toMatchObject({ again: '4', id: again.id });
    await client.get('/out');
    expect(client.cookies).toEqual([]);
    expect(await store.length()).toBe(0);
  });

  it('C4 genSid(24), with this as the context, may be async; 32 characters by default', async () => {
    expect((await json((await start()).client, '/set/a/1')).id).toMatch(/^[\w-]{32}$/);
    const genSid = vi.fn(async function genSid(this: any, bytes: number) {
      return `${bytes}-for-${this.path.slice(1, 4)}`;
    });
    expect((await json((await start({ genSid })).client, '/set/a/1')).id).toBe('24-for-set');
  });

  it('C5 errorHandler(error, type, ctx); by default the error is thrown, by its name; ENOENT is no error', async () => {
    const store = handMade();
    const failing = await start({ store });
    await failing.client.get('/set/a/1');
    store.get.mockRejectedValueOnce(new Error('away'));
    expect((await failing.client.get('/')).status).toBe(500);
    expect([failing.errors[0].message, failing.errors[0].name]).toEqual(['away', 'koa-generic-session get error']);
    store.set.mockRejectedValueOnce(new Error('full'));
    expect((await failing.client.get('/set/a/2')).status).toBe(500);
    expect(failing.errors[1].name).toBe('koa-generic-session set error');
    store.get.mockRejectedValueOnce(Object.assign(new Error('no file'), { code: 'ENOENT' }));
    expect((await json(failing.client)).a).toBeUndefined();
    const errorHandler = vi.fn();
    const handled = await start({ store, errorHandler });
    await handled.client.get('/set/a/1');
    store.set.mockRejectedValueOnce(new Error('full'));
    expect((await handled.client.get('/set/a/2')).status).toBe(200);
    expect(errorHandler.mock.calls).toEqual([[expect.objectContaining({ message: 'full' }), 'set', expect.anything()]]);
  });

  it('C5 better: an error of the store that the handler took is not "no session": the client keeps its cookie', async () => {
    const store = handMade();
    const { client } = await start({ store, errorHandler: () => {} });
    await client.get('/set/a/1');
    store.get.mockRejectedValueOnce(new Error('away'));
    const during = await client.get('/');
    expect([during.status, during.setCookie]).toEqual([200, []]);
    expect((await json(client)).a).toBe('1');
  });

  it('C6 sessionIdStore: get, set and reset, with this as the context', async () => {
    const store = makeStore();
    const calls: string[] = [];
    const sessionIdStore = {
      get(this: any) {
        return this.get('x-sid');
      },
      set(this: any, sid: string, session: any) {
        calls.push(`set ${session.a}`);
        this.set('x-sid', sid);
      },
      reset(this: any) {
        calls.push('reset');
        this.set('x-sid', '');
      },
    };
    const { url } = await start({ store, sessionIdStore });
    const first = await fetch(`${url}/set/a/1`);
    const headers = { 'x-sid': first.headers.get('x-sid') ?? '' };
    expect(await (await fetch(url, { headers })).json()).toMatchObject({ a: '1' });
    await fetch(`${url}/out`, { headers });
    expect(calls).toEqual(['set 1', 'reset']);
    expect(await store.length()).toBe(0);
  });

  it('C7 valid(ctx, session) and beforeSave(ctx, session)', async () => {
    const { client } = await start({
      valid: (_ctx: any, session: any) => session.user !== 'banned',
      beforeSave: (ctx: any, session: any) => void (session.saved = ctx.path),
    });
    await client.get('/set/user/ann');
    expect(await json(client)).toMatchObject({ user: 'ann', saved: '/set/user/ann' });
    await client.get('/set/user/banned');
    expect((await json(client)).user).toBeUndefined();
  });

  it('C8 the cookie: one day, signed, HttpOnly, Path=/; every option of cookies; null lives as long as the browser', async () => {
    const usual = attributes(cookie(await (await start()).client.get('/set/a/1')));
    expect(usual).toMatchObject({ path: '/', httponly: true });
    expect(Math.abs(Date.parse(String(usual['expires'])) - Date.now() - DAY)).toBeLessThan(3000);
    const own = await start({ cookie: { maxage: MINUTE, sameSite: 'lax', httpOnly: false, signed: false } });
    const answered = await own.client.get('/set/a/1');
    expect(attributes(cookie(answered))).toMatchObject({ samesite: 'lax' });
    expect(attributes(cookie(answered))['httponly']).toBeUndefined();
    expect(answered.setCookie).toHaveLength(1);
    expect((await json(own.client)).cookie).toMatchObject({ maxAge: MINUTE });
    const browser = await start({ cookie: { maxAge: null } });
    expect(attributes(cookie(await browser.client.get('/set/a/1')))['expires']).toBeUndefined();
    expect((await json(browser.client)).a).toBe('1');
  });

  it('C9 ctx.sessionId (also given before), ctx.sessionStore, ctx.sessionSave, ctx.saveSession()', async () => {
    const store = handMade();
    const { client } = await start({ store }, async (ctx) => {
      if (ctx.path === '/never') {
        ctx.session.a = 2;
        ctx.sessionSave = false;
      }
      if (ctx.path === '/always') ctx.sessionSave = true;
      if (ctx.path === '/now') {
        ctx.session.a = 3;
        await ctx.saveSession();
        ctx.state.calls = store.set.mock.calls.length;
      }
      if (ctx.path === '/first') ctx.session.a = 1;
      const found = await ctx.sessionStore.get(ctx.sessionId);
      ctx.body = { a: ctx.session.a, stored: found?.a, calls: ctx.state.calls };
    });
    await client.get('/first');
    expect(await json(client)).toEqual({ a: 1, stored: 1 });
    await client.get('/never');
    expect(store.set).toHaveBeenCalledTimes(1);
    expect(cookie(await client.get('/always'))).toBeDefined();
    expect(store.set).toHaveBeenCalledTimes(2);
    expect(await json(client, '/now')).toEqual({ a: 3, stored: 3, calls: 3 });
    expect(store.set).toHaveBeenCalledTimes(3);
    const app = new Koa();
    app.keys = ['key'];
    app.use((ctx: any, next: any) => {
      ctx.sessionId = ctx.query.sid;
      return next();
    });
    app.use(genericSession({ store }));
    app.use(answer);
    const preset = await open(app);
    const [key = ''] = store.sessions.keys();
    expect(await json(preset.client, `/?sid=${key.slice('koa:sess:'.length)}`)).toMatchObject({ a: 3 });
  });

  it('C9 ctx.session = null ends it, another object takes its place; regenerateSession() is new and empty', async () => {
    const store = makeStore();
    const { client } = await start({ store }, async (ctx) => {
      if (ctx.path === '/replace') ctx.session = { only: 1 };
      await answer(ctx);
    });
    const { id } = await json(client, '/set/a/1');
    expect(await json(client, '/replace')).toMatchObject({ only: 1, id });
    expect(await json(client)).toEqual({ only: 1, cookie: expect.anything(), id });
    const again = await json(client, '/again');
    expect(again).toEqual({ cookie: expect.anything(), id: expect.any(String) });
    expect(again.id).not.toBe(id);
    expect(await store.get(`koa:sess:${id}`)).toBeNull();
    // Better: the new session is stored, and its cookie sent, though it is empty.
    expect((await json(client)).id).toBe(again.id);
    const out = await client.get('/out');
    expect(attributes(cookie(out))['expires']).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
    expect(await store.length()).toBe(0);
  });

  it('C10 ctx.session.cookie belongs to one session: its maxAge, and maxage, count for store and cookie', async () => {
    for (const name of ['maxAge', 'maxage']) {
      const store = makeStore();
      const { client } = await start({ store }, (ctx) => {
        if (ctx.path === '/remember') ctx.session.cookie[name] = 30 * DAY;
        if (ctx.path === '/add') ctx.session.n = (ctx.session.n ?? 0) + 1;
        ctx.body = ctx.session;
      });
      await client.get('/add');
      for (const path of ['/remember', '/add']) {
        expect(Date.parse(String(attributes(cookie(await client.get(path)))['expires']))).toBeGreaterThan(Date.now() + 29 * DAY);
      }
      expect((await json(client)).cookie).toEqual({ path: '/', httpOnly: true, overwrite: true, signed: true, maxAge: 30 * DAY });
      const [sid = ''] = await store.ids();
      expect((await store.fetch(sid))?.ttlMs).toBeGreaterThan(29 * DAY);
    }
  });

  it('C12 an unmodified request asks the store once, and neither stores nor sends anything', async () => {
    const store = handMade();
    const { client } = await start({ store });
    await client.get('/set/a/1');
    for (const path of ['/', '/untouched']) expect((await client.get(path)).setCookie).toEqual([]);
    expect([store.get.mock.calls.length, store.set.mock.calls.length]).toEqual([2, 1]);
  });

  it('C12 better: a session whose cookie outlives it in the store is kept alive, and one that rolls is touched, not rewritten', async () => {
    for (const options of [{ cookie: { maxAge: null } }, { ttl: MINUTE }, { rolling: true }]) {
      const store = makeStore();
      const { client } = await start({ store, ...options });
      await client.get('/set/a/1');
      const [touched, saved] = [vi.fn(), vi.fn()];
      store.on('touch', touched).on('set', saved);
      await client.get('/untouched');
      expect([touched.mock.calls.length, saved.mock.calls.length]).toEqual([1, 0]);
    }
  });

  it('C13 new and unmodified, or new and null: nothing', async () => {
    const store = makeStore();
    const { client } = await start({ store });
    for (const path of ['/', '/untouched', '/out']) expect((await client.get(path)).setCookie).toEqual([]);
    expect(await store.length()).toBe(0);
  });

  it('C15 another path has no session; /foo is not for /foobar; an unknown id gets a new one', async () => {
    const store = makeStore();
    const { client, url } = await start({ store, cookie: { path: '/foo' } }, (ctx) => {
      if (ctx.session) ctx.session.a = 1;
      ctx.body = String(ctx.session !== undefined);
    });
    for (const [path, served] of [
      ['/', 'false'],
      ['/foobar', 'false'],
      ['/foo', 'true'],
      ['/foo/bar', 'true'],
    ] as const) {
      expect((await client.get(path)).text).toBe(served);
    }
    await store.clear();
    const unknown = await start({ store });
    const { id } = await json(unknown.client, '/set/a/1');
    await store.destroy(`koa:sess:${id}`);
    const answered = await unknown.client.get('/');
    expect(attributes(cookie(answered))['expires']).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
    expect(JSON.parse(answered.text).id).not.toBe(id);
    const unsigned = await start({ store, cookie: { signed: false } });
    for (const chosen of ['x'.repeat(2000), 'h1-x', '%']) {
      const jar = new CookieJar();
      jar.setCookieSync(`koa.sid=${chosen}`, url);
      expect((await json(new Client(unsigned.url, jar), '/set/a/1')).id).not.toBe(chosen);
    }
    const forged = new CookieJar();
    forged.setCookieSync('koa.sid=chosen', url);
    expect((await json(new Client(unknown.url, forged), '/set/a/1')).id).not.toBe('chosen');
  });

  it.each([false, true])('C16 an error of the app: the session is stored; where both fail the app answers. defer: %s', async (defer) => {
    const store = handMade();
    const { client, errors } = await start({ store, defer }, async (ctx) => {
      const session = await ctx.session;
      session.n = (session.n ?? 0) + 1;
      if (ctx.path === '/fail') ctx.throw(418, 'mine');
      ctx.body = String(session.n);
    });
    await client.get('/');
    expect((await client.get('/fail')).status).toBe(418);
    expect((await client.get('/')).text).toBe('3');
    store.set.mockRejectedValueOnce(new Error('full'));
    expect((await client.get('/fail')).status).toBe(418);
    expect(errors.map(({ message }) => message)).toEqual(['mine', 'full', 'mine']);
  });

  it('C18 koa-sess: a cookie of the browser by default, rewrite for overwrite', async () => {
    const { client } = await start({ compat: 'koa-sess', cookie: { rewrite: false } }, (ctx) => {
      ctx.cookies.set('koa.sid', 'other');
      ctx.session.a = 1;
      ctx.body = ctx.session;
    });
    const answered = await client.get('/');
    const lines = answered.setCookie.filter((line) => line.startsWith('koa.sid='));
    expect(lines).toHaveLength(2);
    expect(attributes(lines[1])['expires']).toBeUndefined();
    expect(JSON.parse(answered.text).cookie).toEqual({ path: '/', httpOnly: true, overwrite: false, signed: true, maxAge: null });
    expect(() => genericSession({ compat: 'other' as never })).toThrow(/compat option must be "koa-sess"/);
  });

  it('C19 a modified session is saved and its cookie sent again, each time', async () => {
    const { client } = await start();
    for (const value of [1, 2, 3]) expect(cookie(await client.get(`/set/a/${value}`))).toBeDefined();
  });

  it('parallel requests lose nothing, and a logout stays a logout', async () => {
    const store = makeStore();
    let go = () => {};
    const slow = new Promise<void>((resolve) => (go = resolve));
    const begun = vi.fn();
    const { client } = await start({ store }, async (ctx) => {
      const [, verb, name] = ctx.path.split('/');
      if (verb === 'out') ctx.session = null;
      else ctx.session[name] = true;
      if (verb === 'slow') {
        begun();
        await slow;
      }
      ctx.body = 'ok';
    });
    await client.get('/add/first');
    const late = client.clone().get('/slow/late');
    await expect.poll(() => begun.mock.calls.length).toBe(1);
    await Promise.all(['a', 'b', 'c'].map((name) => client.clone().get(`/add/${name}`)));
    const copy = client.clone();
    const [sid = ''] = await store.ids();
    expect(Object.keys((await store.get(sid)) ?? {}).sort()).toEqual(['a', 'b', 'c', 'cookie', 'first']);
    await client.get('/out');
    go();
    await late;
    expect(await store.length()).toBe(0);
    expect((await copy.get('/out')).status).toBe(200);
  });
});

describe('stores of any age', () => {
  it.each([
    ['promises', (value: any) => Promise.resolve(value)],
    ['values', (value: any) => value],
    ['thunks', (value: any) => (callback: any) => setImmediate(() => callback(null, value))],
    [
      'generators',
      (value: any) =>
        (function* generator(): any {
          return yield Promise.resolve(value);
        })(),
    ],
  ])('C11, C18 %s', async (_, wrapped) => {
    const inner = handMade();
    const store = {
      get: (sid: string) => wrapped(JSON.parse(inner.sessions.get(sid) ?? 'null')),
      set: (sid: string, session: object) => wrapped(inner.sessions.set(sid, JSON.stringify(session))),
      destroy: (sid: string) => wrapped(inner.sessions.delete(sid)),
    };
    const { client } = await generic({ store });
    await client.get('/set/a/1');
    expect((await json(client)).a).toBe('1');
    await client.get('/out');
    expect(inner.sessions.size).toBe(0);
  });

  it('C11 errors of thunks and generators are errors of the store', async () => {
    for (const fail of [
      (callback: any) => callback(new Error('away')),
      (function* generator() {
        yield Promise.reject(new Error('away'));
      })(),
    ]) {
      const { client, errors } = await generic({ store: handMade({ get: () => fail }) }, undefined, { jar: await loggedIn() });
      expect((await client.get('/')).status).toBe(500);
      expect(errors[0].message).toBe('away');
    }
  });

  it('C14 requests wait for a store that is disconnected, and fail when it does not come back; nothing is left unhandled', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const store = Object.assign(new EventEmitter(), handMade());
    const { client, errors } = await generic({ store, reconnectTimeout: 100 });
    await client.get('/set/a/1');
    store.emit('disconnect');
    const waiting = client.get('/');
    setImmediate(() => store.emit('connect'));
    expect((await waiting).status).toBe(200);
    store.emit('disconnect');
    store.emit('disconnect');
    expect((await client.get('/')).status).toBe(500);
    expect((await client.get('/')).status).toBe(500);
    expect(errors.map(({ message }) => message)).toEqual(Array.from({ length: 2 }, () => 'session store is unavailable'));
    store.emit('connect');
    expect((await json(client)).a).toBe('1');
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('C17 MemoryStore: its own, with a warning in production; sessions are copies, and end', async () => {
    const { client } = await generic({}, (ctx) => {
      ctx.session.n = (ctx.session.n ?? 0) + 1;
      ctx.body = String(ctx.session.n);
    });
    await client.get('/');
    expect((await client.get('/')).text).toBe('2');
    const store = new genericSession.MemoryStore();
    const data = { a: 1 };
    store.set('s', data, 1000);
    data.a = 2;
    expect(store.get('s')).toEqual({ a: 1 });
    store.set('s', data, 0);
    expect(store.get('s')).toBeUndefined();
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    vi.stubEnv('NODE_ENV', 'production');
    genericSession();
    genericSession({ store: handMade() });
    vi.unstubAllEnvs();
    expect(warn.mock.calls.map(([text]) => text)).toEqual([expect.stringMatching(/not\sdesigned for a production environment/)]);
    warn.mockRestore();
    expect(() => genericSession({ store: {} as never })).toThrow(/store option must have the methods/);
  });

  async function loggedIn(): Promise<CookieJar> {
    const jar = new CookieJar();
    await (await generic({ store: handMade() }, undefined, { jar })).client.get('/set/a/1');
    return jar;
  }
});

describe('migration', () => {
  it.each([
    ['ours', PAIRS[1]?.[2] ?? (() => handMade())],
    ['a store by hand', () => handMade()],
    ["koa-generic-session's MemoryStore", () => new stock.MemoryStore()],
  ])('nobody is logged out from koa-generic-session to ours and back: %s', async (_, makeStore) => {
    const options = { store: makeStore() };
    const jar = new CookieJar();
    const count: Handler = (ctx) => {
      ctx.session.n = (ctx.session.n ?? 0) + 1;
      ctx.body = String(ctx.session.n);
    };
    const before = await generic(options, count, { make: stock, jar });
    const after = await generic(options, count, { jar });
    const texts: string[] = [];
    for (const { client } of [before, after, before, after, after, before]) texts.push((await client.get('/')).text);
    expect(texts).toEqual(['1', '2', '3', '4', '5', '6']);
    const out = await generic(options, answer, { jar });
    await out.client.get('/out');
    expect((await before.client.get('/')).text).toBe('1');
  });
});
