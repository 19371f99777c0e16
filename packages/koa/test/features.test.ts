import { inspect } from 'node:util';
import { session, type SessionData } from '@sessile/koa';
import { MemoryStore } from '@sessile/store-memory';
import { SqliteStore } from '@sessile/store-sqlite';
import Database from 'better-sqlite3';
import type { Context } from 'koa';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import {
  answerSession,
  attributes,
  Client,
  CookieJar,
  DAY,
  decoded,
  held,
  json,
  KOAS,
  later,
  MINUTE,
  open,
  sent,
  site,
  STORES,
} from './apps.js';

declare module '@sessile/koa' {
  interface SessionData {
    user: { name: string };
  }
}

const [[, Koa] = ['', undefined as any]] = KOAS;

function app() {
  const made = new Koa();
  made.keys = ['a key that is long enough'];
  return made;
}

/** A promise, and what lets it go. */
function gate() {
  let go = () => {};
  const wait = new Promise<void>((resolve) => (go = resolve));
  return { wait, go: () => go() };
}

describe.each(STORES)('%s', (_, makeStore) => {
  it('a session that nobody reads is neither parsed nor written', async () => {
    const store = makeStore();
    const { client } = await site({ store });
    await client.get('/set/marker/never-parsed-text');
    const parse = vi.spyOn(JSON, 'parse');
    const stringify = vi.spyOn(JSON, 'stringify');
    await client.get('/untouched');
    const texts = [...parse.mock.calls.map(([text]) => text), ...stringify.mock.results.map(({ value }) => value)];
    parse.mockRestore();
    stringify.mockRestore();
    expect(texts.filter((text) => String(text).includes('never-parsed-text'))).toEqual([]);
  });

  it('parallel requests lose nothing, and a logout stays a logout', async () => {
    const store = makeStore();
    const { wait, go } = gate();
    const begun = vi.fn();
    const { client } = await site({ store }, async (ctx) => {
      const [, verb, name] = ctx.path.split('/');
      if (verb === 'out') ctx.session = null;
      else ctx.session[name] = true;
      if (verb === 'slow') {
        begun();
        await wait;
      }
      ctx.body = 'ok';
    });
    await client.get('/add/first');
    const late = client.clone().get('/slow/late');
    await expect.poll(() => begun.mock.calls.length).toBe(1);
    await Promise.all(['a', 'b', 'c'].map((name) => client.clone().get(`/add/${name}`)));
    const [key = ''] = await store.ids();
    expect(Object.keys((await store.get(key)) ?? {}).sort()).toEqual(['_expire', '_maxAge', 'a', 'b', 'c', 'first']);
    await client.get('/out');
    go();
    await late;
    expect(await store.length()).toBe(0);
  });

  it('a rolling session is touched rather than written, lives on by that, and is written in time for other software', async () => {
    const store = makeStore();
    const { client } = await site({ store, rolling: true, maxAge: MINUTE });
    await client.get('/set/a/1');
    const [touched, saved] = [vi.fn(), vi.fn()];
    store.on('touch', touched).on('set', saved);
    for (const path of ['/', '/untouched']) {
      const answer = await client.get(path);
      expect(Date.parse(String(attributes(sent(answer))['expires'])) - Date.now()).toBeGreaterThan(MINUTE - 3000);
    }
    expect([touched.mock.calls.length, saved.mock.calls.length]).toEqual([2, 0]);
    const [key = ''] = await store.ids();
    // As if it had been stored 40 s ago, and touched since: `_expire` alone would end it in 20 s.
    await store.set(key, { a: '1', _expire: Date.now() + MINUTE / 3, _maxAge: MINUTE }, MINUTE + 10_000);
    saved.mockClear();
    expect((await json(client)).a).toBe('1');
    expect(saved).toHaveBeenCalledTimes(1);
    // Touched 31 s before its `_expire`, which is over by now.
    await store.set(key, { a: '1', _expire: Date.now() - 1000, _maxAge: MINUTE }, 30_000 + 9000);
    expect((await json(client)).a).toBe('1');
    // No touch of ours gives such an end.
    await store.set(key, { a: '1', _expire: Date.now() - 1000, _maxAge: MINUTE }, DAY);
    expect((await json(client)).a).toBeUndefined();
  });

  it('touchAfterMs spares the store what would lengthen by less; the cookie goes out all the same', async () => {
    const store = makeStore();
    const { client } = await site({ store, rolling: true, maxAge: 10 * MINUTE, touchAfterMs: MINUTE });
    await client.get('/set/a/1');
    const changed = vi.fn();
    store.on('touch', changed).on('set', changed);
    expect(sent(await client.get('/'))).toBeDefined();
    expect(sent(await client.get('/untouched'))).toBeDefined();
    expect(changed).not.toHaveBeenCalled();
    const [key = ''] = await store.ids();
    await store.set(key, { a: '1', _expire: Date.now() + 8 * MINUTE, _maxAge: 10 * MINUTE }, 8 * MINUTE + 10_000);
    changed.mockClear();
    await client.get('/');
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it('absoluteMs ends a session however active it is, in the store and in the cookie', async () => {
    const ends = async (mode: { store?: ReturnType<typeof makeStore> }) => {
      const { client } = await site({ ...mode, absoluteMs: 1500, rolling: true });
      const answer = await client.get('/set/a/1');
      expect(Date.parse(String(attributes(sent(answer))['expires'])) - Date.now()).toBeLessThan(2500);
      const keeper = client.keeper();
      const begun = Date.now();
      expect((await json(keeper)).a).toBe('1');
      await expect.poll(async () => (await json(keeper)).a, { timeout: 10_000, interval: 200 }).toBeUndefined();
      expect(Date.now() - begun).toBeGreaterThan(1000);
      if (mode.store) expect(await mode.store.length()).toBe(0);
    };
    await Promise.all([ends({ store: makeStore() }), ends({})]);
  });

  it('absoluteMs counts from the first time that it sees a session, and regenerate() does not begin it anew', async () => {
    const options = { store: makeStore() };
    const jar = new CookieJar();
    await (await site(options, answerSession, { jar })).client.get('/set/a/1');
    const after = await site(
      { ...options, absoluteMs: MINUTE },
      async (ctx) => {
        if (ctx.path === '/again') await ctx.session.regenerate();
        return answerSession(ctx);
      },
      { jar },
    );
    const stamp = async () => (await options.store.get((await options.store.ids())[0] ?? ''))?.['_createdAt'];
    await after.client.get('/untouched');
    const createdAt = await stamp();
    expect(Date.now() - createdAt).toBeLessThan(MINUTE);
    await after.client.get('/again');
    expect(await stamp()).toBe(createdAt);
    expect(await json(after.client)).toMatchObject({ a: '1', isNew: false });
  });

  it('rotate gives a new key; the old one leads to the session for graceMs, and nothing that is under way is lost', async () => {
    const store = makeStore();
    const { wait, go } = gate();
    const begun = vi.fn();
    const { client } = await site({ store, rotate: { everyMs: 300, graceMs: 1500 } }, async (ctx) => {
      const [, verb, name] = ctx.path.split('/');
      if (verb === 'slow') {
        ctx.session.slow = true;
        begun();
        await wait;
      } else if (verb === 'add') ctx.session[name] = true;
      ctx.body = { ...ctx.session.toJSON(), key: ctx.session.externalKey };
    });
    await client.get('/add/first');
    const old = client.keeper();
    const { key: first } = await json(client);
    const late = old.get('/slow');
    await expect.poll(() => begun.mock.calls.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 320));
    const answers = await Promise.all(['a', 'b', 'c'].map((name) => old.get(`/add/${name}`)));
    const keys = new Set(answers.map(({ text }) => JSON.parse(text).key));
    expect(keys.size).toBe(1);
    expect(keys.has(first)).toBe(false);
    for (const answer of answers) expect(sent(answer)).toBeDefined();
    go();
    await late;
    const [key = ''] = [...keys];
    expect(await store.get(key)).toMatchObject({ first: true, a: true, b: true, c: true, slow: true });
    // Told to a request that changes nothing, too.
    const told = await old.get('/');
    expect(sent(told)).toBeDefined();
    await expect.poll(async () => (await json(old)).first, { timeout: 10_000, interval: 250 }).toBeUndefined();
  });

  it("onUnavailable: 'fail' fails the request, 'anonymous' serves without saving, 'wait' waits", async () => {
    for (const [onUnavailable, status] of [
      [undefined, 500],
      ['fail', 500],
      ['anonymous', 200],
      ['wait', 200],
    ] as const) {
      const store = makeStore();
      const { client } = await site({ store, onUnavailable, waitMs: 3000 });
      await client.get('/set/a/1');
      let failures = onUnavailable === 'wait' ? 2 : Infinity;
      const get = vi.spyOn(store, 'get').mockImplementation((async () => {
        failures -= 1;
        if (failures >= 0) throw new Error('away');
        get.mockRestore();
        return store.get((await store.ids())[0] ?? '');
      }) as never);
      const answer = await client.get('/set/b/2');
      get.mockRestore();
      expect(answer.status).toBe(status);
      if (onUnavailable === 'anonymous') expect(answer.setCookie).toEqual([]);
      expect(await store.length()).toBe(1);
      expect(await json(client)).toMatchObject(onUnavailable === 'wait' ? { a: '1', b: '2' } : { a: '1' });
    }
  });

  it('the key may travel in a header, or as a bearer token', async () => {
    for (const transport of ['bearer', { header: 'X-Session' }, ['bearer', 'cookie']] as const) {
      const made = app();
      const sessions = session({ store: makeStore(), transport }, made);
      made.use(sessions);
      made.use((ctx: any) => {
        if (ctx.path === '/out') return (ctx.session = null);
        ctx.session.n = (ctx.session.n ?? 0) + 1;
        ctx.set('x-asked', sessions.token(ctx));
        return (ctx.body = String(ctx.session.n));
      });
      const { url } = await open(made);
      const header = typeof transport === 'object' && 'header' in transport ? 'x-session' : 'authorization';
      const first = await fetch(url);
      const token = first.headers.get(header === 'x-session' ? header : 'x-session-token') ?? '';
      expect(first.headers.getSetCookie().length > 0).toBe(Array.isArray(transport));
      expect(first.headers.get('x-asked')).toBe(token);
      const headers = (text: string) => ({ [header]: header === 'x-session' ? text : `Bearer ${text}` });
      expect(await (await fetch(url, { headers: headers(token) })).text()).toBe('2');
      for (const wrong of [`${token}x`, token.split('.')[0] ?? '', `.${token.split('.')[1]}`, '.']) {
        expect(await (await fetch(url, { headers: headers(wrong) })).text()).toBe('1');
      }
      await fetch(`${url}/out`, { headers: headers(token) });
      expect(await (await fetch(url, { headers: headers(token) })).text()).toBe('1');
    }
  });

  it('schema refuses to save data that do not fit; the stored session stays', async () => {
    for (const mode of [{ store: makeStore() }, {}]) {
      const { client, errors } = await site({ schema: z.object({ n: z.number() }), ...mode }, async (ctx) => {
        if (ctx.path !== '/') ctx.session.n = ctx.path === '/good' ? 1 : 'a-private-value';
        if (ctx.path === '/save') ctx.state.code = await ctx.session.save().catch(({ code }: any) => code);
        ctx.body = { n: ctx.session.n, code: ctx.state.code };
        if (ctx.path === '/save') ctx.session.n = 1;
      });
      await client.get('/good');
      expect((await client.get('/bad')).status).toBe(500);
      expect(errors[0].code).toBe('ERR_SESSION_SCHEMA');
      expect(inspect(errors[0])).not.toMatch(/a-private-value/);
      expect((await json(client, '/save')).code).toBe('ERR_SESSION_SCHEMA');
      expect((await json(client)).n).toBe(1);
    }
  });

  it('overflow: what is too long for the cookie goes into the store, and comes back when it fits', async () => {
    const overflow = makeStore();
    const long = 'x'.repeat(5000);
    const { client } = await site({ overflow }, (ctx) => {
      if (ctx.path === '/grow') ctx.session.long = long;
      if (ctx.path === '/shrink') delete ctx.session.long;
      return answerSession(ctx);
    });
    await client.get('/set/a/1');
    expect(decoded(held(client))).toMatchObject({ a: '1' });
    const grown = await client.get('/grow');
    expect(grown.setCookie.every((line) => line.length < 300)).toBe(true);
    expect(held(client)).toMatch(/^o1\.[\da-f-]{36}$/);
    expect(await json(client)).toMatchObject({ a: '1', long, isNew: false });
    await client.get('/set/b/2');
    const copy = client.clone();
    expect(await overflow.length()).toBe(1);
    await client.get('/shrink');
    expect(decoded(held(client))).toMatchObject({ a: '1', b: '2' });
    expect(await overflow.length()).toBe(0);
    expect((await json(copy)).isNew).toBe(true);
    await client.get('/grow');
    await client.get('/out');
    expect(await overflow.length()).toBe(0);
    expect(client.cookies).toEqual([]);
  });

  it('ContextStore: a subclass of a store of ours with what it shares', async () => {
    const shared = new Database(':memory:');
    later(() => shared.close());
    class ContextStore extends SqliteStore {
      constructor(ctx: any) {
        super({ database: shared, table: `of_${ctx.query.tenant}`, pruneEveryMs: false });
      }
    }
    const { client } = await site({ ContextStore });
    await client.get('/set/a/1?tenant=one');
    expect((await json(client, '/?tenant=one')).a).toBe('1');
    expect((await json(client, '/?tenant=two')).a).toBeUndefined();
  });
});

describe('several middlewares of one app', () => {
  it('each has its own options and its own session; the inner one is ctx.session while it lasts', async () => {
    const made = app();
    const outer = session({ key: 'one' }, made);
    const inner = session({ key: 'two', maxAge: MINUTE, store: new MemoryStore() }, made);
    made.use(outer);
    made.use(async (ctx: any, next: any) => {
      ctx.session.outer = 1;
      await next();
      ctx.session.after = 2;
    });
    made.use(inner);
    made.use(inner);
    made.use((ctx: any) => {
      ctx.session.inner = 1;
      ctx.body = { outer: outer.of(ctx), inner: inner.of(ctx), maxAge: ctx.sessionOptions.maxAge };
    });
    const { client } = await open(made);
    await client.get('/');
    expect(decoded(held(client, 'one'))).toMatchObject({ outer: 1, after: 2, _maxAge: DAY });
    expect(await json(client)).toEqual({ outer: { outer: 1, after: 2 }, inner: { inner: 1 }, maxAge: MINUTE });
    expect(client.cookies.map(({ key }) => key).sort()).toEqual(['one', 'one.sig', 'two', 'two.sig']);
  });
});

describe('cookies', () => {
  it('a session that is too long for a cookie is an error with a code; the client keeps its old one', async () => {
    const { client, errors } = await site({}, (ctx) => {
      ctx.cookies.set('other', '1');
      if (ctx.path === '/grow') ctx.session.long = 'secret'.repeat(800);
      if (ctx.path === '/edge') ctx.session.long = 'x'.repeat(Number(ctx.query.n));
      return answerSession(ctx);
    });
    await client.get('/set/a/1');
    const answer = await client.get('/grow');
    expect([answer.status, answer.setCookie]).toEqual([500, []]);
    expect(errors[0]).toMatchObject({ name: 'SessionCookieError', code: 'ERR_SESSION_COOKIE_TOO_LARGE' });
    expect(errors[0].message).toMatch(/"koa.sess".* 4096\. .*overflow/);
    expect(inspect(errors[0])).not.toMatch(/secretsecret/);
    expect((await json(client)).a).toBe('1');
    const sizes = new Set<number>();
    for (let n = 2850; n < 2960; n += 1) {
      const { status, setCookie } = await client.get(`/edge?n=${n}`);
      if (status === 200) sizes.add(setCookie.find((line) => line.startsWith('koa.sess='))?.length ?? 0);
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4096);
    expect(Math.max(...sizes)).toBeGreaterThan(4085);
  });

  it('encrypt: what is in the cookie cannot be read, changed, or moved to another name', async () => {
    const { client, url } = await site({ encrypt: true });
    await client.get('/set/user/ann');
    const value = held(client) ?? '';
    expect(value).toMatch(/^s1\.[\w-]{8}\.[\w-]+$/);
    for (const text of [value, Buffer.from(value, 'base64').toString('latin1')]) expect(text).not.toMatch(/ann|user/);
    expect(await json(client)).toMatchObject({ user: 'ann', isNew: false });
    await client.get('/set/n/1');
    expect(held(client)).not.toBe(value);
    const unsigned = await site({ encrypt: true, signed: false });
    const moved = await site({ encrypt: true, signed: false, key: 'other' });
    const ask = async (where: string, name: string, text: string) => {
      const jar = new CookieJar();
      jar.setCookieSync(`${name}=${text}`, url);
      return (await json(new Client(where, jar))).user;
    };
    expect(await ask(unsigned.url, 'koa.sess', value)).toBe('ann');
    expect(await ask(moved.url, 'other', value)).toBeUndefined();
    for (let at = 0; at < value.length; at += 7) {
      const changed = value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1);
      expect(await ask(unsigned.url, 'koa.sess', changed)).toBeUndefined();
    }
  });

  it('encrypt: the first key writes, all read; plain cookies are read with acceptPlain alone', async () => {
    const jar = new CookieJar();
    await (await site({ encrypt: { keys: ['one'] } }, answerSession, { jar })).client.get('/set/a/1');
    const both = await site({ encrypt: { keys: ['two', Buffer.from('one')] } }, answerSession, { jar });
    expect((await json(both.client, '/set/b/2')).a).toBe('1');
    expect(await json((await site({ encrypt: { keys: ['two'] } }, answerSession, { jar })).client)).toMatchObject({ a: '1', b: '2' });
    const gone = await site({ encrypt: { keys: ['one'] } }, answerSession, { jar });
    expect((await json(gone.client)).isNew).toBe(true);
    await expect.poll(() => gone.events.map(([name]) => name)).toEqual(['invalid']);
    const plain = new CookieJar();
    await (await site({}, answerSession, { jar: plain })).client.get('/set/a/1');
    expect((await json((await site({ encrypt: true }, answerSession, { jar: plain })).client)).isNew).toBe(true);
    const accepting = await site({ encrypt: { acceptPlain: true } }, answerSession, { jar: plain });
    expect((await json(accepting.client, '/set/b/2')).a).toBe('1');
    expect(held(accepting.client)).toMatch(/^s1\./);
    expect(await json((await site({ encrypt: true }, answerSession, { jar: plain })).client)).toMatchObject({ a: '1', b: '2' });
  });

  it("encrypt: 'cookies' leaves it to ctx.cookies; without keys to be had it is an error", async () => {
    const told: any[] = [];
    const { client } = await site({ encrypt: 'cookies' }, (ctx) => {
      const { cookies } = ctx;
      const set = cookies.set.bind(cookies);
      cookies.set = (name: string, value: string, options: any) => (told.push(options.encrypt), set(name, value, options));
      return answerSession(ctx);
    });
    await client.get('/set/a/1');
    expect(told).toEqual([true]);
    const Keygrip = (await import('keygrip' as string)).default;
    const { client: lost, errors } = await site({ encrypt: true }, answerSession, { keys: new Keygrip(['key']) });
    expect((await lost.get('/set/a/1')).status).toBe(500);
    expect(errors[0].message).toMatch(/encrypt option needs app.keys to be a list/);
  });
});

describe('types', () => {
  it('by declaration merging, by a generic, or from a schema', async () => {
    const made = app();
    const merged: SessionData['user'] = { name: 'ann' };
    const inferred = session({ schema: z.object({ visits: z.number() }) }, made);
    const generic = session<{ cart: string[] }>({ key: 'generic' }, made);
    made.use(generic);
    made.use(inferred);
    made.use((ctx: Context) => {
      const name: string | undefined = ctx.session.user?.name;
      // @ts-expect-error it is a text
      const wrong: number | undefined = ctx.session.user?.name;
      const own = inferred.of(ctx);
      const visits: number | undefined = own.visits;
      own.visits = (visits ?? 0) + 1;
      const cart: string[] | undefined = generic.of(ctx).cart;
      ctx.body = [merged.name, name, wrong, own.visits, cart].join(' ');
    });
    const { client } = await open(made);
    expect((await client.get('/')).text).toBe('ann   1 ');
    expect((await client.get('/')).text).toBe('ann   2 ');
  });
});

describe('errors of options', () => {
  it.each([
    [{ absoluteMs: 0 }, /absoluteMs option must be a number of milliseconds, 1 or more/],
    [{ touchAfterMs: '5' }, /touchAfterMs option/],
    [{ waitMs: -1 }, /waitMs option/],
    [{ rotate: { everyMs: -1 } }, /rotate.everyMs option/],
    [{ rotate: { everyMs: 5 } }, /rotate option needs a store of Sessile/],
    [{ onUnavailable: 'x' }, /onUnavailable option must be "fail", "anonymous" or "wait"/],
    [{ transport: 'bearer' }, /transport option needs a store/],
    [{ store: new MemoryStore(), transport: 'x' }, /transport option must be/],
    [{ overflow: {} }, /overflow.get must be function/],
    [{ overflow: new MemoryStore(), store: new MemoryStore() }, /overflow option is for sessions in the cookie/],
    [{ encrypt: true, store: new MemoryStore() }, /encrypt option is for sessions in the cookie/],
    [{ encrypt: { keys: [] } }, /encrypt option must be true/],
    [{ encrypt: 'x' }, /encrypt option must be true/],
    [{ encrypt: true, encode: String }, /encrypt and encode are two ways/],
    [{ key: 5 }, /key option must be a string/],
    [{ valid: 5 }, /valid option must be a function/],
  ])('%j', (options, message) => {
    expect(() => session(options as never, app())).toThrow(message);
  });
});

describe('the doctor', () => {
  async function diagnose(options: object, setting: { jar?: CookieJar; path?: string } = {}) {
    const made = app();
    const sessions = session(options, made);
    let diagnosis: any;
    made.use(sessions);
    made.use((ctx: any) => {
      ctx.res.on('finish', () => (diagnosis = sessions.doctor(ctx)));
      if (ctx.path === '/set') ctx.session.a = 1;
      if (ctx.path === '/out') ctx.session = null;
      ctx.body = 'ok';
    });
    const { client } = await open(made, setting.jar);
    await client.get(setting.path ?? '/');
    await expect.poll(() => diagnosis).toBeDefined();
    return { diagnosis, client };
  }

  it('says why the session is what it is, and why its cookie was set or not', async () => {
    const jar = new CookieJar();
    const store = new MemoryStore();
    const options = { store, sameSite: 'lax' };
    const unused = await diagnose(options);
    expect(unused.diagnosis).toMatchObject({ session: 'new', because: 'the client sent no id', stored: undefined, advice: [] });
    expect(unused.diagnosis.cookie).toEqual({ set: false, because: 'nobody used the session' });
    const made = await diagnose(options, { jar, path: '/set' });
    expect(made.diagnosis).toMatchObject({ session: 'new', cookie: { set: true, because: 'the session has changed' }, stored: 'save' });
    const loaded = await diagnose(options, { jar });
    expect(loaded.diagnosis).toMatchObject({ session: 'loaded', because: 'the client sent a session that is there' });
    const rolled = await diagnose({ ...options, rolling: true }, { jar });
    expect(rolled.diagnosis).toMatchObject({ session: 'loaded', cookie: { set: true, because: 'rolling is on' }, stored: 'touch' });
    await store.clear();
    expect((await diagnose(options, { jar })).diagnosis.because).toMatch(/destroyed, or has expired/);
    const forged = new CookieJar();
    forged.setCookieSync('koa.sess=x', made.client.cookies.length > 0 ? 'http://127.0.0.1' : '');
    expect((await diagnose(options, { jar: forged })).diagnosis.because).toMatch(/no key of ours/);
    expect(JSON.stringify(made.diagnosis)).not.toContain(held(made.client));
  });

  it('says what could be stronger', async () => {
    const { diagnosis } = await diagnose({ httpOnly: false });
    expect(diagnosis.advice.join('\n')).toMatch(/sameSite[^]*httpOnly[^]*kept in the cookie, where its user can read it/);
    const foreign = await diagnose({ sameSite: 'lax', store: { get() {}, set() {}, destroy() {} } });
    expect(foreign.diagnosis.advice).toEqual([expect.stringMatching(/not one of Sessile/)]);
  });

  it('says so where the middleware never saw the request', () => {
    const sessions = session({}, app());
    expect(sessions.doctor({ res: {} })).toMatchObject({ session: 'none', because: expect.stringMatching(/did not see/) });
    expect(() => sessions.of({})).toThrow(/did not come through/);
  });
});
