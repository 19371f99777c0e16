import { session } from '@sessile/koa';
import { MemoryStore } from '@sessile/store-memory';
import Keygrip from 'keygrip';
import { describe, expect, it, vi } from 'vitest';
import { answerSession, Client, CookieJar, held, json, KOAS, open, sent, site } from './apps.js';

const [[, Koa] = ['', undefined as any]] = KOAS;
const MODES = [
  ['cookie', () => ({})],
  ['store', () => ({ store: new MemoryStore() })],
  ['encrypted', () => ({ encrypt: true })],
  ['overflow', () => ({ overflow: new MemoryStore() })],
] as const;

function withCookies(url: string, cookies: Record<string, string>): Client {
  const jar = new CookieJar(undefined, { looseMode: true });
  for (const [name, value] of Object.entries(cookies)) jar.setCookieSync(`${name}=${value}`, url);
  return new Client(url, jar);
}

describe.each(MODES)('%s', (_, mode) => {
  it('a cookie that was changed, cut off or made up is a new session, and no failure', async () => {
    const { client, url, errors } = await site(mode());
    await client.get('/set/a/1');
    const value = held(client) ?? '';
    const signature = held(client, 'koa.sess.sig') ?? '';
    const forged = [
      [value, ''],
      [value, `${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'A'}`],
      [value.slice(0, -1), signature],
      [`${value}x`, signature],
      ['chosen', signature],
      ['__proto__', signature],
      ['x'.repeat(5000), signature],
    ];
    for (const [name = '', sig = ''] of forged) {
      expect((await json(withCookies(url, { 'koa.sess': name, 'koa.sess.sig': sig }))).isNew).toBe(true);
    }
    expect((await json(withCookies(url, { 'koa.sess': value, 'koa.sess.sig': signature }))).a).toBe('1');
    expect(errors).toEqual([]);
  });

  it('without signatures, whatever a client sends is no failure', async () => {
    const { url, errors } = await site({ signed: false, ...mode() });
    const values = [
      'x',
      '%',
      '%E0%A4%A',
      '""',
      '=',
      '.',
      'o1.',
      'o1.x',
      's1.',
      's1.AAAAAAAA.AAAA',
      'h1-x',
      `o1.${'x'.repeat(4000)}`,
      'x'.repeat(4000),
      'e30=',
      'W10=',
    ];
    for (const value of values) expect((await withCookies(url, { 'koa.sess': value }).get('/')).status).toBe(200);
    expect(errors).toEqual([]);
  });

  it('names of methods in stored data break nothing, and __proto__ changes no prototype', async () => {
    const { client } = await site(mode(), async (ctx) => {
      if (ctx.path === '/put')
        for (const name of ['save', 'commit', 'regenerate', 'toJSON', 'externalKey', 'a']) {
          Object.defineProperty(ctx.session, name, { value: 'x', enumerable: true, configurable: true, writable: true });
        }
      if (ctx.path === '/put') {
        ctx.session = { ...ctx.session, toJSON: undefined, ['__proto__']: null, ...JSON.parse('{"__proto__":{"isAdmin":true}}') };
        return (ctx.body = 'ok');
      }
      await ctx.session.save();
      return (ctx.body = {
        a: ctx.session.a,
        admin: String(ctx.session.isAdmin),
        proto: Object.getPrototypeOf(ctx.session) === Object.prototype,
      });
    });
    await client.get('/put');
    expect(await json(client)).toEqual({ a: 'x', admin: 'undefined', proto: false });
    expect(({} as any).isAdmin).toBeUndefined();
  });

  it('data that cannot be serialized fail the request, and leave the session as it was', async () => {
    const { client, errors } = await site(mode(), (ctx) => {
      if (ctx.path === '/big') ctx.session.big = 1n;
      if (ctx.path === '/circle') ctx.session.self = { session: ctx.session, again: ctx };
      if (ctx.path === '/big' || ctx.path === '/circle') return (ctx.body = 'ok');
      return answerSession(ctx);
    });
    await client.get('/set/a/1');
    expect((await client.get('/big')).status).toBe(500);
    expect(errors[0]).toBeInstanceOf(TypeError);
    expect((await json(client)).a).toBe('1');
  });
});

describe('failures', () => {
  it('a save that nobody waits for and that fails is no unhandled rejection; the end of the request tries again', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const store = new MemoryStore();
    const { client } = await site({ store }, async (ctx) => {
      ctx.session.n = 1;
      const set = vi.spyOn(store, 'set').mockRejectedValueOnce(new Error('full'));
      if (ctx.path === '/regenerate') ctx.session.regenerate();
      else ctx.session.save();
      await new Promise(setImmediate);
      set.mockRestore();
      ctx.body = 'ok';
    });
    for (const path of ['/save', '/regenerate']) expect((await client.get(path)).status).toBe(200);
    expect((await json((await site({ store }, answerSession)).client)).isNew).toBe(true);
    expect(await store.length()).toBe(1);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('a store that fails fails the request: it is never "no session"', async () => {
    const store = new MemoryStore();
    const { client, errors } = await site({ store });
    await client.get('/set/a/1');
    for (const [method, path] of [
      ['get', '/'],
      ['set', '/set/a/2'],
      ['destroy', '/out'],
    ] as const) {
      const spy = vi.spyOn(store, method).mockRejectedValueOnce(new Error(`no ${method}`));
      const answer = await client.get(path);
      expect([answer.status, answer.setCookie]).toEqual([500, []]);
      spy.mockRestore();
    }
    expect(errors.map(({ message }) => message)).toEqual(['no get', 'no set', 'no destroy']);
    expect((await json(client)).a).toBe('1');
  });

  it('an answer that the app writes itself: what is stored is stored, though it is too late for a cookie', async () => {
    const store = new MemoryStore();
    const { client, errors } = await site({ store }, (ctx) => {
      if (ctx.path !== '/raw') return answerSession(ctx);
      ctx.respond = false;
      ctx.res.writeHead(200);
      ctx.session.raw = true;
      return ctx.res.end('raw');
    });
    await client.get('/set/a/1');
    expect((await client.get('/raw')).text).toBe('raw');
    await expect.poll(async () => (await json(client)).raw).toBe(true);
    expect(errors).toEqual([]);
  });

  it('a session that was regenerated is not taken back by the old key', async () => {
    const { client } = await site({ store: new MemoryStore() }, async (ctx) => {
      if (ctx.path === '/login') {
        await ctx.session.regenerate();
        ctx.session.user = 'ann';
      }
      return answerSession(ctx);
    });
    await client.get('/set/cart/1');
    const before = client.clone();
    await client.get('/login');
    expect(await json(client)).toMatchObject({ cart: '1', user: 'ann' });
    expect(await json(before)).toEqual({ isNew: true, key: expect.any(String) });
  });

  it('a signature that was found good is worth nothing once its key is gone, in a new list or in the same one', async () => {
    const keys = ['one'];
    const { client, app } = await site({}, answerSession, { keys });
    await client.get('/set/a/1');
    for (let n = 0; n < 3; n += 1) expect((await json(client)).a).toBe('1');
    const copy = client.clone();
    keys.unshift('two');
    const signed = await copy.get('/');
    expect(JSON.parse(signed.text).a).toBe('1');
    expect(sent(signed, 'koa.sess.sig')).toBeDefined();
    keys.pop();
    expect((await json(client)).isNew).toBe(true);
    expect((await json(copy)).a).toBe('1');
    app.keys = ['three'];
    expect((await json(copy)).isNew).toBe(true);
  });

  it.each(['cookie', 'store'])(
    'each cookie that is sent has the signature of the newest key, and a signature is good for its cookie alone: %s',
    async (place) => {
      const keys = ['one'];
      const store = place === 'store' ? new MemoryStore() : undefined;
      const { client, url } = await site({ store, rolling: true, sameSite: 'lax' }, answerSession, { keys });
      for (const [n, key] of ['one', 'one', 'two', 'two'].entries()) {
        if (keys[0] !== key) keys.unshift(key);
        const answer = await client.get(`/set/a/${n}`);
        const [value, signature] = [held(client) ?? '', held(client, 'koa.sess.sig') ?? ''];
        expect(signature).toBe(new Keygrip([key]).sign(`koa.sess=${value}`));
        const ends = [sent(answer), sent(answer, 'koa.sess.sig')].map((line) => line?.slice(line.indexOf(';')));
        expect(ends[0]).toMatch(/samesite=lax/);
        expect(ends[1]).toBe(ends[0]);
        expect(answer.setCookie).toHaveLength(2);
        const forged = withCookies(url, { 'koa.sess': `${value}x`, 'koa.sess.sig': signature });
        expect((await json(forged)).isNew).toBe(true);
      }
      expect(await json(client)).toMatchObject({ a: '3', isNew: false });
    },
  );

  it('a cookie of an older name does not outlive a logout', async () => {
    const made = new Koa();
    made.keys = ['key'];
    made.use(session(made));
    made.use(answerSession);
    const { client, url } = await open(made);
    const old = await site({ key: 'koa:sess' }, answerSession);
    await old.client.get('/set/user/ann');
    await client.get('/set/user/bob');
    const cookies = Object.fromEntries([...old.client.cookies, ...client.cookies].map(({ key, value }) => [key, value]));
    const both = withCookies(url, cookies);
    expect((await json(both)).user).toBe('bob');
    const out = await both.get('/out');
    expect(sent(out, 'koa:sess')).toBeDefined();
    expect((await json(both)).user).toBeUndefined();
  });
});
