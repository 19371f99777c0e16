import { type CookieOptions, checkCookie } from './cookies.js';
import { createId } from './ids.js';
import type { Secret } from './signing.js';
import type { Store } from './stores.js';
import { checkTransports, type TransportOption } from './transports.js';

/** A value, or a function of the request that gives it: called once per request. */
export type PerRequest<Req, T> = T | ((request: Req) => T);

/** The options of every middleware on the engine. Names and defaults are express-session's where it has them. */
export interface EngineOptions<Req> {
  /** Signs the id. A list: the first signs, all verify, so that a secret can be changed without logging anybody out. */
  secret?: PerRequest<Req, Secret | readonly Secret[]> | undefined;
  /** The name of the cookie. Default: 'connect.sid'. */
  name?: string | undefined;
  /** express-session's old word for `name`. */
  key?: string | undefined;
  cookie?: PerRequest<Req, CookieOptions> | undefined;
  /** Makes an id. Default: 24 random bytes in base64url. */
  genid?: ((request: Req) => string) | undefined;
  /** true: believe `X-Forwarded-Proto`; false: the socket alone; undefined: `request.secure`. */
  proxy?: boolean | undefined;
  /** Save sessions that did not change, too. Default: false. */
  resave?: boolean | undefined;
  /** Send the cookie with each response, so that it lives as long as the session. Default: false. */
  rolling?: boolean | undefined;
  /** Save new sessions that nobody put anything into, too. Default: false. */
  saveUninitialized?: boolean | undefined;
  store?: PerRequest<Req, Store> | undefined;
  /** What `req.session = null` does to the stored session. Default: 'keep'. */
  unset?: 'keep' | 'destroy' | undefined;
  /** 'express-session': every default, and what is done with the cookie, as there. */
  compat?: 'express-session' | undefined;
  /** How the id travels: 'cookie', 'bearer', `{ header: 'x-session' }`, or several, the first that is there. Default: 'cookie'. */
  transport?: TransportOption | readonly TransportOption[] | undefined;
  /** The longest life of a session in ms, however active it is. Default: no limit. */
  absoluteMs?: number | undefined;
  /** Skip a touch that would lengthen the session by less than this, in ms; counts as at most half the lifetime. Default: 0. */
  touchAfterMs?: number | undefined;
  /** Give a session a new id every `everyMs`; its old one is good for `graceMs` (default 30,000) more. Default: never. */
  rotate?: { everyMs: number; graceMs?: number | undefined } | undefined;
  /**
   * When the store fails to load a session: 'fail' passes the error on, 'anonymous' serves the request with an empty session that is
   * not saved, 'wait' tries again for up to `waitMs`, then fails. Default: 'fail', and express-session's way with `disconnect`.
   */
  onUnavailable?: 'fail' | 'anonymous' | 'wait' | undefined;
  /** For `onUnavailable: 'wait'`, in ms. Default: 5,000. */
  waitMs?: number | undefined;
  /** Checks the data before they are saved: a validator with the Standard Schema interface (zod, valibot, arktype). */
  schema?: StandardSchema | undefined;
}

/** The part of the Standard Schema interface that is used. */
export interface StandardSchema<Out = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
    readonly types?: { readonly input: unknown; readonly output: Out } | undefined;
  };
}

type PathPart = PropertyKey | { readonly key: PropertyKey };
export interface SchemaResult {
  readonly issues?: readonly { readonly message: string; readonly path?: readonly PathPart[] | undefined }[] | undefined;
}

/** The options as the engine uses them. */
export interface EngineSettings<Req> extends Omit<EngineOptions<Req>, 'key' | 'name' | 'genid' | 'cookie' | 'transport'> {
  name: string;
  genid: (request: Req) => string;
  ownIds: boolean;
  cookie: PerRequest<Req, CookieOptions>;
  resave: boolean;
  rolling: boolean;
  saveUninitialized: boolean;
  transports: readonly TransportOption[];
  touchAfterMs: number;
  waitMs: number;
  stock: boolean;
}

const NAMES: ReadonlySet<string> = new Set(
  (
    'secret name key cookie genid proxy resave rolling saveUninitialized store unset compat transport absoluteMs touchAfterMs rotate ' +
    'onUnavailable waitMs schema'
  ).split(' '),
);

/**
 * Checks the options where they are given.
 *
 * @throws TypeError with express-session's text where it has one.
 */
export function checkOptions<Req>(options: EngineOptions<Req>): EngineSettings<Req> {
  if (options.genid && typeof options.genid !== 'function') throw new TypeError('genid option must be a function');
  checkChoices(options);
  checkPowers(options);
  if (Array.isArray(options.secret) && options.secret.length === 0) {
    throw new TypeError('secret option array must contain one or more strings');
  }
  // Empty counts as none, as there.
  // oxlint-disable-next-line typescript/prefer-nullish-coalescing
  const name = options.name || options.key || 'connect.sid';
  const cookie = options.cookie ?? {};
  if (typeof cookie === 'object') checkCookie(name, cookie);
  else if (typeof cookie !== 'function') throw new TypeError('argument options must be a object');
  const stock = options.compat === 'express-session';
  return {
    ...options,
    name,
    cookie,
    genid: options.genid || createId, // oxlint-disable-line typescript/prefer-nullish-coalescing -- as there
    ownIds: !options.genid,
    resave: options.resave ?? stock,
    rolling: Boolean(options.rolling),
    saveUninitialized: options.saveUninitialized ?? stock,
    transports: checkTransports(options.transport ?? 'cookie'),
    touchAfterMs: options.touchAfterMs ?? 0,
    waitMs: options.waitMs ?? 5000,
    stock,
  };
}

function checkChoices<Req>({ unset, compat, ...options }: EngineOptions<Req>): void {
  if (unset && unset !== 'destroy' && unset !== 'keep') throw new TypeError('unset option must be "destroy" or "keep"');
  if (compat !== undefined && compat !== 'express-session') throw new TypeError('compat option must be "express-session" or left out');
  // No error: express-session takes them in silence, and an app that changes its import goes on.
  const unknown = Object.keys(options).find((name) => !NAMES.has(name));
  if (unknown === undefined) return;
  const advice = 'it has no effect. Is it misspelt, or an option of the cookie or the store?';
  process.emitWarning(`there is no session option ${JSON.stringify(unknown)}: ${advice}`, 'SessileWarning');
}

/** What every middleware takes beside what the one has that it stands for. */
export type PowerOptions = Pick<EngineOptions<never>, 'absoluteMs' | 'touchAfterMs' | 'waitMs' | 'rotate' | 'onUnavailable'>;

/** @throws TypeError for options that cannot be. */
export function checkPowers({ absoluteMs, touchAfterMs, waitMs, rotate, onUnavailable }: PowerOptions): void {
  checkMs('absoluteMs', absoluteMs, 1);
  checkMs('touchAfterMs', touchAfterMs, 0);
  checkMs('waitMs', waitMs, 0);
  checkMs('rotate.everyMs', rotate?.everyMs, 1);
  checkMs('rotate.graceMs', rotate?.graceMs, 0);
  if (onUnavailable !== undefined && !['fail', 'anonymous', 'wait'].includes(onUnavailable)) {
    throw new TypeError('onUnavailable option must be "fail", "anonymous" or "wait"');
  }
}

function checkMs(name: string, value: unknown, least: number): void {
  if (value === undefined) return;
  if (typeof value !== 'number' || !(value >= least))
    throw new TypeError(`${name} option must be a number of milliseconds, ${least} or more`);
}
