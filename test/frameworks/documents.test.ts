/**
 * The programs of the documentation that the middlewares of today have, with one import changed, each as a process of its own.
 * Beyond that only the port differs, and what a document leaves open.
 */
import path from 'node:path';
import { backend, Client, type Program, startProgram } from '@sessile/testkit';
import { describe, expect, it } from 'vitest';

function start(name: string, env: NodeJS.ProcessEnv = {}): Promise<Program> {
  return startProgram([path.join(import.meta.dirname, 'documents', name)], { env });
}

/** What a client sees through a proxy that ends TLS: it keeps the first cookie. */
async function throughProxy(url: string, cookie = ''): Promise<{ text: string; cookie: string | undefined }> {
  const response = await fetch(url, { headers: { 'x-forwarded-proto': 'https', cookie } });
  return { text: await response.text(), cookie: response.headers.getSetCookie()[0] };
}

describe('G5 express-session', () => {
  it('counts views, writes in pieces, and says when the session ends', async () => {
    await using program = await start('express-views.cjs');
    const visitor = new Client(program.url);
    expect((await visitor.get('/')).text).toBe('welcome to the session demo. refresh!');
    for (const views of [2, 3]) {
      const [, count, seconds] = /^<p>views: (\d+)<\/p><p>expires in: ([\d.]+)s<\/p>$/.exec((await visitor.get('/')).text) ?? [];
      expect(Number(count)).toBe(views);
      expect(Number(seconds)).toBeGreaterThan(50);
      expect(Number(seconds)).toBeLessThanOrEqual(60);
    }
  });

  it('counts the views of each path', async () => {
    await using program = await start('express-paths.cjs');
    const visitor = new Client(program.url);
    const texts = [];
    for (const page of ['/foo', '/foo', '/bar', '/foo']) texts.push((await visitor.get(page)).text);
    expect(texts).toEqual(['/foo 1', '/foo 2', '/bar 1', '/foo 3'].map((line) => `you viewed this page ${line.slice(5)} times`));
  });

  it('logs in with regenerate and save, and has every other method of a session', async () => {
    await using program = await start('express-methods.cjs');
    const visitor = new Client(program.url);
    const me = async () => JSON.parse((await visitor.get('/me')).text);
    await visitor.get('/remember');
    const { id: before } = await me();
    expect((await visitor.get('/login')).status).toBe(302);
    const after = await me();
    expect(after).toMatchObject({ user: 'ada', same: true, id: expect.stringMatching(/^[\da-f-]{36}$/) });
    expect(after.id).not.toBe(before);

    const { byDate, byAge } = JSON.parse((await visitor.get('/remember')).text);
    for (const left of [byDate, byAge]) expect(Math.abs(left - 3_600_000)).toBeLessThan(10_000);
    expect(visitor.cookies[0]!.expires).toBeInstanceOf(Date);
    await visitor.get('/forget');
    expect(visitor.cookies[0]!.expires).toBe('Infinity');

    expect((await visitor.get('/reload')).text).toBe('ada');
    const thief = visitor.keeper();
    expect((await visitor.get('/logout')).text).toBe('undefined');
    expect(JSON.parse((await thief.get('/me')).text)).not.toHaveProperty('user');
  });

  it('sends a secure cookie behind a proxy that is trusted, and none without TLS', async () => {
    await using program = await start('express-proxy.cjs');
    const first = await throughProxy(program.url);
    expect(first.cookie).toMatch(/^connect\.sid=.*; Secure/);
    expect((await throughProxy(program.url, first.cookie)).text).toBe(first.text);
    expect((await new Client(program.url).get('/')).setCookie).toEqual([]);
  });

  it('is set up by the environment', async () => {
    await using development = await start('express-environment.cjs', { NODE_ENV: 'development' });
    const visitor = new Client(development.url);
    for (const views of ['1', '2']) expect((await visitor.get('/')).text).toBe(views);
    await using production = await start('express-environment.cjs', { NODE_ENV: 'production' });
    expect((await throughProxy(production.url)).cookie).toMatch('; Secure');
    expect((await new Client(production.url).get('/')).setCookie).toEqual([]);
  });
});

describe('G1 koa-session', () => {
  it('counts views in a signed cookie, and sets no other', async () => {
    await using program = await start('koa-counter.cjs');
    const visitor = new Client(program.url);
    for (const views of [1, 2]) expect((await visitor.get('/')).text).toBe(`${views} views`);
    expect((await visitor.get('/favicon.ico')).setCookie).toEqual([]);
    expect(visitor.cookies.map(({ key }) => key).toSorted()).toEqual(['koa:sess', 'koa:sess.sig']);
    const session = visitor.cookies.find(({ key }) => key === 'koa:sess');
    expect(JSON.parse(Buffer.from(session!.value, 'base64').toString())).toMatchObject({ views: 2, _maxAge: 86_400_000 });
    const forged = await fetch(program.url, { headers: { cookie: `koa:sess=${session!.value}` } });
    expect(await forged.text()).toBe('1 views');
  });

  it.each(['default', 'store', 'context'])('counts views with a configuration of its own: %s', async (WAY) => {
    await using program = await start('koa-external.cjs', { WAY });
    const visitor = new Client(program.url);
    for (const views of [1, 2, 3]) expect(JSON.parse((await visitor.get('/')).text)).toEqual({ views, isNew: views === 1 });
    expect((await visitor.get('/logout')).text).toBe('null');
    expect(JSON.parse((await visitor.get('/')).text)).toEqual({ views: 1, isNew: true });
  });

  it('calls the three methods of a store, with lifetimes in ms, and tells what it did not take', async () => {
    await using program = await start('koa-external.cjs', { WAY: 'store' });
    const visitor = new Client(program.url);
    const seen = async () => JSON.parse((await visitor.get('/seen')).text);
    await visitor.get('/');
    expect((await seen()).keys).toEqual([expect.stringMatching(/^app:[\da-f-]{36}$/)]);
    await visitor.get('/logout');
    expect((await seen()).seen.slice(0, 4)).toEqual([
      ['set', 86_410_000, false, true],
      ['get', 86_400_000, false],
      ['get', 86_400_000, false],
      ['destroy'],
    ]);
    await visitor.get('/');
    await visitor.get('/forget');
    await visitor.get('/');
    await expect.poll(async () => (await seen()).seen, { timeout: 10_000 }).toContainEqual(['session:missed']);
  });

  it('takes the key from where the app says, and asks its hooks', async () => {
    await using external = await start('koa-external.cjs', { WAY: 'external' });
    const key = (await fetch(external.url)).headers.get('x-key');
    expect(await (await fetch(`${external.url}/?key=${key}`)).json()).toMatchObject({ views: 2 });
    await using hooks = await start('koa-external.cjs', { WAY: 'hooks' });
    const visitor = new Client(hooks.url);
    const seen = [];
    for (let n = 0; n < 3; n += 1) seen.push(JSON.parse((await visitor.get('/')).text));
    expect(seen.map(({ views, saved }) => [views, saved])).toEqual([
      [1, undefined],
      [2, true],
      [1, undefined],
    ]);
  });
});

const redis = await backend('redis');

describe('G2 koa-sess', () => {
  it.skipIf(redis.skip !== undefined)('counts in Redis, removes, and regenerates', async () => {
    await using program = await start('koa-sess.cjs', { REDIS_URL: redis.url });
    const visitor = new Client(program.url);
    const get = async (page: string) => Number((await visitor.get(page)).text);
    for (const count of [1, 2, 3]) expect(await get('/get')).toBe(count);
    expect(visitor.cookies.map(({ key }) => key).toSorted()).toEqual(['koa.sid', 'koa.sid.sig']);
    const thief = visitor.keeper();
    expect(await get('/regenerate')).toBe(1);
    expect((await thief.get('/get')).text).toBe('1');
    expect(await get('/get')).toBe(2);
    expect(await get('/remove')).toBe(0);
    expect(visitor.cookies).toEqual([]);
    expect(await get('/get')).toBe(1);
  });

  it('loads only what is asked for, has the defaults of its page, and one lifetime for each session', async () => {
    await using program = await start('koa-sess-options.cjs');
    const { visitor, seen } = await withSide(program);
    await visitor.get('/get');
    expect(visitor.cookies.map(({ expires }) => expires)).toEqual(['Infinity', 'Infinity']);
    expect(await seen()).toEqual([['set', 'koa:sess:', null]]);
    await visitor.get('/idle');
    expect(await seen()).toEqual([]);
    expect((await visitor.get('/get')).text).toBe('2');
    expect(await seen()).toEqual([['get'], ['set', 'koa:sess:', null]]);
    await visitor.get('/remember');
    expect(await seen()).toEqual([['get'], ['set', 'koa:sess:', 3_600_000]]);
    expect(Number(visitor.cookies[0]!.expires) - Date.now()).toBeGreaterThan(3_500_000);
    await visitor.get('/remove');
    expect(await seen()).toContainEqual(['destroy']);
    expect((await visitor.get('/get')).text).toBe('1');
  });

  it('waits for a store that is away, and goes on when it is back', async () => {
    await using program = await start('koa-sess-options.cjs');
    const { visitor, emit } = await withSide(program);
    await visitor.get('/get');
    await emit('disconnect');
    let answered = false;
    const waiting = visitor.get('/get').finally(() => (answered = true));
    await visitor.get('/idle');
    expect(answered).toBe(false);
    await emit('connect');
    expect((await waiting).text).toBe('2');
  });
});

/** A visitor, and what the store of the program was called with since it was last asked. */
async function withSide(program: Program) {
  const side = () => /side: (\S+)/.exec(program.output())?.[1];
  await expect.poll(side, { timeout: 10_000 }).toBeDefined();
  const emit = async (event: string) => (await fetch(`${side()}/${event}`)).json();
  return { visitor: new Client(program.url), emit, seen: () => emit('seen') };
}

describe('G3 a tutorial on koa-session', () => {
  const part = (PART: string, env: NodeJS.ProcessEnv = {}) => start('koa-tutorial.cjs', { PART, ...env });

  it('keeps data, destroys, renews the id without waiting for it, and shows a message once', async () => {
    await using access = await part('access');
    const visitor = new Client(access.url);
    for (const { isFirst } of [{ isFirst: true }, { isFirst: false }]) {
      const { text, setCookie } = await visitor.get('/');
      expect(text, `first: ${isFirst}`).toBe('User ID: 1234, Role: admin');
      expect(setCookie).toHaveLength(2);
    }

    await using regenerate = await part('regenerate');
    const renewed = visitor.clone(regenerate.url);
    expect((await renewed.get('/secure')).text).toBe('Session ID Regenerated');
    expect((await renewed.clone(access.url).get('/')).text).toBe('User ID: 1234, Role: admin');

    await using flash = await part('flash');
    const shown = visitor.clone(flash.url);
    expect((await shown.get('/flash')).status).toBe(302);
    for (const text of ['Flash Message Example', 'No Flash Message']) expect((await shown.get('/')).text).toBe(text);

    await using destroy = await part('destroy');
    const gone = visitor.clone(destroy.url);
    expect((await gone.get('/logout')).text).toBe('Session Destroyed');
    expect(gone.cookies).toEqual([]);
  });

  it('sends no secure cookie without TLS in production, and says so', async () => {
    await using production = await part('access', { NODE_ENV: 'production' });
    const { status, setCookie } = await new Client(production.url).get('/');
    expect({ status, setCookie }).toEqual({ status: 500, setCookie: [] });
    expect(production.output()).toContain('Cannot send secure cookie over unencrypted connection');
  });

  it('runs its complete example with a router', async () => {
    await using program = await start('koa-router.cjs');
    const visitor = new Client(program.url);
    const answers: Record<string, string> = {
      '/': '1 views',
      '/set': 'UserId set in session',
      '/get': 'User ID: 1234',
      '/show-flash': 'No Flash Message',
    };
    for (const [page, text] of Object.entries(answers)) expect((await visitor.get(page)).text, page).toBe(text);
    expect((await visitor.get('/')).text).toBe('2 views');
    expect((await visitor.get('/flash')).status).toBe(302);
    for (const text of ['Flash Message Example', 'No Flash Message']) expect((await visitor.get('/show-flash')).text).toBe(text);
    expect((await visitor.get('/logout')).text).toBe('Session Destroyed');
    expect((await visitor.get('/get')).text).toBe('User ID: undefined');
  });
});
