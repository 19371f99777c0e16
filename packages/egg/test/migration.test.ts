import { fileURLToPath } from 'node:url';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStore } from '@sessile/store-memory';
import { SqliteStore } from '@sessile/store-sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HandMade, OURS, startEgg, STOCK, type Target } from './apps.js';

/** A store of a kind; each app has an object of its own where they can share their sessions. */
const STORES: Record<string, () => () => unknown> = {
  'no store, cookies encrypted': () => () => null,
  'a store written by hand': () => {
    const store = new HandMade();
    return () => store;
  },
  memory: () => {
    const store = new MemoryStore();
    return () => store;
  },
  sqlite: () => {
    const folder = mkdtempSync(join(tmpdir(), 'sessile-egg-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return () => {
      const store = new SqliteStore({ file: join(folder, 'sessions.sqlite') });
      onTestFinished(() => store.close());
      return store;
    };
  },
};

describe.each(Object.entries(STORES))('nobody is logged out: %s', (_name, kind) => {
  it.each([true, false])('from egg-session to ours, and back, with one jar of cookies (encrypt: %s)', async (encrypt) => {
    const make = kind();
    const start = (target: Target) => startEgg(target, { session: { encrypt }, didLoad: (app) => (app.sessionStore = make()) });
    const [theirs, ours] = [await start(STOCK), await start(OURS)];
    let visitor = theirs.browser();
    await visitor.get('/set/user/ada');
    const seen: string[] = [];
    for (const [n, { url }] of [theirs, ours, ours, theirs, theirs, ours].entries()) {
      visitor = visitor.clone(url);
      seen.push((await visitor.get(`/set/n/${n}`)).text);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5].map((n) => `{"user":"ada","n":"${n}"}`));
    await visitor.clone(theirs.url).get('/logout');
    if (make() !== null) expect((await visitor.get('/')).text).toBe('{}');
  });
});

it('is switched on, and off again, by config/plugin.js alone', async () => {
  const baseDir = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
  const on = await startEgg(STOCK, { baseDir: baseDir('switched') });
  expect(on.app.plugins.session.path).toMatch(/packages\/egg$/);
  const visitor = on.browser();
  await visitor.get('/set/user/ada');
  const off = await startEgg(STOCK);
  expect(off.app.plugins.session.path).toMatch(/egg-session$/);
  expect((await visitor.clone(off.url).get('/')).text).toBe('{"user":"ada"}');
});
