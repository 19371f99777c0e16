import { createRequire } from 'node:module';
import session from '@sessile/express';
import { MemoryStore } from '@sessile/store-memory';
import { describe, expect, it, vi } from 'vitest';
import { app, Client, SECRET } from './apps.js';

const require = createRequire(import.meta.url);
const signature = require('cookie-signature');
const crypto = require('node:crypto');

const sign = (id: string, secret = SECRET) => encodeURIComponent(`s:${signature.sign(id, secret)}`);
const idOf = (client: Client) => decodeURIComponent(client.jar.get('connect.sid') ?? '').slice(2, 34);

async function start(options: object = {}) {
  const store = new MemoryStore();
  const asked: string[] = [];
  const client = await app({ store, ...options }, async (req, res) => {
    const [, verb, name = '', value] = req.url.split('/');
    if (verb === 'login') await req.session.regenerate({ keep: true });
    if (verb === 'login') req.session.user = name;
    if (verb === 'set') req.session[decodeURIComponent(name)] = JSON.parse(decodeURIComponent(value));
    res.end(JSON.stringify(req.session));
  });
  vi.spyOn(store, 'get').mockImplementation(((sid: string, ...rest: any[]) => {
    asked.push(sid);
    return (MemoryStore.prototype.get as any).call(store, sid, ...rest);
  }) as never);
  return { store, client, asked };
}

describe('fixation', () => {
  it('an id that the client chose is never taken, signed by us or not', async () => {
    const { client } = await start();
    for (const value of [sign('chosen'), 'chosen', 's:chosen', sign('chosen', 'other secret')]) {
      client.jar.set('connect.sid', value);
      await client.get('/set/a/1');
      expect(idOf(client)).not.toMatch(/^chosen/);
    }
  });

  it('regenerate at login ends the id from before it', async () => {
    const { client, store } = await start();
    await client.get('/set/cart/1');
    const before = new Map(client.jar);
    await client.get('/login/ann');
    expect((await client.json('/')).user).toBe('ann');
    expect((await new Client(client.base, before).json('/')).user).toBeUndefined();
    expect(await store.length()).toBe(1);
  });
});

describe('cookies that were changed', () => {
  it('every bit of the signature counts, and a truncated cookie is none; the store is not asked', async () => {
    const { client, asked } = await start();
    await client.get('/set/a/1');
    const good = decodeURIComponent(client.jar.get('connect.sid') ?? '');
    const wrong = good
      .split('')
      .slice(0, -1)
      .map((_, length) => good.slice(0, length));
    const flipped = good
      .split('')
      .flatMap((letter, at) => (at < 2 ? [] : [good.slice(0, at) + (letter === 'A' ? 'B' : 'A') + good.slice(at + 1)]));
    for (const value of [...wrong, ...flipped]) {
      client.jar.set('connect.sid', encodeURIComponent(value));
      await client.get('/');
    }
    // A base64 text may end in bits that count for nothing, but it is compared as text.
    expect(asked).toEqual([]);
    client.jar.set('connect.sid', encodeURIComponent(good));
    expect((await client.json('/')).a).toBe(1);
  });

  it('a forged id never reaches the store, whatever is in it', async () => {
    const { client, asked } = await start();
    for (const id of ['__proto__', 'constructor', '../x', "' OR 1=1 --", '*', '\u0000', 'a'.repeat(5000), '$where', '{"$ne":null}']) {
      client.jar.set('connect.sid', encodeURIComponent(`s:${id}.${'A'.repeat(43)}`));
      await client.get('/');
    }
    expect(asked).toEqual([]);
  });

  it('an oversized cookie is a new session or a refusal of Node, no failure', async () => {
    const { client } = await start();
    client.jar.set('connect.sid', 's%3A'.padEnd(14_000, 'x'));
    expect((await client.get('/')).status).toBe(200);
    client.jar.set('connect.sid', 's%3A'.padEnd(40_000, 'x'));
    expect((await client.get('/')).status).toBe(431);
  });

  it('odd percent-encodings are no failure', async () => {
    const { client } = await start();
    for (const value of ['s%3', '%', 's%3A%E0%A4%A', '""', '"s:x"', '=', 's:', 's%3A.', '.']) {
      client.jar.set('connect.sid', value);
      expect((await client.get('/')).status).toBe(200);
    }
  });

  it('of several cookies of the name the first that we signed counts: one thrown in from a sibling domain locks nobody out', async () => {
    const { client } = await start();
    await client.get('/set/a/1');
    const good = client.jar.get('connect.sid');
    const text = async (cookie: string) => JSON.parse((await new Client(client.base).get('/', { cookie })).text).a;
    expect(await text(`connect.sid=s%3Atossed.bad; connect.sid=${good}`)).toBe(1);
    expect(await text(`connect.sid=; x=1; connect.sid=${good}; connect.sid=s%3Atossed.bad`)).toBe(1);
    expect(await text(`xconnect.sid=${good}`)).toBeUndefined();
    expect(await text(`x=connect.sid=${good}`)).toBeUndefined();
  });

  it('a cookie of a sibling domain cannot have the prefix __Host-', async () => {
    expect(() => session({ secret: SECRET, name: '__Host-sid', cookie: { secure: true, domain: 'example.com' } })).toThrow(TypeError);
  });
});

describe('secrets', () => {
  it('the first signs, all verify, and one that was taken away verifies no more', async () => {
    const store = new MemoryStore();
    const first = await app({ store, secret: 'one' });
    await first.get('/set/a/1');
    const old = new Map(first.jar);
    const both = await app({ store, secret: ['two', 'one'], rolling: true });
    both.jar = new Map(old);
    expect((await both.json('/')).a).toBe('1');
    expect(both.jar.get('connect.sid')).not.toBe(old.get('connect.sid'));
    const after = await app({ store, secret: 'two' });
    after.jar = both.jar;
    expect((await after.json('/')).a).toBe('1');
    after.jar = new Map(old);
    expect((await after.json('/')).a).toBeUndefined();
  });

  it('signatures are compared in constant time', async () => {
    const compare = vi.spyOn(crypto, 'timingSafeEqual');
    const { client } = await start();
    client.jar.set('connect.sid', sign('x', 'other secret'));
    await client.get('/');
    expect(compare).toHaveBeenCalledTimes(1);
    compare.mockRestore();
  });

  it('ids have 192 random bits, and do not repeat', async () => {
    const { createId } = await import('@sessile/engine');
    const ids = new Set(Array.from({ length: 20_000 }, createId));
    expect(ids.size).toBe(20_000);
    const bits = Array.from(ids, (id) => Buffer.from(id, 'base64url'));
    expect(bits.every(({ length }) => length === 24)).toBe(true);
    for (let byte = 0; byte < 24; byte += 1) {
      const mean = bits.reduce((sum, buffer) => sum + (buffer[byte] ?? 0), 0) / bits.length;
      expect(Math.abs(mean - 127.5)).toBeLessThan(5);
    }
  });
});

describe('header injection', () => {
  it('no option can put a line or another attribute into the header', () => {
    const evil = 'x\r\nSet-Cookie: evil=1';
    const cases: object[] = [
      { name: evil },
      { name: 'a b' },
      { name: 'a;b' },
      ...['path', 'domain', 'sameSite', 'priority'].map((name) => ({ cookie: { [name]: evil } })),
      { cookie: { path: '/; Domain=evil.example' } },
      { cookie: { domain: 'a.example; Path=/' } },
    ];
    for (const options of cases) expect(() => session({ secret: SECRET, ...options } as never), JSON.stringify(options)).toThrow(TypeError);
  });

  it('an id with line ends, made by genid, is encoded', async () => {
    const client = await app({ genid: () => 'a\r\nSet-Cookie: evil=1' });
    const { cookies } = await client.get('/set/a/1');
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatch(/^connect\.sid=s%3Aa%0D%0ASet-Cookie%3A%20evil%3D1\./);
  });

  it('options of a function of the request that cannot be written set no cookie, and are an error', async () => {
    const onError = vi.fn();
    const client = await app(
      { cookie: () => ({ domain: 'a\r\nb' }) },
      (req, res) => {
        req.session.a = 1;
        res.end('ok');
      },
      onError,
    );
    expect(await client.get()).toMatchObject({ text: 'ok', cookies: [] });
    await expect.poll(() => onError.mock.calls[0]?.[0]).toBeInstanceOf(TypeError);
  });
});

describe('prototype pollution', () => {
  it('__proto__, constructor and prototype are data, in a session, in a stored session and in its cookie', async () => {
    const { client, store } = await start();
    await store.set(
      'odd',
      JSON.parse(
        '{"cookie":{"path":"/","__proto__":{"polluted":1}},"__proto__":{"polluted":2},"constructor":{"prototype":{"polluted":3}}}',
      ),
    );
    client.jar.set('connect.sid', sign('odd'));
    const { text } = await client.get('/set/a/1');
    expect(JSON.parse(text).constructor.prototype.polluted).toBe(3);
    expect((await store.get('odd'))?.['a']).toBe(1);
    expect(Object.hasOwn((await store.get('odd')) ?? {}, '__proto__')).toBe(true);
    expect(({} as any).polluted).toBeUndefined();
    expect((session.Cookie.prototype as any).polluted).toBeUndefined();
    expect((session.Session.prototype as any).polluted).toBeUndefined();
  });

  it('cookies called __proto__ and the like are no session', async () => {
    const client = await app({ name: 'constructor' });
    expect((await client.get('/', { cookie: '__proto__=x; toString=y; constructor=z' })).status).toBe(200);
  });
});

describe('logout', () => {
  it('a request that was under way brings nothing back, in any order of the two', async () => {
    for (const order of ['save last', 'logout last']) {
      const store = new MemoryStore();
      const waiting: Record<string, () => void> = {};
      const client = await app({ store }, async (req, res) => {
        const [, verb] = req.url.split('/');
        if (verb === 'set') req.session.a = 1;
        if (verb === 'slow') {
          req.session.b = 1;
          await new Promise<void>((resolve) => (waiting['slow'] = resolve));
        }
        if (verb === 'logout') {
          void req.session.a;
          await new Promise<void>((resolve) => (waiting['logout'] = resolve));
          await req.session.destroy();
        }
        res.end();
      });
      await client.get('/set');
      const jar = new Map(client.jar);
      const slow = new Client(client.base, new Map(jar)).get('/slow');
      const logout = new Client(client.base, new Map(jar)).get('/logout');
      await expect.poll(() => Object.keys(waiting).sort()).toEqual(['logout', 'slow']);
      for (const name of order === 'save last' ? ['logout', 'slow'] : ['slow', 'logout']) {
        waiting[name]?.();
        await (name === 'slow' ? slow : logout);
      }
      expect(await store.length()).toBe(0);
      expect((await slow).cookies).toEqual([]);
    }
  });

  it('a destroyed session is not brought back by its cookie, nor by touch', async () => {
    const { client, store } = await start({ cookie: { maxAge: 60_000 } });
    await client.get('/set/a/1');
    await store.destroy(idOf(client));
    expect((await client.json('/')).a).toBeUndefined();
    expect(await store.length()).toBe(0);
  });
});

describe('what is told', () => {
  it('neither ids nor data stand in errors, in the diagnosis or in what inspect shows of a visit', async () => {
    const { VISIT } = await import('@sessile/core');
    const sessions = session({ secret: SECRET });
    let shown = '';
    let id = '';
    const { serve, listener } = await import('./apps.js');
    const client = await serve(
      listener(sessions, (req, res) => {
        req.session.word = 'a-private-value';
        id = req.sessionID;
        shown = require('node:util').inspect([req[VISIT], sessions.doctor(req, res)], { depth: 9, showHidden: false });
        res.end();
      }),
    );
    await client.get();
    expect(id).toHaveLength(32);
    expect(shown).not.toContain('a-private-value');
    expect(JSON.stringify(sessions.doctor({ headers: { cookie: `connect.sid=${sign(id)}` } } as never))).not.toContain(id);
  });
});
