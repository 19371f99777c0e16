/** What an app in TypeScript writes. That it compiles, and what does not, is part of `npm run check`. */
import { plugin, type SessionOptions } from '@sessile/egg';
import type { Application, Context, EggAppConfig, PowerPartial } from 'egg';
import { expect, it } from 'vitest';
import { MemoryStore, OURS, startEgg } from './apps.js';

declare module '@sessile/egg' {
  interface SessionData {
    visitor: string;
    visits: number;
  }
}

const session: SessionOptions = { maxAge: 'session', renew: true, encrypt: false };
const config: PowerPartial<EggAppConfig> = { session: { key: 'sid', logValue: false } };
// @ts-expect-error -- a lifetime is a number of milliseconds, or 'session'
const wrong: SessionOptions = { maxAge: '1d' };

class Store extends MemoryStore {
  constructor(readonly app: Application) {
    super();
  }
}

function didLoad(app: Application): void {
  app.sessionStore = Store;
  expect(app.sessionStore).toBeInstanceOf(Store);
  // @ts-expect-error -- a store has get, set and destroy
  expect(() => (app.sessionStore = { get: () => null })).toThrow('store.set must be function');
}

function answer(ctx: Context): object {
  ctx.session.visits = (ctx.session.visits ?? 0) + 1;
  // @ts-expect-error -- a visitor is a text
  ctx.session.visitor = 1;
  ctx.session.maxAge = 'session';
  return { key: ctx.session.externalKey, isNew: ctx.session.isNew, ...ctx.session.toJSON() };
}

it('the app, its configuration and its contexts have their types', async () => {
  expect(wrong).toBeDefined();
  expect(plugin).toEqual({ enable: true, path: expect.stringMatching(/egg$/) });
  const { browser } = await startEgg(OURS, { session, config, didLoad, answer, env: 'unittest' });
  const visitor = browser();
  await visitor.get('/');
  expect(JSON.parse((await visitor.get('/')).text)).toMatchObject({ isNew: false, visits: 2, visitor: 1 });
  expect(visitor.cookies.map(({ key }) => key)).toEqual(['sid', 'sid.sig']);
});
