import { EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import type { RequestListener } from 'node:http';
import type { SessionStore } from '@sessile/core';
import sessileFastify from '@sessile/core/fastify';

// The middlewares are what their users install: CommonJS for the most part, with types of several makes.
const require = createRequire(import.meta.url);

/** Lets a test hold a request in the middle of its work, and go on when it likes. */
export class Gate extends EventEmitter {
  async wait(name: string): Promise<void> {
    const opened = once(this, `open ${name}`);
    this.emit(`waiting ${name}`);
    await opened;
  }

  waiting(name: string): Promise<unknown> {
    return once(this, `waiting ${name}`);
  }

  open(name: string): void {
    this.emit(`open ${name}`);
  }
}

/** What each app does with `session`, whatever the framework: the routes that the tests ask for. */
interface Handle {
  session: () => any;
  destroy: () => Promise<void> | void;
  regenerate: () => Promise<void> | void;
}

async function route(path: string, gate: Gate, { session, destroy, regenerate }: Handle): Promise<string> {
  const [, verb, name = ''] = path.split('/');
  if (verb === 'login') {
    session().user = name;
    return 'in';
  }
  if (verb === 'add') {
    const data = session();
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    data.hits = { ...data.hits, [name]: 1 };
    return 'added';
  }
  if (verb === 'slow') {
    session().slow = 'written late';
    await gate.wait('slow');
    return 'slow done';
  }
  if (verb === 'logout') await destroy();
  if (verb === 'regenerate') {
    const { user } = session();
    await regenerate();
    session().user = user;
    session().fresh = true;
  }
  return verb === 'logout' ? 'out' : JSON.stringify(session());
}

/** Makes an app of one framework over a store. */
export type AppMaker = (store: SessionStore, gate: Gate, options?: object) => RequestListener | Promise<RequestListener>;

const DAY = 86_400_000;

const express: AppMaker = (store, gate, options) => {
  const app = require('express')();
  const session = require('express-session');
  app.use(session({ store, secret: 'a secret', resave: false, saveUninitialized: false, cookie: { maxAge: DAY }, ...options }));
  app.use(async (req: any, res: any) => {
    const text = await route(req.path, gate, {
      session: () => req.session,
      destroy: () => new Promise((resolve, reject) => req.session.destroy((error: unknown) => (error ? reject(error) : resolve()))),
      regenerate: () => new Promise((resolve, reject) => req.session.regenerate((error: unknown) => (error ? reject(error) : resolve()))),
    });
    res.send(text);
  });
  return app as RequestListener;
};

const koa: AppMaker = (store, gate, options) => {
  const Koa = require('koa');
  const app = new (Koa.default ?? Koa)();
  const { createSession } = require('koa-session');
  app.keys = ['a secret'];
  app.use(createSession({ store, maxAge: DAY, ...options }, app));
  app.use(async (ctx: any) => {
    ctx.body = await route(ctx.path, gate, {
      session: () => ctx.session,
      destroy: () => void (ctx.session = null),
      regenerate: () => ctx.session.regenerate(),
    });
  });
  return app.callback() as RequestListener;
};

const koaGeneric: AppMaker = (store, gate, options) => {
  const Koa = require('koa');
  const app = new (Koa.default ?? Koa)();
  app.keys = ['a secret'];
  app.use(require('koa-generic-session')({ store, ...options }));
  app.use(async (ctx: any) => {
    ctx.body = await route(ctx.path, gate, {
      session: () => ctx.session,
      destroy: () => void (ctx.session = null),
      regenerate: () => ctx.regenerateSession(),
    });
  });
  return app.callback() as RequestListener;
};

const fastify: AppMaker = async (store, gate, options) => {
  const app = require('fastify')();
  await app.register(require('@fastify/cookie'));
  const cookie = { secure: false, maxAge: DAY };
  await app.register(require('@fastify/session'), {
    store,
    secret: 'a secret of at least 32 characters',
    saveUninitialized: false,
    cookie,
    ...options,
  });
  await app.register(sessileFastify);
  app.get('/*', async (request: any) =>
    route(request.url, gate, {
      session: () => request.session,
      destroy: () => request.session.destroy(),
      regenerate: () => request.session.regenerate(),
    }),
  );
  await app.ready();
  return app.routing as RequestListener;
};

/** The stock middlewares, by name. */
export const apps: Record<string, AppMaker> = {
  'express-session': express,
  'koa-session': koa,
  'koa-generic-session': koaGeneric,
  '@fastify/session with @sessile/core/fastify': fastify,
};
