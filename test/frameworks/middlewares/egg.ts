import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { koaSessionOptions, likeKoaSession } from './koa.js';
import type { App, AppOptions, Middleware } from './types.js';

const require = createRequire(import.meta.url);
// Its loggers tell of themselves once for each app.
process.env['NO_DEPRECATION'] = 'egg-logger';
// Each app listens to the process, and so many are no leak.
process.setMaxListeners(0);

// Where egg-app/config lets it write. It makes no folder but the last.
mkdirSync(fileURLToPath(new URL('../../../node_modules/.cache/egg-app', import.meta.url)), { recursive: true });

const baseDir = fileURLToPath(new URL('../egg-app', import.meta.url));

/** An Egg application in one process, which takes about 40 ms: each test has its own. */
async function inEgg(options: AppOptions): Promise<App> {
  const { store, handler } = options;
  const answer = (ctx: any) =>
    handler(ctx.path, {
      data: () => ctx.session,
      live: (lifeMs) => void (ctx.session.maxAge = lifeMs),
      destroy: () => void (ctx.session = null),
      regenerate: () => ctx.session.regenerate(),
    });
  const app = await require('egg').start({ baseDir, env: 'prod', store, session: koaSessionOptions(options), answer });
  return { listener: app.callback(), close: () => app.close() };
}

export const egg: readonly Middleware[] = [
  {
    ...likeKoaSession,
    name: 'egg-session 3',
    anchor: 'egg-3',
    framework: 'Egg 3',
    cookieName: 'EGG_SESS',
    packages: ['egg', 'egg-session', 'egg-session/koa-session'],
    ties: true,
    start: inEgg,
  },
];
