import { createRequire } from 'node:module';
import session, { type SessionData } from '@sessile/express';
import { MemoryStore } from '@sessile/store-memory';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { answerSession, app, attributes, Client, listener, SECRET, serve, STORES } from './apps.js';

declare module '@sessile/express' {
  interface SessionData {
    user: { name: string };
  }
}

const require = createRequire(import.meta.url);
const signature = require('cookie-signature');
const MINUTE = 60_000;

describe.each(STORES)('%s', (_, makeStore) => {
  it('a session that is never looked at is kept alive, and not parsed', async () => {
    const store = makeStore();
    const client = await app({ store, cookie: { maxAge: MINUTE } });
    await client.get('/set/marker/never-parsed-text');
    const parse = vi.spyOn(JSON, 'parse');
    const stringify = vi.spyOn(JSON, 'stringify');
    const touched = vi.fn();
    store.on('touch', touched);
    await client.get('/untouched');
    const texts = [...parse.mock.calls.map(([text]) => text), ...stringify.mock.results.map(({ value }) => value)];
    parse.mockRestore();
    stringify.mockRestore();
    expect(texts.filter((text) => String(text).includes('never-parsed-text'))).toEqual([]);
    expect(touched).toHaveBeenCalledTimes(1);
  });

  it('parallel requests lose nothing, and a logout stays a logout', async () => {
    const store = makeStore();
    let go = () => {};
    const slow = new Promise<void>((resolve) => (go = resolve));
    const client = await app({ store }, async (req, res) => {
      const [, verb, name] = req.url.split('/');
      if (verb === 'logout') await req.session.destroy();
      else {
        req.session[name] = true;
        if (verb === 'slow') await slow;
      }
      res.end();
    });
    await client.get('/add/first');
    const jar = new Map(client.jar);
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => new Client(client.base, new Map(jar)).get(`/add/${name}`)));
    const sid = decodeURIComponent(jar.get('connect.sid') ?? '').slice(2, 34);
    expect(Object.keys((await store.get(sid)) ?? {}).sort()).toEqual(['a', 'b', 'c', 'cookie', 'd', 'first']);
    const late = new Client(client.base, new Map(jar)).get('/slow/late');
    await client.get('/logout');
    go();
    await late;
    expect(await store.get(sid)).toBeNull();
  });

  it('touchAfterMs spares the touches that would lengthen by less', async () => {
    const store = makeStore();
    const client = await app({ store, cookie: { maxAge: 10 * MINUTE }, touchAfterMs: MINUTE });
    await client.get('/set/a/1');
    const touched = vi.fn();
    store.on('touch', touched);
    await client.get('/untouched');
    await client.get('/');
    expect(touched).not.toHaveBeenCalled();
    const later = await app({ store, cookie: { maxAge: 10 * MINUTE }, touchAfterMs: 1 });
    later.jar = client.jar;
    await new Promise((resolve) => setTimeout(resolve, 20));
    await later.get('/untouched');
    await new Promise((resolve) => setTimeout(resolve, 20));
    await later.get('/');
    expect(touched).toHaveBeenCalledTimes(2);
  });

  it('absoluteMs ends a session however active it is, and its cookie with it', async () => {
    const store = makeStore();
    const client = await app({ store, cookie: { maxAge: 10 * MINUTE }, absoluteMs: 1500 });
    const { cookie } = await client.get('/set/a/1');
    expect(Date.parse(String(attributes(cookie)['expires'])) - Date.now()).toBeLessThan(2500);
    const jar = new Map(client.jar);
    const begun = Date.now();
    const read = async () => {
      client.jar = new Map(jar);
      return (await client.json('/')).a;
    };
    expect(await read()).toBe('1');
    await expect.poll(read, { timeout: 10_000, interval: 200 }).toBeUndefined();
    expect(Date.now() - begun).toBeGreaterThan(1000);
    expect(await store.length()).toBe(0);
  });

  it('absoluteMs counts from the first time it sees a session, and not anew with regenerate({ keep: true })', async () => {
    const store = makeStore();
    const before = await app({ store });
    await before.get('/set/a/1');
    const client = await app({ store, absoluteMs: MINUTE }, async (req, res) => {
      if (req.url === '/again') await req.session.regenerate({ keep: true });
      answerSession(req, res);
    });
    client.jar = before.jar;
    const { createdAt } = (await client.json('/')).cookie;
    expect(Date.now() - createdAt).toBeLessThan(MINUTE);
    expect((await client.json('/again')).cookie.createdAt).toBe(createdAt);
    expect((await client.json('/')).cookie.createdAt).toBe(createdAt);
  });

  it('rotate gives a new id; the old one leads to the session for graceMs, and nothing that is under way is lost', async () => {
    const store = makeStore();
    let go = () => {};
    const slow = new Promise<void>((resolve) => (go = resolve));
    const slowBegun = vi.fn();
    const client = await app({ store, rotate: { everyMs: 300, graceMs: 1500 } }, async (req, res) => {
      const [, verb, name] = req.url.split('/');
      if (verb === 'slow') {
        req.session.slow = true;
        slowBegun();
        await slow;
      } else if (verb === 'add') req.session[name] = true;
      res.end(JSON.stringify({ ...req.session, id: req.sessionID }));
    });
    await client.get('/add/first');
    const old = new Map(client.jar);
    const first = (await client.json('/')).id;
    const late = new Client(client.base, new Map(old)).get('/slow');
    await expect.poll(() => slowBegun.mock.calls.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 320));
    // Several at once with the old id: one wins, and all have one new id.
    const replies = await Promise.all(['a', 'b', 'c'].map((name) => new Client(client.base, new Map(old)).get(`/add/${name}`)));
    const ids = new Set(replies.map(({ text }) => JSON.parse(text).id));
    expect(ids.size).toBe(1);
    expect(ids.has(first)).toBe(false);
    for (const reply of replies) expect(reply.cookie).toBeDefined();
    go();
    await late;
    const [id = ''] = [...ids];
    expect(await store.get(id)).toMatchObject({ first: true, a: true, b: true, c: true, slow: true });
    await expect
      .poll(async () => (await new Client(client.base, new Map(old)).json('/')).first, { timeout: 10_000, interval: 250 })
      .toBeUndefined();
  });

  it("onUnavailable: 'fail' passes the error on, 'anonymous' serves without saving, 'wait' waits", async () => {
    for (const [onUnavailable, status] of [
      ['fail', 500],
      ['anonymous', 200],
      ['wait', 200],
    ] as const) {
      const store = makeStore();
      const client = await app({ store, onUnavailable, waitMs: 3000 });
      await client.get('/set/a/1');
      const stored = await store.length();
      const jar = new Map(client.jar);
      let failures = onUnavailable === 'wait' ? 2 : Infinity;
      const get = vi.spyOn(store, 'get').mockImplementation(((sid: string, callback: any) => {
        failures -= 1;
        if (failures >= 0) callback(new Error('away'));
        else {
          get.mockRestore();
          store.get(sid, callback);
        }
      }) as never);
      const reply = await client.get('/set/b/2');
      get.mockRestore();
      expect(reply.status).toBe(status);
      if (onUnavailable === 'anonymous') expect(reply.cookies).toEqual([]);
      expect(client.jar).toEqual(jar);
      expect(await store.length()).toBe(stored);
      expect((await client.json('/')).b).toBe(onUnavailable === 'wait' ? '2' : undefined);
    }
  });

  it("onUnavailable: 'wait' serves a request that comes after `disconnect` when the store answers again", async () => {
    const store = makeStore();
    const client = await app({ store, onUnavailable: 'wait', waitMs: 10_000 });
    await client.get('/set/a/1');
    let away = true;
    const get = vi.spyOn(store, 'get').mockImplementation(((sid: string, callback: any) => {
      if (away) callback(new Error('away'));
      else {
        get.mockRestore();
        store.get(sid, callback);
      }
    }) as never);
    store.emit('disconnect');
    const reply = client.json('/');
    await expect.poll(() => get.mock.calls.length).toBeGreaterThan(1);
    away = false;
    expect((await reply).a).toBe('1');
  });

  it('cookie, store and secret may be functions of the request, each called once for it', async () => {
    const stores: Record<string, ReturnType<typeof makeStore>> = { a: makeStore(), b: makeStore() };
    const tenant = (req: any): string => req.headers['x-tenant'];
    const options = {
      store: vi.fn((req: any) => stores[tenant(req)]),
      secret: vi.fn((req: any) => `secret of ${tenant(req)}`),
      cookie: vi.fn((req: any) => ({ path: '/', domain: `${tenant(req)}.example` })),
    };
    const client = await app(options);
    expect(attributes((await client.get('/set/x/1', { 'x-tenant': 'a' })).cookie)['domain']).toBe('a.example');
    for (const option of Object.values(options)) expect(option).toHaveBeenCalledTimes(1);
    expect(JSON.parse((await client.get('/', { 'x-tenant': 'a' })).text).x).toBe('1');
    expect(JSON.parse((await client.get('/', { 'x-tenant': 'b' })).text).x).toBeUndefined();
    expect([await stores['a']?.length(), await stores['b']?.length()]).toEqual([1, 0]);
  });

  it('the id may travel in a header, or as a bearer token', async () => {
    const store = makeStore();
    for (const transport of ['bearer', { header: 'X-Session' }] as const) {
      const sessions = session({ secret: SECRET, store, transport });
      const client = await serve(
        listener(sessions, (req, res) => {
          req.session.n = (req.session.n ?? 0) + 1;
          res.setHeader('x-asked', sessions.token(req));
          res.end(String(req.session.n));
        }),
      );
      const first = await client.get();
      const token = first.headers.get(transport === 'bearer' ? 'x-session-token' : 'x-session') ?? '';
      expect(first.cookies).toEqual([]);
      expect(first.headers.get('x-asked')).toBe(token);
      const sent: Record<string, string> = transport === 'bearer' ? { authorization: `Bearer ${token}` } : { 'x-session': token };
      expect((await client.get('/', sent)).text).toBe('2');
      expect(
        (await client.get('/', transport === 'bearer' ? { authorization: `Bearer ${token}x` } : { 'x-session': `${token}x` })).text,
      ).toBe('1');
      expect((await client.get('/')).text).toBe('1');
    }
  });

  it('a schema refuses data that do not fit, at the end of the request and in save(); the stored session stays', async () => {
    const schemas = [z.object({ n: z.number() }), v.object({ n: v.number() }), type({ n: 'number' })];
    for (const schema of schemas) {
      const store = makeStore();
      const onError = vi.fn();
      const handler = async (req: any, res: any) => {
        req.session.n = req.url === '/good' ? 1 : 'a-private-value';
        if (req.url === '/save')
          return res.end(
            await req.session.save().then(
              () => 'saved',
              (error: any) => error.code,
            ),
          );
        return res.end('answer');
      };
      const client = await app({ store, schema }, handler, onError);
      await client.get('/good');
      await client.get('/bad');
      await expect.poll(() => onError.mock.calls.length).toBe(1);
      const [[error]] = onError.mock.calls as any;
      expect([error.code, error.name]).toEqual(['ERR_SESSION_SCHEMA', 'SessionSchemaError']);
      expect(error.message).toMatch(/do not fit the schema at n$/);
      expect(require('node:util').inspect(error)).not.toMatch(/a-private-value/);
      expect(error.issues).toHaveLength(1);
      expect((await client.get('/save')).text).toBe('ERR_SESSION_SCHEMA');
      expect(Object.values(await store.all())[0]?.['n']).toBe(1);
    }
  });
});

describe('types', () => {
  it('by declaration merging, by a generic, or from a schema', async () => {
    const merged: SessionData['user'] = { name: 'ann' };
    const generic = session<{ cart: string[] }>({ secret: SECRET });
    const inferred = session({ secret: SECRET, schema: z.object({ visits: z.number() }) });
    const client = await serve(
      listener(inferred, (req, res) => {
        const own = inferred.of(req);
        const visits: number | undefined = own.visits;
        // @ts-expect-error it is a number
        const wrong: string | undefined = own.visits;
        const cart: string[] | undefined = generic.of(req).cart;
        own.visits = (visits ?? 0) + 1;
        res.end([merged.name, own.visits, String(wrong), String(cart)].join(' '));
      }),
    );
    expect((await client.get()).text).toBe('ann 1 undefined undefined');
  });
});

describe('cookie prefixes and Partitioned are checked at construction', () => {
  const make = (name: string, cookie: object) => () => session({ secret: SECRET, name, cookie });

  it('__Host- needs Secure, Path=/ and no Domain; __Secure- needs Secure', () => {
    expect(make('__Host-sid', { secure: true })).not.toThrow();
    expect(make('__Host-sid', {})).toThrow(/__Host-.* needs cookie.secure: true/);
    expect(make('__Host-sid', { secure: true, path: '/app' })).toThrow(/needs/);
    expect(make('__Host-sid', { secure: true, domain: 'a.example' })).toThrow(/needs/);
    expect(make('__Secure-sid', { secure: true, path: '/app' })).not.toThrow();
    expect(make('__Secure-sid', { secure: 'auto' })).toThrow(/needs/);
    expect(make('sid', { partitioned: true })).toThrow(/cookie.secure/);
  });

  it('a __Host- cookie works', async () => {
    const client = await app({ name: '__Host-sid', cookie: { secure: true }, proxy: true });
    const https = { 'x-forwarded-proto': 'https' };
    expect((await client.get('/set/a/1', https)).cookie).toMatch(/^__Host-sid=.*; Path=\/; HttpOnly; Secure$/);
    expect(JSON.parse((await client.get('/', https)).text).a).toBe('1');
  });
});

describe('errors of options', () => {
  it.each([
    [{ absoluteMs: 0 }, /absoluteMs option must be a number of milliseconds, 1 or more/],
    [{ touchAfterMs: '5' }, /touchAfterMs option/],
    [{ rotate: { everyMs: -1 } }, /rotate.everyMs option/],
    [{ rotate: { everyMs: 5 } }, /rotate option needs a store of Sessile/],
    [{ onUnavailable: 'x' }, /onUnavailable option must be "fail", "anonymous" or "wait"/],
    [{ transport: 'x' }, /transport option must be/],
    [{ transport: { header: 'a b' } }, /transport option must be/],
    [{ compat: 'x' }, /compat option must be/],
  ])('%j', (options, message) => {
    expect(() => session({ secret: SECRET, ...options } as never)).toThrow(message);
  });

  it('an option that is none is a warning, since express-session takes it in silence', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    session({ secret: SECRET, maxAge: 5 } as never);
    expect(warn.mock.calls[0]?.[0]).toMatch(/no session option "maxAge".*misspelt/);
    warn.mockRestore();
  });
});

describe('the doctor', () => {
  async function diagnose(options: object, headers: Record<string, string> = {}, jar?: Map<string, string>, path = '/') {
    let diagnosis: any;
    const sessions = session({ secret: SECRET, store: new MemoryStore(), ...options });
    const client = await serve(
      listener(sessions, (req, res) => {
        if (path === '/' && req.session) req.session.a = 1;
        res.on('finish', () => (diagnosis = sessions.doctor(req, res)));
        res.end();
      }),
    );
    if (jar !== undefined) client.jar = jar;
    await client.get(path, headers);
    await expect.poll(() => diagnosis).toBeDefined();
    return { diagnosis, client };
  }

  it('says why a cookie was set, or not', async () => {
    const { diagnosis } = await diagnose({});
    expect(diagnosis).toMatchObject({ session: 'new', because: 'the client sent no id', cookie: { set: true }, stored: 'save' });
    expect(diagnosis.cookie.because).toMatch(/id is new/);
    const insecure = await diagnose({ cookie: { secure: true, sameSite: 'lax' } });
    expect(insecure.diagnosis.cookie).toMatchObject({ set: false, because: expect.stringMatching(/not known to be TLS.*trust proxy/) });
    const unused = await diagnose({}, {}, undefined, '/nothing');
    expect(unused.diagnosis.cookie).toMatchObject({ set: false, because: 'the session is new, and nobody used it' });
    const elsewhere = await diagnose({ cookie: { path: '/admin' } });
    expect(elsewhere.diagnosis).toMatchObject({ session: 'none', because: expect.stringMatching(/path/) });
  });

  it('says what became of the id that the client sent', async () => {
    const forged = await diagnose({}, {}, new Map([['connect.sid', 's%3Aa.b']]));
    expect(forged.diagnosis.because).toMatch(/no secret of ours/);
    const gone = await diagnose({}, {}, new Map([['connect.sid', encodeURIComponent(`s:${signature.sign('gone', SECRET)}`)]]));
    expect(gone.diagnosis.because).toMatch(/destroyed, or has expired/);
  });

  it('says what could be stronger', async () => {
    const { diagnosis } = await diagnose({ cookie: { httpOnly: false }, store: new session.MemoryStore() });
    expect(diagnosis.advice.join('\n')).toMatch(/sameSite[^]*httpOnly[^]*shorter than 16[^]*not one of Sessile/);
    const strong = await diagnose({ secret: 'a long enough secret text', cookie: { sameSite: 'lax' } });
    expect(strong.diagnosis.advice).toEqual([]);
  });

  it('says so where the middleware never saw the request', () => {
    expect(session.doctor({ headers: {} } as never)).toMatchObject({ session: 'none', because: expect.stringMatching(/did not see/) });
  });
});
