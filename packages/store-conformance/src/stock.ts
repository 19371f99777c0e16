import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { deferred } from './time.js';
import type { Session } from './types.js';

/** What a test of a stock middleware does with a request: works on its session, and answers with a text. */
export type Handler = (path: string, session: Session, controls: Controls) => Promise<string> | string;

/** What a handler can do to a session that every middleware offers. */
export interface Controls {
  /** Logs out. */
  readonly end: () => Promise<void> | void;
}

/** A server on a free port of the loopback, with one of the stock middlewares in it. */
export interface StockApp {
  /** A browser of its own. */
  browser(): Browser;
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);

/** Whether the packages are there: they are optional peers of the kit. */
export function installed(...packages: string[]): boolean {
  try {
    for (const name of packages) require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** express-session in a plain node:http server. */
export function expressApp(store: object, options: object, handler: Handler): Promise<StockApp> {
  // oxlint-disable-next-line typescript/no-explicit-any -- it is no dependency, so its types are not here
  const session: (options: object) => any = require('express-session');
  const middleware = session({ store, secret: 'a secret of the kit', resave: false, saveUninitialized: false, ...options });
  return listen((req, res) => {
    // oxlint-disable-next-line typescript/no-explicit-any -- express-session puts session on it
    const request = req as any;
    middleware(req, res, (error: unknown) => {
      if (error) return fail(res, error);
      const end = () => new Promise<void>((done, failed) => request.session.destroy((e: unknown) => (e ? failed(e) : done())));
      answer(res, async () => handler(req.url ?? '/', request.session, { end }));
    });
  });
}

/** koa-session in a Koa app. */
export function koaApp(store: object, options: object, handler: Handler): Promise<StockApp> {
  const { createSession } = require('koa-session');
  return inKoa((app) => createSession({ store, ...options }, app), handler);
}

/** koa-generic-session in a Koa app: it gives the store get(sid), set(sid, session, ttl) and destroy(sid). */
export function koaGenericApp(store: object, options: object, handler: Handler): Promise<StockApp> {
  const middleware = require('koa-generic-session');
  return inKoa(() => middleware({ store, ...options }), handler);
}

function inKoa(middleware: (app: object) => unknown, handler: Handler): Promise<StockApp> {
  const found = require('koa');
  const app = new (found.default ?? found)();
  app.keys = ['a secret of the kit'];
  app.silent = true;
  app.use(middleware(app));
  // oxlint-disable-next-line typescript/no-explicit-any -- Koa's context
  app.use(async (ctx: any) => {
    ctx.body = await handler(ctx.path, ctx.session, { end: () => void (ctx.session = null) });
  });
  return listen(app.callback());
}

function answer(res: ServerResponse, work: () => Promise<string>): void {
  work().then(
    (text) => res.end(text),
    (error: unknown) => fail(res, error),
  );
}

function fail(res: ServerResponse, error: unknown): void {
  res.statusCode = 500;
  res.end(error instanceof Error ? error.message : 'failed');
}

async function listen(listener: (req: IncomingMessage, res: ServerResponse) => void): Promise<StockApp> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { browser: () => new Browser(`http://127.0.0.1:${port}`), close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => server.close(() => done()));
}

/** An answer as a test looks at it. */
export interface Answer {
  status: number;
  text: string;
}

/** A client with a cookie jar. */
class Browser {
  readonly #url: string;
  readonly #cookies: Map<string, string>;

  constructor(url: string, cookies: Map<string, string> = new Map()) {
    this.#url = url;
    this.#cookies = cookies;
  }

  /** Another browser that has the same cookies now: a thief's, or one that never hears of the logout. */
  twin(): Browser {
    return new Browser(this.#url, new Map(this.#cookies));
  }

  async get(path: string): Promise<Answer> {
    const cookie = Array.from(this.#cookies, (pair) => pair.join('=')).join('; ');
    const response = await fetch(this.#url + path, { headers: cookie === '' ? {} : { cookie } });
    for (const line of response.headers.getSetCookie()) this.#take(line);
    return { status: response.status, text: await response.text() };
  }

  #take(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    const expires = Date.parse(/expires=([^;]+)/i.exec(line)?.[1] ?? '');
    if (expires <= Date.now()) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}

/** A request that a test holds in the middle of its work. */
export function gate(): { reached: Promise<void>; arrive: () => Promise<void>; open: () => void } {
  const [reached, opened] = [deferred<void>(), deferred<void>()];
  const arrive = () => {
    reached.resolve();
    return opened.promise;
  };
  return { reached: reached.promise, arrive, open: () => opened.resolve() };
}
