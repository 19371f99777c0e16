import assert from 'node:assert';
import { randomUUID } from 'node:crypto';
import { SessionStore } from '@sessile/core';
import { checkPowers, checkTransports, type StandardSchema, type TransportOption } from '@sessile/engine';
import { Sealer } from './sealer.js';
import type { Dict, KoaContext, KoaStore, SessionData } from './types.js';

export const DAY_MS = 86_400_000;
/** The cookie's name in koa-session 7, and in its releases up to 5. */
const KEY = 'koa.sess';
const OLD_KEY = 'koa:sess';

// oxlint-disable typescript/no-explicit-any -- a context is whatever the app's types say it is

/** How the id of a stored session travels, when not in the cookie. */
export interface ExternalKey {
  get(ctx: any): string | undefined | Promise<string | undefined>;
  set(ctx: any, key: string): void;
}

/** The options of `session()`. Names and defaults are koa-session's where it has them. */
export interface SessionOptions<Data extends object = SessionData> {
  /** The cookie's name. Default: 'koa.sess', and a cookie 'koa:sess' of older releases is read and kept up, too. */
  key?: string | undefined;
  /** The lifetime in ms; 'session': until the browser is closed. Default: one day. */
  maxAge?: number | 'session' | undefined;
  /** Save and send the cookie at the end of the request. Default: true; else the app calls `manuallyCommit()`. */
  autoCommit?: boolean | undefined;
  /** Replace an earlier Set-Cookie of the same name. Default: true. */
  overwrite?: boolean | undefined;
  /** Hide the cookie from scripts. Default: true. */
  httpOnly?: boolean | undefined;
  /** Sign the cookie with `app.keys`. Default: true. */
  signed?: boolean | undefined;
  /** Begin the lifetime anew with each response. Default: false. */
  rolling?: boolean | undefined;
  /** Begin the lifetime anew when less than half of it is left. Default: false. */
  renew?: boolean | undefined;
  /** Default: as the connection is. */
  secure?: boolean | undefined;
  sameSite?: boolean | 'strict' | 'lax' | 'none' | (string & {}) | null | undefined;
  domain?: string | undefined;
  path?: string | undefined;
  partitioned?: boolean | undefined;
  priority?: 'low' | 'medium' | 'high' | undefined;
  externalKey?: ExternalKey | undefined;
  /** Where sessions are kept; without it they are kept in the cookie. Or a function of the context that gives it. */
  store?: KoaStore | ((ctx: any) => KoaStore | null | undefined) | null | undefined;
  /** A class of stores: `new ContextStore(ctx)` for each request. */
  ContextStore?: (new (ctx: any) => KoaStore) | undefined;
  /** Session to cookie value. Default: Base64 of JSON. */
  encode?: ((session: any) => string) | undefined;
  decode?: ((value: string) => any) | undefined;
  /** Makes an id. Default: `randomUUID()`. */
  genid?: ((ctx: any) => string) | undefined;
  /** Stands before each id that is made by default. */
  prefix?: string | undefined;
  /** Whether a session may be used. */
  valid?: ((ctx: any, session: any) => unknown) | undefined;
  /** Called before each save; a promise is waited for. */
  beforeSave?: ((ctx: any, session: any) => unknown) | undefined;
  /** Checks the data before they are saved: a synchronous validator with the Standard Schema interface. */
  schema?: StandardSchema<Data> | undefined;
  /** The longest life of a session in ms, however active it is. Default: no limit. */
  absoluteMs?: number | undefined;
  /** Give a stored session a new key every `everyMs`; its old one is good for `graceMs` (default 30,000) more. Default: never. */
  rotate?: { everyMs: number; graceMs?: number | undefined } | undefined;
  /** Where `rolling`: skip the store where the life would be lengthened by less, in ms; at most half a lifetime. Default: 0. */
  touchAfterMs?: number | undefined;
  /**
   * When the store fails to load a session: 'fail' fails the request, 'anonymous' serves it with an empty session that is not saved,
   * 'wait' tries again for up to `waitMs`, then fails. Default: 'fail'.
   */
  onUnavailable?: 'fail' | 'anonymous' | 'wait' | undefined;
  /** For `onUnavailable: 'wait'`, in ms. Default: 5,000. */
  waitMs?: number | undefined;
  /** How the key of a stored session travels: 'cookie', 'bearer', `{ header: 'x-session' }`, or several. Default: 'cookie'. */
  transport?: TransportOption | readonly TransportOption[] | undefined;
  /** Encrypt the session that is kept in the cookie. 'cookies': `ctx.cookies` does it, as those of Egg can. Default: false. */
  encrypt?: EncryptOption | 'cookies' | EncryptedByCookies | false | undefined;
  /** Where a session goes that is too long for the cookie. Default: such a session is an error. */
  overflow?: KoaStore | undefined;
  /** Everything else goes to `ctx.cookies`. */
  [cookieOption: string]: any;
}

// oxlint-enable

/**
 * Encryption of cookies: by `app.keys`, or by keys of its own. The first one encrypts, all decrypt. `acceptPlain` also reads cookies
 * that are not encrypted, while such are left.
 */
export type EncryptOption = true | { keys?: readonly (string | Buffer)[] | undefined; acceptPlain?: boolean | undefined };

/** `ctx.cookies` encrypts, with keys of its own. `acceptPlain` also reads cookies that are signed alone, while such are left. */
export interface EncryptedByCookies {
  by: 'cookies';
  acceptPlain?: boolean | undefined;
}

/** The options as they are used; `ctx.sessionOptions` is a copy of them. */
export interface Settings extends SessionOptions<object> {
  key: string;
  maxAge: number | 'session';
  autoCommit: boolean;
  signed: boolean;
  rolling: boolean;
  renew: boolean;
  genid: (ctx: KoaContext) => string;
  touchAfterMs: number;
  waitMs: number;
  /** undefined: the cookie alone. */
  transports: readonly TransportOption[] | undefined;
}

/** What a middleware knows beside its options. */
export interface Site {
  readonly settings: Settings;
  /** What `ctx.cookies` is given. */
  readonly attributes: Dict;
  /** The name that older releases gave the cookie, where the app named none. */
  readonly oldKey: string | undefined;
  /** Whether nobody counts on being asked for ids. */
  readonly ownIds: boolean;
  /** What encrypts the cookie. */
  readonly sealer: Sealer | undefined;
}

const OWN: ReadonlySet<string> = new Set(
  'key maxAge maxage autoCommit rolling renew externalKey store ContextStore encode decode genid prefix valid beforeSave schema encrypt'.split(
    ' ',
  ),
);

/**
 * Checks the options where they are given.
 *
 * @throws AssertionError or TypeError, with koa-session's text where it has one.
 */
export function checkOptions(given: SessionOptions<never> | undefined): Site {
  const options: SessionOptions<never> = { ...given };
  renameMaxage(options);
  checkValues(options);
  checkHooks(options);
  checkPowers(options);
  checkPlaces(options);
  const { prefix = '' } = options;
  const settings: Settings = {
    ...options,
    key: options.key ?? KEY,
    maxAge: options.maxAge || DAY_MS, // oxlint-disable-line typescript/prefer-nullish-coalescing -- 0 is a day, as there
    autoCommit: options.autoCommit ?? true,
    overwrite: options.overwrite ?? true,
    httpOnly: options.httpOnly ?? true,
    signed: options.signed ?? true,
    rolling: options.rolling ?? false,
    renew: options.renew ?? false,
    genid: options.genid ?? (() => prefix + randomUUID()),
    touchAfterMs: options.touchAfterMs ?? 0,
    waitMs: options.waitMs ?? 5000,
    transports: options.transport === undefined ? undefined : checkTransports(options.transport),
  };
  const oldKey = options.key === undefined ? OLD_KEY : undefined;
  const { encrypt } = options;
  const sealer = encrypt && !isByCookies(encrypt) ? new Sealer(encrypt) : undefined;
  return { settings, attributes: attributesOf(settings), oldKey, ownIds: options.genid === undefined, sealer };
}

/** The options that are the cookie's. What is null or undefined is left to its defaults. */
export function attributesOf(settings: Settings): Dict {
  const attributes: Dict = {};
  for (const [name, value] of Object.entries(settings)) if (!OWN.has(name) && value != null) attributes[name] = value;
  if (isByCookies(settings.encrypt)) attributes['encrypt'] = true;
  return attributes;
}

/** Whether `ctx.cookies` does it, in place of a {@link Sealer}. */
export function isByCookies(encrypt: SessionOptions['encrypt']): encrypt is 'cookies' | EncryptedByCookies {
  return encrypt === 'cookies' || (typeof encrypt === 'object' && 'by' in encrypt && encrypt.by === 'cookies');
}

function renameMaxage(options: SessionOptions<never>): void {
  if (!('maxage' in options)) return;
  if (!('maxAge' in options)) options.maxAge = options['maxage'] as number;
  delete options['maxage'];
  if (process.env['NODE_ENV'] !== 'production') {
    process.emitWarning('`maxage` option has been renamed to `maxAge`', 'DeprecationWarning');
  }
}

function checkValues({ key, maxAge }: SessionOptions<never>): void {
  if (key !== undefined && (typeof key !== 'string' || key === ''))
    throw new TypeError('key option must be a string: the name of the cookie');
  checkMaxAge(maxAge);
}

/** @throws TypeError for what is no lifetime. */
export function checkMaxAge(maxAge: unknown): asserts maxAge is number | 'session' | null | undefined {
  if (maxAge === undefined || maxAge === null || maxAge === 'session' || Number.isFinite(maxAge)) return;
  throw new TypeError("maxAge must be a finite number of milliseconds, or 'session'");
}

const FUNCTIONS = ['encode', 'decode', 'genid', 'valid', 'beforeSave'] as const;

function checkHooks(options: SessionOptions<never>): void {
  for (const name of FUNCTIONS) {
    if (options[name] != null && typeof options[name] !== 'function') throw new TypeError(`${name} option must be a function`);
  }
  const { store, externalKey, ContextStore } = options;
  if (store && !isPerRequest(store)) checkMethods('store', store, ['get', 'set', 'destroy']);
  if (externalKey) checkMethods('externalKey', externalKey, ['get', 'set']);
  if (!ContextStore) return;
  assert(isClass(ContextStore), 'ContextStore must be a class');
  checkMethods('ContextStore.prototype', ContextStore.prototype as object, ['get', 'set', 'destroy']);
}

/** @throws TypeError for what cannot be had where the sessions are kept. */
function checkPlaces(options: SessionOptions<never>): void {
  const { rotate, transport, externalKey, encrypt, overflow, encode, store, ContextStore } = options;
  const mayBeStored = Boolean(store) || Boolean(ContextStore);
  // A function of the context may give a store for one request, and none for the next.
  const isStored = mayBeStored && !isPerRequest(store);
  if (rotate && !isPerRequest(store)) checkRotation(store);
  if (transport !== undefined && (externalKey || !mayBeStored)) throw new TypeError('transport option needs a store, and no externalKey');
  if (overflow !== undefined) checkMethods('overflow', overflow, ['get', 'set', 'destroy']);
  if (overflow && isStored) throw new TypeError('overflow option is for sessions in the cookie; with a store there is nothing to overflow');
  checkEncrypt(encrypt, isStored, encode);
}

/** @throws TypeError where new keys cannot be given. */
function checkRotation(store: unknown): void {
  if (!(store instanceof SessionStore)) throw new TypeError('rotate option needs a store of Sessile, given as `store`');
}

function checkEncrypt(encrypt: SessionOptions['encrypt'], isStored: boolean, encode: unknown): void {
  if (!encrypt || isByCookies(encrypt)) return;
  if (isStored) throw new TypeError('encrypt option is for sessions in the cookie; a store of Sessile has an option encrypt of its own');
  if (encode) throw new TypeError('encrypt and encode are two ways to write the cookie; give one of them');
  const keys: unknown = typeof encrypt === 'object' ? encrypt.keys : undefined;
  if (encrypt === true || (typeof encrypt === 'object' && (keys === undefined || (Array.isArray(keys) && keys.length > 0)))) return;
  throw new TypeError('encrypt option must be true, "cookies", or { keys: [...] } with one key or more');
}

/** @throws AssertionError in koa-session's words. */
function checkMethods(name: string, object: object, methods: readonly string[]): void {
  for (const method of methods) {
    assert(typeof (object as Dict)[method] === 'function', `${name}.${method} must be function`);
  }
}

/** Whether a store is a function of the context that gives it, and not a function with the methods of a store. */
export function isPerRequest(store: unknown): store is (ctx: unknown) => KoaStore | null | undefined {
  return typeof store === 'function' && typeof (store as Partial<KoaStore>).get !== 'function';
}

function isClass(value: unknown): boolean {
  if (typeof value !== 'function') return false;
  const { prototype } = value as { prototype?: object };
  return /^class\b/.test(String(value)) || (prototype !== undefined && Object.keys(prototype).length > 0);
}

/**
 * The store that serves a request; undefined where sessions are kept in the cookie.
 *
 * @throws TypeError where the app's function gives one that cannot do what the options ask for.
 */
export function storeFor(ctx: KoaContext, { ContextStore, store, rotate }: Settings): KoaStore | undefined {
  if (ContextStore) return new ContextStore(ctx);
  if (!isPerRequest(store)) return store ?? undefined;
  const found = store(ctx) ?? undefined;
  if (rotate) checkRotation(found);
  return found;
}
