import { createRequire } from 'node:module';
import sessileFastify from '@sessile/core/fastify';
import type { App, AppOptions, Middleware } from './types.js';

const require = createRequire(import.meta.url);

async function inFastify(options: AppOptions, isPlugged: boolean): Promise<App> {
  const { store, handler, life, rolling, native } = options;
  const app = require('fastify')();
  await app.register(require('@fastify/cookie'));
  await app.register(require('@fastify/session'), {
    store,
    secret: 'a secret of at least 32 characters',
    saveUninitialized: false,
    cookie: { secure: 'auto', ...(typeof life === 'number' ? { maxAge: life } : {}) },
    // Its default is true: false only where a test says so.
    ...(rolling === undefined ? {} : { rolling }),
    ...native,
  });
  if (isPlugged) await app.register(sessileFastify);
  app.get('/*', (request: any) =>
    handler(request.url, {
      data: () => request.session,
      live: (lifeMs) => void (request.session.cookie.maxAge = lifeMs),
      destroy: () => request.session.destroy(),
      regenerate: () => request.session.regenerate(),
    }),
  );
  await app.ready();
  return { listener: app.routing, close: () => app.close() };
}

const shared: Omit<Middleware, 'name' | 'ties' | 'start'> = {
  anchor: 'fastifysession',
  framework: 'Fastify 5',
  cookieName: 'sessionId',
  packages: ['@fastify/session', '@fastify/cookie', 'fastify'],
  touches: true,
  judgesEnd: false,
  lacks: {
    session: "`maxAge: 'session'` is an option of koa-session. A cookie without `maxAge` asks for the same here: see the row above.",
    renew: '`renew` is an option of koa-session. Here `rolling` is on unless it is switched off.',
  },
  notes: {},
};

const COPIED = 'It saves a copy of what it loaded: the last save stands, whatever came before. The plugin is the cure.';

export const fastify: readonly Middleware[] = [
  {
    ...shared,
    name: '@fastify/session with @sessile/core/fastify',
    ties: true,
    start: (options) => inFastify(options, true),
  },
  {
    ...shared,
    name: '@fastify/session',
    ties: false,
    notes: { parallel: COPIED, late: COPIED, remember: COPIED },
    start: (options) => inFastify(options, false),
  },
];
