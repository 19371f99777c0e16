import type { Diagnosis } from '@sessile/engine';
import { ContextSession } from './context-session.js';
import { tokenOf } from './courier.js';
import { diagnose } from './doctor.js';
import { MemoryStore } from './generic/memory-store.js';
import { genericSession } from './generic/session.js';
import { Session } from './model.js';
import { checkOptions, type SessionOptions, type Site } from './options.js';
import type { KoaApp, KoaContext, KoaNext, SessionData } from './types.js';

/** The middleware, and what else it can do with its options. */
export interface SessionMiddleware<Data extends object = SessionData> {
  // oxlint-disable-next-line typescript/no-explicit-any -- a context of Koa 2, Koa 3 or Egg
  (ctx: any, next: KoaNext): Promise<any>;
  /** The session of a request that came through this middleware, with its type. */
  of(ctx: object): Session & Partial<Data>;
  /** The signed key of a stored session, for clients that send it in a header: see `transport`. */
  token(ctx: object): string;
  /** Explains why the request has the session that it has, and why its cookie was set or not. */
  doctor(ctx: object): Diagnosis;
}

/** Which middleware's session `ctx.session` is. */
const CURRENT = Symbol('sessile.session');
/** The sessions of all middlewares. */
const SESSIONS = Symbol('sessile.sessions');
/** The first middleware of an app: whose session it is before any has begun. */
const FIRST = Symbol('sessile.first');

type Carrier = KoaContext & { [CURRENT]?: ContextSession | undefined; [SESSIONS]?: ContextSession[]; [FIRST]?: Site };

/**
 * Makes the middleware: `app.use(session(options, app))`.
 *
 * @param options as koa-session's, and more; see the README.
 * @param app whose contexts get `ctx.session`. The two may change places, and the options be left out.
 * @throws TypeError or AssertionError for options that cannot be.
 */
function session<Data extends object = SessionData>(options: SessionOptions<Data> | undefined, app: KoaApp): SessionMiddleware<Data>;
function session<Data extends object = SessionData>(app: KoaApp, options?: SessionOptions<Data>): SessionMiddleware<Data>;
function session<Data extends object = SessionData>(first: unknown, second?: unknown): SessionMiddleware<Data> {
  const [options, app] = isApp(first) ? [second, first] : [first, second];
  if (!isApp(app)) throw new TypeError('app instance required: `session(opts, app)`');
  const site = checkOptions(options as SessionOptions<never>);
  extend(app.context, site);
  const middleware = (ctx: Carrier, next: KoaNext): Promise<unknown> => {
    const own = enter(ctx, site);
    if (own === undefined) return next();
    return serve(ctx, own, next);
  };
  return Object.assign(middleware, {
    of: (ctx: object) => known(ctx as Carrier, site).get() as Session & Partial<Data>,
    token: (ctx: object) => tokenIn(known(ctx as Carrier, site)),
    doctor: (ctx: object) => diagnose(ctx as Carrier, find(ctx as Carrier, site)),
  });
}

/** The session that a middleware has made of a request. */
function find(ctx: Carrier, site: Site): ContextSession | undefined {
  const sessions = ctx[SESSIONS];
  return sessions?.find((one) => one.site === site);
}

function known(ctx: Carrier, site: Site): ContextSession {
  const own = find(ctx, site);
  if (own !== undefined) return own;
  throw new Error('the request did not come through the session middleware; register it before this handler');
}

function tokenIn(own: ContextSession): string {
  const { externalKey } = own;
  if (externalKey !== undefined) return tokenOf(externalKey, own.scope);
  throw new Error('the session is kept in the cookie, and has no token; give the option `store`');
}

function isApp(value: unknown): value is KoaApp {
  return typeof (value as Partial<KoaApp> | null | undefined)?.use === 'function';
}

/** Notes a session among those of its request: there is one for each middleware. */
function noted(ctx: Carrier, own: ContextSession): ContextSession {
  (ctx[SESSIONS] ??= []).push(own);
  return own;
}

/** @returns undefined where this very middleware has the request already. */
function enter(ctx: Carrier, site: Site): ContextSession | undefined {
  const own = find(ctx, site) ?? noted(ctx, new ContextSession(ctx, site));
  if (own.entered) return undefined;
  own.entered = true;
  own.outer = ctx[CURRENT] === own ? undefined : ctx[CURRENT];
  ctx[CURRENT] = own;
  return own;
}

async function serve(ctx: Carrier, own: ContextSession, next: KoaNext): Promise<unknown> {
  const outer = own.outer;
  const loading = own.load();
  if (loading !== undefined) await loading;
  let answer;
  try {
    answer = await next();
  } catch (error) {
    await rescue(ctx, own);
    throw error;
  } finally {
    if (outer !== undefined) ctx[CURRENT] = outer;
  }
  const ending = own.site.settings.autoCommit ? own.finish() : undefined;
  if (ending !== undefined) await ending;
  return answer;
}

/** The session is saved though the app failed. Where that fails too, it is the app's own error that is answered. */
async function rescue(ctx: Carrier, own: ContextSession): Promise<void> {
  if (!own.site.settings.autoCommit) return;
  try {
    await own.finish();
  } catch (error) {
    ctx.app.emit('error', error, ctx);
  }
}

/** Gives an app's contexts their session; the first middleware does it for all of them. */
function extend(context: object, site: Site): void {
  if (Object.hasOwn(context, FIRST)) return;
  Object.defineProperties(context, { [FIRST]: { value: site }, session: SESSION, sessionOptions: OPTIONS });
}

function current(ctx: Carrier): ContextSession {
  ctx[CURRENT] ??= noted(ctx, new ContextSession(ctx, ctx[FIRST] as Site));
  return ctx[CURRENT];
}

const SESSION: PropertyDescriptor & ThisType<Carrier> = {
  configurable: true,
  get() {
    return current(this).get();
  },
  set(value: unknown) {
    current(this).set(value);
  },
};

const OPTIONS: PropertyDescriptor & ThisType<Carrier> = {
  configurable: true,
  get() {
    return current(this).options;
  },
};

session.session = session;
session.genericSession = genericSession;
session.MemoryStore = MemoryStore;
session.Session = Session;

export { session };
