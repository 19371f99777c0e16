import { createId } from '@sessile/engine';
import { DAY_MS } from '../options.js';
import type { KoaContext, KoaStore } from '../types.js';
import { readSigned, writeSigned } from '../verified.js';
import { MemoryStore } from './memory-store.js';

// oxlint-disable typescript/no-explicit-any -- contexts and sessions are the app's

/** The cookie of one session: what `ctx.cookies` is told, and stored with the session. */
export interface GenericCookie {
  /** In ms; null: until the browser is closed. */
  maxAge?: number | null | undefined;
  expires?: Date | string | undefined;
  path?: string | undefined;
  /** Everything else that `ctx.cookies` takes. */
  [option: string]: any;
}

/** A session of koa-generic-session: an object of the app's with a cookie in it. */
export interface GenericData {
  cookie: GenericCookie;
  [name: string]: any;
}

/** How an id travels, when not in a cookie. Called with `this` as the context. */
export interface SessionIdStore {
  get(this: any): string | null | undefined;
  set(this: any, sid: string, session: any): void;
  reset(this: any): void;
}

/** The options of `genericSession()`. Names and defaults are koa-generic-session's. */
export interface GenericSessionOptions {
  /** The cookie's name. Default: 'koa.sid'. */
  key?: string | undefined;
  /** Stands before each id in the store. Default: 'koa:sess:'. */
  prefix?: string | undefined;
  /** Its methods answer with values, promises, thunks or generators. Default: `MemoryStore`, for development. */
  store?: KoaStore | undefined;
  /** The lifetime in the store, in ms; or a function of the session. Default: the cookie's. */
  ttl?: number | ((session: any) => number | null | undefined) | null | undefined;
  /** Save the session and send its cookie with each response. Default: false. */
  rolling?: boolean | undefined;
  /** Store new sessions that nobody put anything into, too. Default: false. */
  allowEmpty?: boolean | undefined;
  /** Load the session when somebody asks for it: `await ctx.session`. Default: false. */
  defer?: boolean | undefined;
  /** Makes an id; called with `this` as the context. Default: 24 random bytes in base64url. */
  genSid?: ((this: any, bytes: number) => string | Promise<string>) | undefined;
  /** What becomes of an error of the store. Default: it is thrown. */
  errorHandler?: ((error: any, type: 'get' | 'set', ctx: any) => void) | undefined;
  /** How long requests wait for a store that is disconnected, in ms. Default: 10,000. */
  reconnectTimeout?: number | undefined;
  sessionIdStore?: SessionIdStore | undefined;
  /** Whether a session may be used. */
  valid?: ((ctx: any, session: any) => unknown) | undefined;
  /** Called before each save; a promise is waited for. */
  beforeSave?: ((ctx: any, session: any) => unknown) | undefined;
  /** Default: `{ path: '/', httpOnly: true, maxAge: one day, overwrite: true, signed: true }`. */
  cookie?: (GenericCookie & { maxage?: number | null | undefined; rewrite?: boolean | undefined }) | undefined;
  /** 'koa-sess': the defaults of the package's older name, whose cookie lives until the browser is closed. */
  compat?: 'koa-sess' | undefined;
}

// oxlint-enable

/** The options as they are used. */
export interface GenericSettings extends Omit<GenericSessionOptions, 'compat' | 'ttl'> {
  key: string;
  prefix: string;
  store: KoaStore;
  ttl: GenericSessionOptions['ttl'];
  reconnectTimeout: number;
  genSid: (this: KoaContext, bytes: number) => string | Promise<string>;
  errorHandler: (error: unknown, type: 'get' | 'set', ctx: KoaContext) => void;
  sessionIdStore: SessionIdStore;
  cookie: GenericCookie;
}

const LEAK = `Warning: the MemoryStore of genericSession() is not
designed for a production environment: it will leak
memory, and will not scale past a single process.`;

/** Checks the options where they are given. @throws TypeError for options that cannot be. */
export function checkGenericOptions(options: GenericSessionOptions): GenericSettings {
  const { compat, store = new MemoryStore(), reconnectTimeout = 10_000 } = options;
  if (compat !== undefined && compat !== 'koa-sess') throw new TypeError('compat option must be "koa-sess" or left out');
  if (!(reconnectTimeout >= 0)) throw new TypeError('reconnectTimeout option must be a number of milliseconds');
  checkStore(store);
  if (store instanceof MemoryStore && process.env['NODE_ENV'] === 'production') process.emitWarning(LEAK, 'SessileWarning');
  // Empty counts as none, as there.
  const key = options.key || 'koa.sid'; // oxlint-disable-line typescript/prefer-nullish-coalescing
  const cookie = cookieOf(options.cookie ?? {}, compat === 'koa-sess' ? null : DAY_MS);
  return {
    ...options,
    key,
    prefix: options.prefix ?? 'koa:sess:',
    store,
    ttl: options.ttl,
    reconnectTimeout,
    genSid: options.genSid ?? createId,
    errorHandler: options.errorHandler ?? rethrow,
    sessionIdStore: options.sessionIdStore ?? cookieIds(key, cookie),
    cookie,
  };
}

function checkStore(store: KoaStore): void {
  const missing = (['get', 'set', 'destroy'] as const).find((name) => typeof store[name] !== 'function');
  if (missing !== undefined) throw new TypeError(`store option must have the methods get, set and destroy; ${missing} is missing`);
}

function cookieOf(given: GenericCookie, maxAge: number | null): GenericCookie {
  const { rewrite, ...cookie } = given;
  const whole = { httpOnly: true, path: '/', overwrite: (rewrite as boolean | undefined) ?? true, signed: true, maxAge, ...cookie };
  return renameMaxage(whole);
}

/** The older name of `maxAge` counts where it is there, and goes. */
export function renameMaxage(cookie: GenericCookie): GenericCookie {
  if (!('maxage' in cookie)) return cookie;
  const { maxage } = cookie;
  delete cookie['maxage'];
  if (maxage) cookie.maxAge = maxage as number;
  return cookie;
}

/** Ids in the cookie. One that cannot be sent any more is not. */
function cookieIds(key: string, cookie: GenericCookie): SessionIdStore {
  const { path, domain } = cookie;
  return {
    get(this: KoaContext) {
      return cookie['signed'] === false ? this.cookies.get(key, cookie) : readSigned(this, key, cookie);
    },
    set(this: KoaContext, sid: string, session: GenericData) {
      if (!this.res.headersSent) writeSigned(this, key, sid, session.cookie);
    },
    reset(this: KoaContext) {
      if (!this.res.headersSent) this.cookies.set(key, null, { path, domain: domain as string, overwrite: true, expires: new Date(0) });
    },
  };
}

function rethrow(error: unknown, type: 'get' | 'set'): void {
  try {
    (error as Error).name = `koa-generic-session ${type} error`;
  } catch {
    // It has a name that cannot be changed.
  }
  throw error;
}
