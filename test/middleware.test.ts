import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import type { SessionStore, SessionStoreOptions } from '@sessile/core';
import { MemoryStore } from '@sessile/store-memory';
import { SqliteStore } from '@sessile/store-sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { apps, Gate } from './apps.js';
import { Client, serve } from '@sessile/testkit';

const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'sessile-middleware-'));
let files = 0;
const stores: Record<string, (options?: SessionStoreOptions) => SessionStore> = {
  MemoryStore: (options) => new MemoryStore(options),
  SqliteStore: (options) => new SqliteStore({ file: join(folder, `${(files += 1)}.sqlite`), ...options }),
};

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Reads until a session has outlived its first lifetime twice. False where this machine was too slow to ask in time. */
async function livesOn(client: Client, maxAgeMs: number): Promise<boolean> {
  await client.get('/login/ann');
  const started = Date.now();
  for (let asked = started; asked - started < 2.2 * maxAgeMs;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = asked;
    asked = Date.now();
    const { text } = await client.get('/read');
    if (Date.now() - before > maxAgeMs / 2) return false;
    expect(JSON.parse(text)).toMatchObject({ user: 'ann' });
  }
  return true;
}

for (const [storeName, makeStore] of Object.entries(stores)) {
  describe.concurrent.each(Object.entries(apps))(`${storeName} in stock %s`, (framework, makeApp) => {
    async function app(storeOptions?: SessionStoreOptions, options?: object) {
      const store = makeStore(storeOptions);
      const gate = new Gate();
      const server = await serve(await makeApp(store, gate, options));
      const client = new Client(server.url);
      const stop = async () => {
        await server[Symbol.asyncDispose]();
        await store.close();
      };
      return { store, gate, server, client, [Symbol.asyncDispose]: stop };
    }

    it('logs in, reads, and logs out', async () => {
      await using it = await app();
      await it.client.get('/login/ann');
      const { text } = await it.client.get('/read');
      expect(JSON.parse(text)).toMatchObject({ user: 'ann' });
      const tab = it.client.clone();
      await it.client.get('/logout');
      expect(await it.store.length()).toBe(0);
      expect((await tab.get('/read')).text).not.toContain('ann');
    });

    it('fifty parallel requests that each add a key keep all fifty', async () => {
      await using it = await app();
      await it.client.get('/login/ann');
      const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => it.client.clone().get(`/add/n${n}`)));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const { text } = await it.client.get('/read');
      expect(Object.keys(JSON.parse(text).hits)).toHaveLength(50);
    });

    it('a logout during a slow writing request stays a logout, and no request fails', async () => {
      await using it = await app();
      await it.client.get('/login/ann');
      const tab = it.client.clone();
      const stolen = it.client.clone();
      const waiting = it.gate.waiting('slow');
      const slow = tab.get('/slow');
      await waiting;
      expect((await it.client.get('/logout')).status).toBe(200);
      it.gate.open('slow');
      expect((await slow).status).toBe(200);
      expect(await it.store.length()).toBe(0);
      expect((await stolen.get('/read')).text).not.toContain('ann');
    });

    it('regenerate() keeps its session', async () => {
      await using it = await app();
      await it.client.get('/login/ann');
      const before = new Map(it.client.cookies);
      const { status } = await it.client.get('/regenerate');
      expect(status).toBe(200);
      expect(it.client.cookies).not.toEqual(before);
      expect(JSON.parse((await it.client.get('/read')).text)).toMatchObject({ user: 'ann', fresh: true });
      expect(await it.store.length()).toBe(1);
    });

    it('hashed ids and encryption change nothing for the app', async () => {
      await using it = await app({ hashIds: true, encrypt: { keys: ['k'.repeat(32)] }, compress: true });
      await it.client.get('/login/ann');
      await Promise.all(Array.from({ length: 10 }, (_, n) => it.client.clone().get(`/add/n${n}`)));
      expect(Object.keys(JSON.parse((await it.client.get('/read')).text).hits)).toHaveLength(10);
      for (const id of await it.store.ids()) expect(id).toMatch(/^h1-[0-9a-f]{64}$/);
    });

    it('a session that is used lives on', async () => {
      // A cookie's date is cut to whole seconds: a shorter life could end in the client before it begins.
      const maxAge = 2500;
      const short = framework === 'koa-session' ? { maxAge, rolling: true } : { cookie: { maxAge, secure: false }, rolling: true };
      await using it = await app(undefined, short);
      while (!(await livesOn(it.client, maxAge)));
    });
  });
}

describe('express-session', () => {
  const session = require('express-session');

  it('takes the store without extending anything, and its Session and Cookie do what express-session’s do', async () => {
    const store = new MemoryStore();
    await using server = await serve((req: any, res) => {
      session({ store, secret: 's', resave: false, saveUninitialized: true, cookie: { maxAge: 60_000 } })(req, res, () => {
        const { cookie } = req.session;
        const seen = {
          keys: Object.keys(req.session),
          own: req.session.id === req.sessionID,
          left: cookie.maxAge,
          date: cookie.expires instanceof Date,
          original: cookie.originalMaxAge,
          text: cookie.serialize('n', 'v'),
        };
        req.session.views = (req.session.views ?? 0) + 1;
        res.end(JSON.stringify(seen));
      });
    });
    const client = new Client(server.url);
    await client.get('/');
    const seen = JSON.parse((await client.get('/')).text);
    expect(seen).toMatchObject({ keys: ['cookie', 'views'], own: true, date: true, original: 60_000 });
    expect(seen.left).toBeGreaterThan(58_000);
    expect(seen.text).toMatch(/^n=v; .*Path=\/; Expires=.*HttpOnly/);
    await store.close();
  });

  it('save, reload, touch and resetMaxAge of a loaded session', async () => {
    const store = new MemoryStore();
    const steps: unknown[] = [];
    await using server = await serve((req: any, res) => {
      session({ store, secret: 's', resave: false, saveUninitialized: true, cookie: { maxAge: 60_000 } })(req, res, () => {
        req.session.n = 1;
        req.session.save((error: unknown) => {
          steps.push(error ?? null);
          req.session.n = 99;
          req.session.reload((failure: unknown) => {
            steps.push(failure ?? null, req.session.n, req.session.touch() === req.session, req.session.resetMaxAge() === req.session);
            res.end('ok');
          });
        });
      });
    });
    const client = new Client(server.url);
    await client.get('/');
    await client.get('/');
    expect(steps).toEqual([null, null, 1, true, true, null, null, 1, true, true]);
    await store.close();
  });

  it('load() gives a session outside a request', async () => {
    const store = new MemoryStore();
    await store.set('sid', { user: 'ann', cookie: { originalMaxAge: 60_000, expires: new Date(Date.now() + 60_000) } });
    const loaded: any = await new Promise((resolve, reject) =>
      store.load('sid', (error, found) => (error ? reject(error as Error) : resolve(found))),
    );
    expect(loaded.user).toBe('ann');
    loaded.user = 'bob';
    await new Promise((resolve) => loaded.save(resolve));
    expect((await store.get('sid'))!['user']).toBe('bob');
    expect(await new Promise((resolve) => store.load('none', (_error, found) => resolve(found)))).toBeUndefined();
    await store.close();
  });

  it('resave: true of an unchanged session does not write data over what another request saved', async () => {
    const store = new MemoryStore();
    const gate = new Gate();
    await using server = await serve(await apps['express-session']!(store, gate, { resave: true }));
    const client = new Client(server.url);
    await client.get('/login/ann');
    const waiting = gate.waiting('slow');
    const slow = client.clone().get('/slow');
    await waiting;
    await client.get('/add/n1');
    gate.open('slow');
    await slow;
    expect(JSON.parse((await client.get('/read')).text)).toMatchObject({ user: 'ann', hits: { n1: 1 }, slow: 'written late' });
    await store.close();
  });
});

describe('koa-generic-session', () => {
  it('the cookie of a session does not shrink from request to request', async () => {
    const store = new MemoryStore();
    await using server = await serve(await apps['koa-generic-session']!(store, new Gate(), { cookie: { maxAge: 60_000 }, rolling: true }));
    const client = new Client(server.url);
    await client.get('/login/ann');
    for (let n = 0; n < 5; n += 1) {
      const { setCookie } = await client.get('/read');
      const expires = Date.parse(/expires=([^;]+)/i.exec(setCookie[0]!)![1]!);
      expect(expires).toBeGreaterThan(Date.now() + 58_000);
      const [stored] = Object.values(await store.all());
      expect(stored!['cookie']).not.toHaveProperty('expires');
    }
    await store.close();
  });
});

describe('stock @fastify/session', () => {
  it('without the plugin it has the incumbents’ guarantees: a copy, so the last save stands', async () => {
    const store = new MemoryStore();
    const fastify = require('fastify')();
    await fastify.register(require('@fastify/cookie'));
    await fastify.register(require('@fastify/session'), { store, secret: 'x'.repeat(32), cookie: { secure: false } });
    fastify.get('/*', async (request: any) => {
      request.session[request.url.slice(1)] = 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return request.session;
    });
    await fastify.ready();
    await using server = await serve(fastify.routing);
    const client = new Client(server.url);
    await client.get('/first');
    await Promise.all([client.clone().get('/a'), client.clone().get('/b')]);
    const [stored] = Object.values(await store.all());
    expect(stored).toHaveProperty('first');
    expect(Object.keys(stored!).filter((key) => key === 'a' || key === 'b')).toHaveLength(1);
    await store.close();
  });
});
