import type { IncomingMessage } from 'node:http';
import { VISIT } from '@sessile/core';
import { Engine, type EngineOptions, type EngineRequest, Visit } from '@sessile/engine';
import { MemoryStore } from './memory-store.js';
import { hook, type Response } from './response.js';
import { Cookie, Session, Store } from './store.js';

/** A request as Express, connect or node:http give it. */
export type SessionRequest = IncomingMessage & EngineRequest & { originalUrl?: string };

/** The options of the middleware. */
export type SessionOptions = EngineOptions<SessionRequest>;

export type Next = (error?: unknown) => void;

/** The middleware. */
export type SessionHandler = (request: IncomingMessage, response: Response, next: Next) => void;

const LEAK = `Warning: the MemoryStore of the session middleware is not
designed for a production environment: it will leak
memory, and will not scale past a single process.`;

/**
 * Makes the middleware: `app.use(session({ secret, store }))`.
 *
 * @param options as express-session's, and more; see the README.
 * @throws TypeError for options that cannot be.
 */
function session(options: SessionOptions = {}): SessionHandler {
  const engine = new Engine<SessionRequest>(options, () => new MemoryStore());
  warnOfLeak(options.store);
  return (message, response, next) => {
    const request = message as SessionRequest;
    if (hasSession(request)) return next();
    let visit;
    try {
      visit = engine.begin(request, pathOf(request));
    } catch (error) {
      return next(error);
    }
    if (visit === undefined) return next();
    hook(response, visit, next);
    engine.load(visit, next);
  };
}

session.Store = Store;
session.Cookie = Cookie;
session.Session = Session;
session.MemoryStore = MemoryStore;

/** Whether an earlier middleware made a session; asked without making or opening one. */
function hasSession(request: SessionRequest): boolean {
  const visit = request[VISIT];
  return visit instanceof Visit ? visit.hasSession : Boolean(request.session);
}

/** The path that the client asked for, whatever mounting has cut off. */
function pathOf({ originalUrl, url }: SessionRequest): string {
  const whole = originalUrl ?? url ?? '/';
  if (!whole.startsWith('/')) return URL.canParse(whole) ? new URL(whole).pathname : '/';
  const end = whole.search(/[?#]/);
  return end < 0 ? whole : whole.slice(0, end);
}

function warnOfLeak(store: unknown): void {
  // oxlint-disable-next-line no-console -- where express-session says it
  if (process.env['NODE_ENV'] === 'production' && (store === undefined || store instanceof MemoryStore)) console.warn(LEAK);
}

export { session };
