import { fileURLToPath } from 'node:url';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HandMade, MemoryStore, OURS, OURS_4, SqliteStore, startEgg, STOCK, STOCK_4, type Target } from './apps.js';

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

const MOVES = [
  [STOCK, OURS],
  [STOCK_4, OURS_4],
] as const;

describe.each(MOVES)('from $plugin in $egg, and back', (before, after) => {
  describe.each(Object.entries(STORES))('nobody is logged out: %s', (_name, kind) => {
    it.each([true, false])('with one jar of cookies (encrypt: %s)', async (encrypt) => {
      const make = kind();
      const start = (target: Target) => startEgg(target, { session: { encrypt }, didLoad: (app) => (app.sessionStore = make()) });
      const [theirs, ours] = [await start(before), await start(after)];
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
});

describe("who came while Egg 4's own plugin did not encrypt", () => {
  const start = async (encrypt: unknown) => {
    const visitor = (await startEgg(STOCK_4)).browser();
    await visitor.get('/set/user/ada');
    expect(visitor.cookies.map(({ key }) => key)).toContain('EGG_SESS.sig');
    const ours = await startEgg(OURS_4, { session: encrypt === undefined ? {} : { encrypt } });
    return visitor.clone(ours.url);
  };

  it('stays with `encrypt: false`', async () => {
    expect((await (await start(false)).get('/')).text).toBe('{"user":"ada"}');
  });

  it('is a stranger by default', async () => {
    expect((await (await start(undefined)).get('/')).text).toBe('{}');
  });

  it('stays with `acceptPlain`, and has an encrypted cookie from the next save on', async () => {
    const visitor = await start({ acceptPlain: true });
    expect((await visitor.get('/')).text).toBe('{"user":"ada"}');
    const { setCookie } = await visitor.get('/set/more/data');
    expect(setCookie.map((line) => line.split('=')[0])).toEqual(['EGG_SESS']);
    const encrypting = await startEgg(OURS_4);
    expect((await visitor.clone(encrypting.url).get('/')).text).toBe('{"user":"ada","more":"data"}');
  });

  it('cannot be played by somebody else with `acceptPlain`', async () => {
    const { url } = await startEgg(OURS_4, { session: { encrypt: { acceptPlain: true } } });
    const forged = Buffer.from('{"user":"ada"}').toString('base64');
    const response = await fetch(url, { headers: { cookie: `EGG_SESS=${forged}; EGG_SESS.sig=forged` } });
    expect(await response.text()).toBe('{}');
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
