/** What egg-session cannot do, and what an app sees of it. */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { SessionStore } from '@sessile/core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  answerSession,
  type AppOptions,
  CHROME,
  HandMade,
  MemoryStore,
  OURS,
  overTls,
  SOON,
  SqliteStore,
  startEgg,
  STOCK,
} from './apps.js';

const require = createRequire(import.meta.url);
const mock = require('egg-mock');

const STORES: Record<string, () => SessionStore> = {
  memory: () => new MemoryStore(),
  sqlite: () => new SqliteStore({ file: ':memory:' }),
};

/** Where requests wait until the test lets them go on. */
function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  let arrived = 0;
  const pass = async () => {
    arrived += 1;
    await opened;
  };
  return { open, pass, crowd: (count: number) => expect.poll(() => arrived, SOON).toBe(count) };
}

describe.each(Object.entries(STORES))('with a store of ours: %s', (_name, make) => {
  function start(options: AppOptions = {}) {
    const store = make();
    onTestFinished(() => store.close());
    return startEgg(OURS, { didLoad: (app) => (app.sessionStore = store), ...options });
  }

  it('parallel requests lose nothing of each other', async () => {
    const { open, pass, crowd } = gate();
    const { browser } = await start({
      answer: (ctx) => (ctx.path.startsWith('/set/n') ? pass().then(() => answerSession(ctx)) : answerSession(ctx)),
    });
    const visitor = browser();
    await visitor.get('/set/user/ada');
    const names = Array.from({ length: 10 }, (_, n) => `n${n}`);
    const requests = names.map((name) => visitor.get(`/set/${name}/here`));
    await crowd(10);
    open();
    await Promise.all(requests);
    const session = JSON.parse((await visitor.get('/')).text);
    expect(Object.keys(session).toSorted()).toEqual([...names, 'user'].toSorted());
  });

  it('a logout stays one when a slower request saves the session', async () => {
    const { open, pass, crowd } = gate();
    const { browser } = await start({
      answer: (ctx) => (ctx.path === '/set/slow/yes' ? pass().then(() => answerSession(ctx)) : answerSession(ctx)),
    });
    const visitor = browser();
    await visitor.get('/set/user/ada');
    const thief = visitor.keeper();
    const slow = visitor.get('/set/slow/yes');
    await crowd(1);
    await visitor.get('/logout');
    open();
    expect((await slow).status).toBe(200);
    expect((await thief.get('/')).text).toBe('{}');
  });

  it.each(['regenerate', 'regenerateId'])('%s gives a new key, keeps the data, and ends the old one', async (method) => {
    const answer = async (ctx: any) => {
      if (ctx.path === '/login') await ctx.session[method]();
      return { ...answerSession(ctx), key: ctx.session.externalKey };
    };
    const { browser } = await start({ answer });
    const visitor = browser();
    const before = JSON.parse((await visitor.get('/set/user/ada')).text);
    const thief = visitor.keeper();
    await visitor.get('/login');
    const after = JSON.parse((await visitor.get('/')).text);
    expect(after).toEqual({ user: 'ada', key: expect.any(String) });
    expect(after.key).not.toBe(before.key);
    expect(JSON.parse((await thief.get('/')).text)).not.toHaveProperty('user');
  });

  it('gives new keys by time, as @sessile/koa does', async () => {
    const answer = (ctx: any) => ({ ...answerSession(ctx), key: ctx.session.externalKey });
    const { browser } = await start({ session: { rotate: { everyMs: 1 } }, answer });
    const visitor = browser();
    const { key } = JSON.parse((await visitor.get('/set/user/ada')).text);
    await expect.poll(async () => JSON.parse((await visitor.get('/')).text).key, SOON).not.toBe(key);
    expect(JSON.parse((await visitor.get('/')).text)).toMatchObject({ user: 'ada' });
  });

  it('tells in the log of a session that is gone', async () => {
    const { log, app, browser } = await start();
    const visitor = browser();
    await visitor.get('/set/user/ada');
    const [key] = await app.sessionStore.ids();
    await app.sessionStore.clear();
    await visitor.get('/');
    await expect.poll(log, SOON).toEqual([`[session][missed] key(${key})`]);
  });

  it('calls a method that a test has put in the place of one of the store', async () => {
    const { app, browser } = await start();
    const visitor = browser();
    const set = vi.spyOn(app.sessionStore, 'set').mockResolvedValue(undefined);
    await visitor.get('/set/user/ada');
    set.mockRestore();
    expect((await visitor.get('/')).text).toBe('{}');
    await visitor.get('/set/user/ada');
    const get = vi.spyOn(app.sessionStore, 'get').mockResolvedValue({ user: 'mocked' });
    expect((await visitor.get('/')).text).toBe('{"user":"mocked"}');
    get.mockRestore();
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
  });

  it('answers 500 where the store fails, and tells nobody the key', async () => {
    const { app, browser, rawLog } = await start();
    const visitor = browser();
    await visitor.get('/set/user/ada');
    const [key] = await app.sessionStore.ids();
    await app.sessionStore.close();
    expect((await visitor.get('/')).status).toBe(500);
    await expect.poll(rawLog, SOON).toMatch(/ERR_STORE_CLOSED|closed/);
    expect(rawLog()).not.toContain(key);
  });
});

it('says at the request that a store cannot give new keys', async () => {
  const { browser, rawLog } = await startEgg(OURS, {
    session: { rotate: { everyMs: 1000 } },
    didLoad: (app) => (app.sessionStore = new HandMade()),
  });
  expect((await browser().get('/')).status).toBe(500);
  await expect.poll(rawLog, SOON).toMatch('rotate option needs a store of Sessile');
});

it('never takes what was read beside a broken cookie for what stands in it', async () => {
  const { url } = await startEgg(OURS, { config: { proxy: true, cookies: { sameSite: 'none', autoChips: true } } });
  const [own, double] = (await overTls(`${url}/set/user/ada`, { 'user-agent': CHROME })).setCookie
    .map((line) => line.split(';')[0]!)
    .toSorted();
  const ask = async (...cookies: string[]) => (await overTls(url, { cookie: cookies.join('; ') })).text;
  for (const _ of [1, 2]) expect(await ask(own!)).toBe('{"user":"ada"}');
  // Egg reads the partitioned double of a cookie that it cannot decrypt.
  for (const _ of [1, 2]) expect(await ask('EGG_SESS=broken', double!)).toBe('{"user":"ada"}');
  expect(await ask('EGG_SESS=broken')).toBe('{}');
  expect(await ask('EGG_SESS.sig=broken')).toBe('{}');
});

it('takes a long session from the cookie into a store, and back, with `overflow`', async () => {
  const overflow = new MemoryStore();
  onTestFinished(() => overflow.close());
  const { browser } = await startEgg(OURS, { session: { overflow } });
  const visitor = browser();
  await visitor.get(`/set/long/${'x'.repeat(4000)}`);
  expect(await overflow.length()).toBe(1);
  expect(JSON.parse((await visitor.get('/')).text).long).toHaveLength(4000);
  await visitor.get('/set/long/short');
  expect((await visitor.get('/')).text).toBe('{"long":"short"}');
  expect(await overflow.length()).toBe(0);
});

it("gives a store no lifetime with `maxAge: 'session'`, in place of a word", async () => {
  const store = new HandMade();
  const { browser } = await startEgg(OURS, { session: { maxAge: 'session' }, didLoad: (app) => (app.sessionStore = store) });
  const visitor = browser();
  await visitor.get('/set/user/ada');
  await visitor.get('/');
  const lives = store.calls.map(([verb, , ...rest]) => [verb, rest.at(-1)]);
  expect(lives).toEqual([
    ['set', undefined],
    ['get', undefined],
  ]);
});

it.each([STOCK, OURS])('$plugin is mocked by egg-mock', async (target) => {
  const store = new HandMade();
  const { app, browser } = await startEgg(target, { start: mocked, env: 'unittest', didLoad: (app) => (app.sessionStore = store) });
  const visitor = browser();
  app.mockSession({ user: 'ada', toJSON: () => ({ user: 'ada' }) });
  expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
  await mock.restore();
  expect((await visitor.get('/')).text).toBe('{}');
  mock.empty(app.sessionStore, 'set');
  await visitor.get('/set/user/ada');
  expect(store.sessions.size).toBe(0);
  await mock.restore();
  await visitor.get('/set/user/ada');
  expect(store.sessions.size).toBe(1);
  const ctx = app.mockContext();
  ctx.session.user = 'bob';
  expect(ctx.session.toJSON()).toEqual({ user: 'bob' });
});

/** As tests of apps do. */
async function mocked(options: object): Promise<any> {
  const app = mock.app({ ...options, framework: path.dirname(require.resolve('egg/package.json')), cache: false, clean: false });
  await app.ready();
  return app;
}
