/**
 * The programs of the documentation that the middlewares of today have, with one import changed, each as a process of its own.
 * Beyond that only the port differs, and what a document leaves open.
 */
import path from 'node:path';
import { Client, type Program, startProgram } from '@sessile/testkit';
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
