import type { IncomingMessage } from 'node:http';
import { VISIT } from '@sessile/core';
import {
  diagnose,
  type Diagnosis,
  Engine,
  type EngineOptions,
  type EngineRequest,
  LiveSession,
  type StandardSchema,
  Visit,
  type WatchOptions,
} from '@sessile/engine';
import { MemoryStore } from './memory-store.js';
import { hook, type Response } from './response.js';
import { loosen } from './shape.js';
import { Cookie, Session, Store } from './store.js';
import type { SessionData } from './types.js';

/** A request as Express, connect or node:http give it. */
export type SessionRequest = IncomingMessage & EngineRequest & { originalUrl?: string };

/** The options of the middleware. `Data`: what the app keeps in a session. */
// oxlint-disable-next-line typescript/no-explicit-any -- functions of the request are given Express's type of it, or another
export interface SessionOptions<Data extends object = SessionData> extends Omit<EngineOptions<any>, 'schema'> {
  /** Checks the data before they are saved: a synchronous validator with the Standard Schema interface (zod, valibot, arktype). */
  schema?: StandardSchema<Data> | undefined;
}

export type Next = (error?: unknown) => void;

/** The middleware, and what else it can do with its options. */
export interface SessionHandler<Data extends object = SessionData> {
  (request: IncomingMessage, response: Response, next: Next): void;
  /** The session of a request that came through this middleware, with its type. */
  of(request: IncomingMessage): Session & Partial<Data>;
  /** The signed id, for clients that send it in a header: see `transport`. */
  token(request: IncomingMessage): string;
  /**
   * Loads the session of an HTTP upgrade, for a WebSocket.
   *
   * @returns null where the client has no session, or the request is served without one.
   * @throws what the store said.
   */
  load(request: IncomingMessage, options?: WatchOptions): Promise<LiveSession<Partial<Data>> | null>;
  /** Explains why the request has the session that it has, and why its cookie was set or not. */
  doctor(request: IncomingMessage, response?: Response): Diagnosis;
}

const LEAK = `Warning: the MemoryStore of the session middleware is not
designed for a production environment: it will leak
memory, and will not scale past a single process.`;

/**
 * Makes the middleware: `app.use(session({ secret, store }))`.
 *
 * @param options as express-session's, and more; see the README.
 * @throws TypeError for options that cannot be.
 */
function session<Data extends object = SessionData>(options: SessionOptions<Data> = {}): SessionHandler<Data> {
  const engine = new Engine<SessionRequest>(options, () => new MemoryStore());
  warnOfLeak(options.store);
  const handler = (message: IncomingMessage, response: Response, next: Next): void => {
    const request = message as SessionRequest;
    if (hasSession(request)) return next();
    loosen(request);
    loosen(response);
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
  return Object.assign(handler, {
    of: (request: IncomingMessage) => (request as SessionRequest).session as Session & Partial<Data>,
    token: (request: IncomingMessage) => visitOf(request).token(),
    load: (request: IncomingMessage, watch?: WatchOptions) => loadLive<Partial<Data>>(engine, request as SessionRequest, watch),
    doctor,
  });
}

session.doctor = doctor;
session.Store = Store;
session.Cookie = Cookie;
session.Session = Session;
session.MemoryStore = MemoryStore;

async function loadLive<Data>(
  engine: Engine<SessionRequest>,
  request: SessionRequest,
  watch?: WatchOptions,
): Promise<LiveSession<Data> | null> {
  const standing = request[VISIT];
  const visit = standing instanceof Visit ? standing : engine.begin(request, pathOf(request));
  if (visit === undefined) return null;
  if (visit !== standing) {
    await new Promise<void>((resolve, reject) => engine.load(visit, (error) => (error ? reject(error) : resolve())));
  }
  return visit.isLoaded ? new LiveSession<Data>(visit, watch) : null;
}

function visitOf(request: IncomingMessage): Visit {
  const visit = (request as SessionRequest)[VISIT];
  if (visit instanceof Visit) return visit;
  throw new Error('the request did not come through the session middleware; register it before this handler, for this path');
}

/** Explains why a request has the session that it has, and why its cookie was set or not. */
function doctor(request: IncomingMessage, response?: Response): Diagnosis {
  return diagnose(request, response);
}

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
