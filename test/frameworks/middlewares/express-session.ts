import { createRequire } from 'node:module';
import type { App, AppOptions, Middleware, SessionOfRequest } from './types.js';

// The middlewares are what their users install: CommonJS for the most part, with types of several makes.
const require = createRequire(import.meta.url);
const session = require('express-session');

const SECRET = 'a secret';

/** express-session as its page says to set it up, with nothing of ours but the store. */
function middleware({ store, life, rolling = false, native }: AppOptions) {
  const cookie = typeof life === 'number' ? { maxAge: life } : {};
  return session({ store, secret: SECRET, resave: false, saveUninitialized: false, rolling, cookie, ...native });
}

function sessionOf(req: any): SessionOfRequest {
  return {
    data: () => req.session,
    live: (lifeMs) => void (req.session.cookie.maxAge = lifeMs),
    destroy: () => called((done) => req.session.destroy(done)),
    regenerate: () => called((done) => req.session.regenerate(done)),
  };
}

function called(method: (done: (error: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => method((error) => (error ? reject(error as Error) : resolve())));
}

function inExpress(name: 'express-4' | 'express') {
  return (options: AppOptions): App => {
    const app = require(name)();
    app.use(middleware(options));
    app.use((req: any, res: any, next: (error: unknown) => void) => {
      options.handler(req.path, sessionOf(req)).then((text) => res.send(text), next);
    });
    return { listener: app };
  };
}

/** No framework at all: the middleware is a function of request, response and what comes next. */
function inNode(options: AppOptions): App {
  const withSession = middleware(options);
  return {
    listener: (req, res) => {
      const fail = (error: Error) => void (res.headersSent || res.writeHead(500).end(error.message));
      withSession(req, res, (failure?: Error) => {
        if (failure) fail(failure);
        else options.handler(req.url ?? '/', sessionOf(req)).then((text) => res.end(text), fail);
      });
    },
  };
}

/** `main.ts` and a controller. Decorators are functions: here they are called by hand, which needs no compiler. */
async function inNest(options: AppOptions): Promise<App> {
  const { All, Controller, Module, Req, Session } = require('@nestjs/common');
  const { NestFactory } = require('@nestjs/core');
  class SessionController {
    handle(data: Record<string, unknown>, req: any): Promise<string> {
      if (data !== req.session) throw new Error('@Session() gave another object than req.session');
      return options.handler(req.path, sessionOf(req));
    }
  }
  // oxlint-disable-next-line typescript/no-extraneous-class -- a module is what its decorator says
  class AppModule {}
  Session()(SessionController.prototype, 'handle', 0);
  Req()(SessionController.prototype, 'handle', 1);
  All('*path')(SessionController.prototype, 'handle', Object.getOwnPropertyDescriptor(SessionController.prototype, 'handle'));
  Controller()(SessionController);
  Module({ controllers: [SessionController] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: false });
  app.use(middleware(options));
  await app.init();
  return { listener: app.getHttpAdapter().getInstance(), close: () => app.close() };
}

const shared: Omit<Middleware, 'framework' | 'packages' | 'start'> = {
  name: 'express-session',
  anchor: 'express-session',
  cookieName: 'connect.sid',
  ties: true,
  touches: true,
  judgesEnd: false,
  lacks: {
    session: "`maxAge: 'session'` is an option of koa-session. A cookie without `maxAge` asks for the same here: see the row above.",
    renew: '`renew` is an option of koa-session. Here every request lengthens the session.',
  },
  notes: {},
};

export const expressSession: readonly Middleware[] = [
  { ...shared, framework: 'Express 4', packages: ['express-session', 'express-4'], start: inExpress('express-4') },
  { ...shared, framework: 'Express 5', packages: ['express-session', 'express'], start: inExpress('express') },
  { ...shared, framework: 'node:http', packages: ['express-session'], start: inNode },
  {
    ...shared,
    framework: 'NestJS 11',
    packages: ['express-session', '@nestjs/common', '@nestjs/core', '@nestjs/platform-express'],
    start: inNest,
  },
];
