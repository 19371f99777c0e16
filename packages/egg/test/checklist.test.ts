/** What egg-session documents and does, seen of the plugin itself and of ours in its place. */
import type { Client } from '@sessile/testkit';
import { describe, expect, it, vi } from 'vitest';
import { answerSession, CHROME, HandMade, OURS, OURS_4, overTls, SOON, startEgg, STOCK } from './apps.js';

const DAY_MS = 86_400_000;

const withStore = (store: unknown) => ({ didLoad: (app: any) => (app.sessionStore = store) });

/** The cookie with the session. */
function sessionCookie(visitor: Client) {
  return visitor.cookies.find(({ key }) => key === 'EGG_SESS');
}

function lifeOf(visitor: Client): number {
  return Number(sessionCookie(visitor)!.expires) - Date.now();
}

describe.each([STOCK, OURS, OURS_4])('$plugin in $egg', (target) => {
  const { egg, plugin } = target;
  it('D1 is there by itself, before the middlewares of the app', async () => {
    const { app, browser } = await startEgg(target);
    expect(app.plugins.session.package).toBe(plugin);
    const { coreMiddleware } = app.config;
    expect(coreMiddleware.slice(coreMiddleware.indexOf('session'))).toEqual(['session', 'securities', ...(egg === 'egg' ? ['i18n'] : [])]);
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
    expect((await browser().get('/')).text).toBe('{}');
  });

  it('D2 has the defaults: a cookie for a day, encrypted, that scripts cannot read', async () => {
    const { app, browser } = await startEgg(target);
    const defaults = { maxAge: DAY_MS, key: 'EGG_SESS', httpOnly: true, encrypt: true, logValue: true };
    expect(app.config.session).toMatchObject(defaults);
    const visitor = browser();
    const { setCookie } = await visitor.get('/set/user/ada');
    expect(setCookie).toHaveLength(1);
    expect(setCookie[0]).toMatch(/^EGG_SESS=[\w-]+=*; path=\/; max-age=86400; expires=[^;]+; httponly$/i);
    expect(Buffer.from(sessionCookie(visitor)!.value, 'base64').toString()).not.toMatch('ada');
    expect(Math.abs(lifeOf(visitor) - DAY_MS)).toBeLessThan(10_000);
  });

  it('D2 without `encrypt` signs the cookie', async () => {
    const { browser, url } = await startEgg(target, { session: { encrypt: false } });
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect(visitor.cookies.map(({ key }) => key).toSorted()).toEqual(['EGG_SESS', 'EGG_SESS.sig']);
    const value = sessionCookie(visitor)!.value;
    expect(JSON.parse(Buffer.from(value, 'base64').toString())).toMatchObject({ user: 'ada', _maxAge: DAY_MS });
    const forged = await fetch(url, { headers: { cookie: `EGG_SESS=${value}; EGG_SESS.sig=forged` } });
    expect(await forged.text()).toBe('{}');
  });

  const keys: string[] = [];
  it.each<[string, object, (visitor: Client, store: HandMade) => unknown]>([
    ['rolling', { rolling: true }, async (visitor) => expect((await visitor.get('/')).setCookie).toHaveLength(1)],
    ['key', { key: 'sid' }, (visitor) => expect(visitor.cookies.map(({ key }) => key)).toEqual(['sid'])],
    ['domain and path', { path: '/set' }, async (visitor) => expect((await visitor.get('/')).text).toBe('{}')],
    ['genid', { genid: () => 'an id' }, (_visitor, store) => expect(store.key).toBe('an id')],
    ['prefix', { prefix: 'p:' }, (_visitor, store) => expect(store.key).toMatch(/^p:[\da-f-]{36}$/)],
    [
      'beforeSave',
      { beforeSave: (_ctx: unknown, session: any) => void (session.saved = true) },
      async (visitor) => expect((await visitor.get('/')).text).toBe('{"user":"ada","saved":true}'),
    ],
    [
      'autoCommit',
      { autoCommit: false },
      async (visitor, store) => {
        expect(store.sessions.size).toBe(0);
        await visitor.get('/commit/user/bob');
        expect(store.sessions.get(store.key)).toMatchObject({ user: 'bob' });
      },
    ],
    [
      'externalKey',
      { externalKey: { get: () => keys.at(-1), set: (_ctx: unknown, key: string) => void keys.push(key) } },
      async (visitor, store) => {
        expect(keys).toEqual([store.key]);
        expect(visitor.cookies).toEqual([]);
        expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
      },
    ],
  ])('D2 takes every option of koa-session: %s', async (_name, session, check) => {
    const store = new HandMade();
    const answer = async (ctx: any) => {
      const [, verb, , user] = ctx.path.split('/');
      if (verb !== 'commit') return answerSession(ctx);
      ctx.session.user = user;
      await ctx.session.manuallyCommit();
      return {};
    };
    const { browser } = await startEgg(target, { session, answer, ...withStore(store) });
    const visitor = browser();
    await visitor.get('/set/user/ada');
    await check(visitor, store);
  });

  it('D2 takes encode and decode', async () => {
    const encode = (session: object) => encodeURIComponent(JSON.stringify(session));
    const decode = (text: string) => JSON.parse(decodeURIComponent(text));
    const { browser } = await startEgg(target, { session: { encode, decode, encrypt: false } });
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect(decode(sessionCookie(visitor)!.value)).toMatchObject({ user: 'ada' });
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
  });

  it('D2 takes ContextStore, a class that is made for each request', async () => {
    const store = new HandMade();
    const paths: string[] = [];
    class ContextStore {
      readonly get = store.get.bind(store);
      constructor(ctx: any) {
        paths.push(ctx.path);
      }
      // koa-session looks for the methods on the prototype.
      set(...args: [string, object]): Promise<void> {
        return store.set(...args);
      }
      destroy(key: string): Promise<void> {
        return store.destroy(key);
      }
    }
    Object.assign(ContextStore.prototype, { get: () => undefined });
    const { browser } = await startEgg(target, { session: { ContextStore } });
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
    expect(paths).toEqual(['/set/user/ada', '/']);
  });

  it('D3 warns of a cookie that scripts can read', async () => {
    const { log } = await startEgg(target, { config: { session: { httpOnly: false } } });
    const sentence = 'please set `config.session.httpOnly` to true. It is very dangerous if session can read by client JavaScript.';
    await expect.poll(log, SOON).toEqual([`[${plugin}]: ${sentence}`]);
  });

  it('D4 takes an object as app.sessionStore, and gives it back', async () => {
    const store = new HandMade();
    const { app, browser } = await startEgg(target, withStore(store));
    expect(app.sessionStore).toBe(store);
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect(store.sessions.get(store.key)).toMatchObject({ user: 'ada' });
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
    await visitor.get('/logout');
    expect(store.sessions.size).toBe(0);
  });

  it('D4 takes a class, and gives it the app', async () => {
    class Store extends HandMade {
      constructor(readonly app: any) {
        super();
      }
    }
    const { app, browser } = await startEgg(target, withStore(Store));
    expect(app.sessionStore).toBeInstanceOf(Store);
    expect(app.sessionStore.app).toBe(app);
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
  });

  it('D4 warns of a second store, but not in unit tests', async () => {
    const twice = (app: any) => {
      app.sessionStore = new HandMade();
      app.sessionStore = new HandMade();
    };
    const { log } = await startEgg(target, { didLoad: twice });
    await expect.poll(log, SOON).toEqual([`[${plugin}] sessionStore already exists and will be overwrite`]);
    const quiet = await startEgg(target, { didLoad: twice, env: 'unittest' });
    quiet.app.logger.warn('nothing before this');
    await expect.poll(quiet.log, SOON).toEqual(['nothing before this']);
  });

  it.each(['get', 'set', 'destroy'])('D4 refuses a store without %s', async (verb) => {
    const { app } = await startEgg(target);
    const store = Object.assign(new HandMade(), { [verb]: undefined });
    expect(() => (app.sessionStore = store)).toThrow(`store.${verb} must be function`);
    expect(app.sessionStore).toBe(undefined);
  });

  const itInEgg3 = egg === 'egg' ? it : () => undefined;
  itInEgg3('D4 takes generator functions', async () => {
    const store = new HandMade();
    const generators = {
      *get(key: string): Generator {
        return yield store.get(key);
      },
      *set(key: string, value: object, maxAge: number): Generator {
        yield store.set(key, value, maxAge);
      },
      *destroy(key: string): Generator {
        yield store.destroy(key);
      },
    };
    const { browser } = await startEgg(target, withStore(generators));
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
    await visitor.get('/logout');
    expect(store.sessions.size).toBe(0);
  });

  it('D5 gives the store key, value and lifetime in ms', async () => {
    const store = new HandMade();
    const { browser } = await startEgg(target, withStore(store));
    const visitor = browser();
    await visitor.get('/set/user/ada');
    const { key } = store;
    await visitor.get('/');
    await visitor.get('/logout');
    const value = { user: 'ada', _expire: expect.any(Number), _maxAge: DAY_MS };
    expect(store.calls).toEqual([
      ['set', key, value, DAY_MS + 10_000],
      ['get', key, DAY_MS],
      ['get', key, DAY_MS],
      ['destroy', key],
    ]);
  });

  describe('D6 tells in the log, as a warning,', () => {
    async function visitWith(value: object | undefined, options: object = {}) {
      const store = new HandMade();
      const { log, browser } = await startEgg(target, { ...withStore(store), ...options });
      const visitor = browser();
      await visitor.get('/set/user/ada');
      const { key } = store;
      if (value === undefined) store.sessions.clear();
      else store.sessions.set(key, value);
      expect((await visitor.get('/')).text).toBe('{}');
      return { log, key };
    }

    it('of a session that is gone', async () => {
      const { log, key } = await visitWith(undefined);
      await expect.poll(log, SOON).toEqual([`[session][missed] key(${key})`]);
    });

    it('of one that has expired', async () => {
      const { log, key } = await visitWith({ user: 'ada', _expire: 1, _maxAge: 1 });
      await expect.poll(log, SOON).toEqual([`[session][expired] key(${key}) value({"user":"ada","_expire":1,"_maxAge":1})`]);
    });

    it('of one that the app does not take', async () => {
      const { log, key } = await visitWith({ user: 'bob' }, { session: { valid: () => false } });
      await expect.poll(log, SOON).toEqual([`[session][invalid] key(${key}) value({"user":"bob"})`]);
    });

    it('and not what was in it, with `logValue: false`', async () => {
      const { log, key } = await visitWith({ user: 'bob' }, { session: { valid: () => false, logValue: false } });
      await expect.poll(log, SOON).toEqual([`[session][invalid] key(${key}) value("")`]);
    });
  });

  it('D7 ends a session by null, and knows which names it keeps', async () => {
    const { browser } = await startEgg(target);
    const visitor = browser();
    for (const name of ['_private', 'isNew', 'user']) await visitor.get(`/set/${name}/x`);
    expect((await visitor.get('/')).text).toBe('{"user":"x"}');
    await visitor.get('/logout');
    expect(visitor.cookies).toEqual([]);
    expect((await visitor.get('/')).text).toBe('{}');
  });

  it.each(['cookie', 'store'])('D7 lets one visitor stay longer, or until the browser is closed: %s', async (kind) => {
    const answer = (ctx: any) => {
      const [, , life] = ctx.path.split('/');
      if (ctx.path.startsWith('/live')) ctx.session.maxAge = life === 'session' ? life : Number(life);
      return answerSession(ctx);
    };
    const { browser } = await startEgg(target, { answer, ...(kind === 'store' ? withStore(new HandMade()) : {}) });
    const visitor = browser();
    await visitor.get('/set/user/ada');
    await visitor.get(`/live/${30 * DAY_MS}`);
    expect(Math.abs(lifeOf(visitor) - 30 * DAY_MS)).toBeLessThan(10_000);
    await visitor.get('/set/later/request');
    expect(Math.abs(lifeOf(visitor) - 30 * DAY_MS)).toBeLessThan(10_000);
    await visitor.get('/live/session');
    expect(sessionCookie(visitor)!.expires).toBe('Infinity');
    expect((await visitor.get('/')).text).toBe('{"user":"ada","later":"request"}');
  });

  it('D7 renews a session in the second half of its life', async () => {
    const store = new HandMade();
    const { browser } = await startEgg(target, { session: { renew: true }, ...withStore(store) });
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect((await visitor.get('/')).setCookie).toEqual([]);
    store.sessions.get(store.key)._expire = Date.now() + DAY_MS / 4;
    expect((await visitor.get('/')).setCookie).toHaveLength(1);
    expect(store.sessions.get(store.key)._expire).toBeGreaterThan(Date.now() + DAY_MS / 2);
  });

  it.each([true, false])('D7 turns keys over: the first writes, all read (encrypt: %s)', async (encrypt) => {
    const start = async (keys: string) => startEgg(target, { config: { keys }, session: { encrypt } });
    const sites = [await start('first'), await start('second,first'), await start('second')];
    const visitor = sites[0]!.browser();
    await visitor.get('/set/a/1');
    const moved = visitor.clone(sites[1]!.url);
    expect((await moved.get('/set/b/2')).text).toBe('{"a":"1","b":"2"}');
    expect((await moved.clone(sites[2]!.url).get('/')).text).toBe('{"a":"1","b":"2"}');
    expect((await visitor.clone(sites[2]!.url).get('/')).text).toBe('{}');
  });

  it('D8 sends sameSite none where a browser takes it', async () => {
    const { url } = await startEgg(target, { config: { proxy: true }, session: { sameSite: 'none', secure: true } });
    const { setCookie } = await overTls(`${url}/set/user/ada`, { 'user-agent': CHROME });
    expect(setCookie).toEqual([expect.stringMatching(/^EGG_SESS=.*; samesite=none; secure; httponly$/i)]);
    const old = await overTls(`${url}/set/user/ada`, { 'user-agent': CHROME.replace('131', '66') });
    expect(old.setCookie).toEqual([expect.not.stringMatching(/samesite/i)]);
  });

  it('D8 sends a partitioned cookie', async () => {
    const session = { sameSite: 'none', secure: true, partitioned: true };
    const { url } = await startEgg(target, { config: { proxy: true }, session });
    const { setCookie } = await overTls(`${url}/set/user/ada`, { 'user-agent': CHROME });
    expect(setCookie).toEqual([expect.stringMatching(/; partitioned/i)]);
  });

  it('D8 sends a second, partitioned cookie with `cookies.autoChips`, and reads it alone', async () => {
    const { url } = await startEgg(target, { config: { proxy: true, cookies: { sameSite: 'none', autoChips: true } } });
    const { setCookie } = await overTls(`${url}/set/user/ada`, { 'user-agent': CHROME });
    const chips = setCookie.find((line) => line.startsWith('_CHIPS-EGG_SESS='))!;
    expect(setCookie).toHaveLength(2);
    expect(chips).toMatch(/; partitioned/i);
    const { text } = await overTls(url, { 'user-agent': CHROME, cookie: chips.split(';')[0]! });
    expect(text).toBe('{"user":"ada"}');
  });

  it("D8 lives until the browser is closed with `maxAge: 'session'`", async () => {
    const { browser } = await startEgg(target, { session: { maxAge: 'session' } });
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect(sessionCookie(visitor)!.expires).toBe('Infinity');
    expect((await visitor.get('/set/more/data')).text).toBe('{"user":"ada","more":"data"}');
    expect(sessionCookie(visitor)!.expires).toBe('Infinity');
  });

  it('D8 lets the store be exchanged while the app runs, and taken away', async () => {
    const { app, browser } = await startEgg(target, { env: 'unittest' });
    const visitor = browser();
    await visitor.get('/set/in/cookie');
    const [one, two] = [new HandMade(), new HandMade()];
    app.sessionStore = one;
    const stored = browser();
    await stored.get('/set/in/one');
    expect((await stored.get('/')).text).toBe('{"in":"one"}');
    app.sessionStore = two;
    expect((await stored.get('/')).text).toBe('{}');
    app.sessionStore = one;
    expect((await stored.get('/')).text).toBe('{"in":"one"}');
    app.sessionStore = null;
    expect(app.sessionStore).toBe(undefined);
    expect((await visitor.get('/')).text).toBe('{"in":"cookie"}');
    await visitor.get('/set/again/yes');
    expect([one.sessions.size, two.sessions.size]).toEqual([1, 0]);
  });

  it('D8 calls the methods of the store that are there now', async () => {
    const { app, browser } = await startEgg(target, withStore(new HandMade()));
    const empty = vi.spyOn(app.sessionStore, 'set').mockReturnValue(undefined);
    const visitor = browser();
    await visitor.get('/set/user/ada');
    expect(empty).toHaveBeenCalledOnce();
    expect((await visitor.get('/')).text).toBe('{}');
    empty.mockRestore();
    await visitor.get('/set/user/ada');
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
  });
});
