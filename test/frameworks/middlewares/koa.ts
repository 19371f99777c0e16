import { createRequire } from 'node:module';
import type { App, AppOptions, Middleware, SessionOfRequest } from './types.js';

const require = createRequire(import.meta.url);

type KoaName = 'koa-2' | 'koa';

/** A Koa app with a session middleware and nothing else. */
function inKoa(
  name: KoaName,
  { handler }: AppOptions,
  use: (app: any) => unknown,
  own: (ctx: any) => Pick<SessionOfRequest, 'regenerate' | 'live'>,
): App {
  const found = require(name);
  const app = new (found.default ?? found)();
  app.keys = ['a secret'];
  app.silent = true;
  app.use(use(app));
  app.use(async (ctx: any) => {
    ctx.body = await handler(ctx.path, {
      data: () => ctx.session,
      replace: (data) => void (ctx.session = data),
      destroy: () => void (ctx.session = null),
      ...own(ctx),
    });
  });
  return { listener: app.callback() };
}

/** What koa-session is asked for; egg's `config.session` takes the same. */
export function koaSessionOptions({ life, rolling, renew, native }: AppOptions): object {
  const maxAge = life === 'browser' ? undefined : life;
  return { maxAge, rolling: rolling ?? false, renew: renew ?? false, ...native };
}

function koaSession(koa: KoaName, name: 'koa-session-5' | 'koa-session') {
  return (options: AppOptions): App => {
    const found = require(name);
    const createSession = found.createSession ?? found;
    return inKoa(
      koa,
      options,
      (app) => createSession({ store: options.store, ...koaSessionOptions(options) }, app),
      (ctx) => ({ regenerate: () => ctx.session.regenerate(), live: (lifeMs) => void (ctx.session.maxAge = lifeMs) }),
    );
  };
}

function koaGenericSession(koa: KoaName) {
  return (options: AppOptions): App => {
    const { store, life, rolling, native } = options;
    const cookie = { maxAge: typeof life === 'number' ? life : null };
    const session = require('koa-generic-session');
    return inKoa(
      koa,
      options,
      () => session({ store, rolling, cookie, ...native }),
      (ctx) => ({ regenerate: () => ctx.regenerateSession(), live: (lifeMs) => void (ctx.session.cookie.maxAge = lifeMs) }),
    );
  };
}

/** Of koa-session in every version, and of Egg, which has it inside. */
export const likeKoaSession = {
  touches: false,
  judgesEnd: true,
  lacks: { browser: "Without `maxAge` its sessions live for a day. `maxAge: 'session'` asks for a browser session: see the row below." },
  notes: { touch: 'It saves only what changed, unless `rolling` or `renew` is set.' },
} as const;

const koaSession7: Omit<Middleware, 'framework' | 'packages' | 'start'> = {
  ...likeKoaSession,
  name: 'koa-session 7',
  anchor: 'koa-session-7',
  cookieName: 'koa.sess',
  ties: true,
};

const NO_CTX = 'It tells the store nothing of the request: the last save stands, whatever came before.';

const koaSession5: Middleware = {
  ...likeKoaSession,
  name: 'koa-session 5',
  anchor: 'koa-session-5',
  framework: 'Koa 2',
  packages: ['koa-session-5', 'koa-2'],
  cookieName: 'koa:sess',
  ties: false,
  lacks: { ...likeKoaSession.lacks, regenerate: '`ctx.session.regenerate()` came with koa-session 6.4.' },
  notes: { ...likeKoaSession.notes, parallel: NO_CTX, late: NO_CTX, remember: NO_CTX },
  start: koaSession('koa-2', 'koa-session-5'),
};

const generic: Omit<Middleware, 'framework' | 'packages' | 'start'> = {
  name: 'koa-generic-session',
  anchor: 'koa-generic-session',
  cookieName: 'koa.sid',
  ties: true,
  touches: false,
  judgesEnd: false,
  lacks: {
    session: "`maxAge: 'session'` is an option of koa-session. `cookie: { maxAge: null }` asks for the same here: see the row above.",
    renew: '`renew` is an option of koa-session. Here there is `rolling`.',
  },
  notes: { touch: 'It saves only what changed, unless `rolling` is set.' },
};

export const koa: readonly Middleware[] = [
  { ...koaSession7, framework: 'Koa 2', packages: ['koa-session', 'koa-2'], start: koaSession('koa-2', 'koa-session') },
  { ...koaSession7, framework: 'Koa 3', packages: ['koa-session', 'koa'], start: koaSession('koa', 'koa-session') },
  koaSession5,
  { ...generic, framework: 'Koa 2', packages: ['koa-generic-session', 'koa-2'], start: koaGenericSession('koa-2') },
  { ...generic, framework: 'Koa 3', packages: ['koa-generic-session', 'koa'], start: koaGenericSession('koa') },
];
