import type { RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import express from 'express';
import session from 'express-session';
import type { Client } from './http.js';

// Koa and its sessions are what their users install: CommonJS, without types that agree.
const require = createRequire(import.meta.url);

const SECRET = 'a secret of the fleet';
export const HOUR_MS = 3_600_000;
/** How long a visitor is remembered who asks for it. Under the 30 days from which memcached takes a lifetime for a date. */
export const REMEMBERED_MS = 240 * HOUR_MS;

/** What a visitor's session holds. */
interface Visit {
  user?: string;
  visits?: number;
}

/**
 * A site with the routes that a fleet is asked for, on one middleware: `/login` (for an hour), `/remember` (the same, for ten days),
 * `/visit`, which counts, `/look`, which changes nothing, and `/logout`.
 */
export interface Site {
  listener(store: unknown): RequestListener;
  /** The id under which the store has this visitor's session, taken from the cookie. */
  sidOf(visitor: Client): string;
}

function login(visit: Visit): string {
  Object.assign(visit, { user: 'ada', visits: 0 });
  return 'in';
}

function count(visit: Visit): string {
  if (visit.user !== undefined) visit.visits = (visit.visits ?? 0) + 1;
  return look(visit);
}

function look({ user, visits }: Visit): string {
  return JSON.stringify({ user: user ?? null, visits: visits ?? null });
}

/** What stands between the mark and the signature of a cookie. */
function unsigned(value = ''): string {
  return /^s:(.*)\.[^.]+$/.exec(decodeURIComponent(value))?.[1] ?? '';
}

/** express-session. */
export const expressSite: Site = {
  listener(store) {
    const app = express();
    const options = { secret: SECRET, resave: false, saveUninitialized: false, cookie: { maxAge: HOUR_MS } };
    app.use(session({ ...options, store: store as session.Store }));
    app.get('/login', (request, response) => void response.send(login(request.session as Visit)));
    app.get('/remember', (request, response) => {
      request.session.cookie.maxAge = REMEMBERED_MS;
      response.send(login(request.session as Visit));
    });
    app.get('/visit', (request, response) => void response.send(count(request.session as Visit)));
    app.get('/look', (request, response) => void response.send(look(request.session as Visit)));
    app.get('/logout', (request, response) => request.session.destroy(() => response.send('out')));
    return app;
  },
  sidOf: (visitor) => unsigned(valueOf(visitor, 'connect.sid')),
};

function valueOf(visitor: Client, name: string): string | undefined {
  return visitor.cookies.find(({ key }) => key === name)?.value;
}

/** What koa-session and koa-generic-session give: `maxAge` is of the one, `cookie` of the other. */
interface KoaVisit extends Visit {
  maxAge: number;
  cookie: object;
}

interface Context {
  path: string;
  body: string;
  session: KoaVisit | null;
}

interface KoaApp {
  keys: string[];
  use(middleware: unknown): void;
  callback(): RequestListener;
}

type Remember = (visitor: KoaVisit) => void;

function koaListener(use: (app: KoaApp) => void, remember: Remember): RequestListener {
  const Koa = require('koa');
  const app: KoaApp = new (Koa.default ?? Koa)();
  app.keys = [SECRET];
  use(app);
  app.use((context: Context) => {
    context.body = answer(context, remember);
  });
  return app.callback();
}

function answer(context: Context, remember: Remember): string {
  if (context.path === '/logout') return logout(context);
  const visitor = context.session as KoaVisit;
  if (context.path === '/remember') remember(visitor);
  if (context.path === '/remember' || context.path === '/login') return login(visitor);
  return context.path === '/visit' ? count(visitor) : look(visitor);
}

function logout(context: Context): string {
  context.session = null;
  return 'out';
}

/** koa-session, and with it egg-session, which is a few lines around it. */
export const koaSite: Site = {
  listener: (store) =>
    koaListener(
      (app) => app.use(require('koa-session').createSession({ store, maxAge: HOUR_MS }, app)),
      (visitor) => void (visitor.maxAge = REMEMBERED_MS),
    ),
  sidOf: (visitor) => valueOf(visitor, 'koa.sess') ?? '',
};

/** koa-generic-session, which puts `koa:sess:` before each id. */
export const koaGenericSite: Site = {
  listener: (store) =>
    koaListener(
      (app) => app.use(require('koa-generic-session')({ store, cookie: { maxAge: HOUR_MS } })),
      (visitor) => void (visitor.cookie = { ...visitor.cookie, maxAge: REMEMBERED_MS }),
    ),
  sidOf: (visitor) => `koa:sess:${valueOf(visitor, 'koa.sid')}`,
};
