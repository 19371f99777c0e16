import { Cookie, Session, type SessionRequest, SessionStore, VISIT } from '@sessile/core';
import type { CookieOptions } from './cookies.js';
import { debug } from './debug.js';
import { checkOptions, type EngineOptions, type EngineSettings } from './options.js';
import { isSecure, type MaybeSecure } from './secure.js';
import { rotate } from './rotation.js';
import { type Signer, signerOf } from './signing.js';
import { noteSkipped } from './skipped.js';
import { persevere } from './persevere.js';
import { type Found, load, type Settle, settled, type Store } from './stores.js';
import { presented } from './transports.js';
import { type Carrier, Visit, type VisitContext } from './visit.js';

/** What an engine needs of a request. */
export interface EngineRequest extends Carrier, MaybeSecure {
  /** Older middlewares put these here: a secret, and cookies that they parsed. */
  secret?: unknown;
  cookies?: unknown;
  signedCookies?: unknown;
}

/**
 * What all session middlewares share. One engine serves one middleware: it holds the options, finds the id that a request sends, loads
 * its session, and gives it a {@link Visit}.
 */
export class Engine<Req extends EngineRequest = EngineRequest> {
  readonly settings: EngineSettings<Req>;
  readonly #store: EngineOptions<Req>['store'];
  readonly #signer: Signer | undefined;
  readonly #known = new WeakSet<Store>();
  readonly #away = new WeakSet<Store>();

  /**
   * @param options see {@link EngineOptions}.
   * @param store where the options name none.
   * @throws TypeError for what no request could be served with.
   */
  constructor(options: EngineOptions<Req>, store: () => Store) {
    this.settings = checkOptions(options);
    this.#store = options.store ?? store();
    if (typeof this.#store !== 'function') this.#adopt(this.#store);
    if (this.settings.rotate !== undefined && typeof this.#store !== 'function' && !(this.#store instanceof SessionStore)) {
      throw new TypeError('rotate option needs a store of Sessile: it takes an update that no other request can come between');
    }
    const { secret } = options;
    if (!secret) warnOnce('req.secret; provide secret option');
    else if (typeof secret !== 'function') this.#signer = signerOf(secret);
  }

  /** The cookie's options for a request, with nothing left to decide in them. */
  cookieFor(request: Req, secure: boolean): CookieOptions {
    const { cookie } = this.settings;
    const options = typeof cookie === 'function' ? cookie(request) : cookie;
    if (options.secure !== 'auto' && options.sameSite !== 'auto') return options;
    return {
      ...options,
      secure: options.secure === 'auto' ? secure : options.secure,
      sameSite: options.sameSite === 'auto' ? (secure ? 'none' : 'lax') : options.sameSite,
    };
  }

  /**
   * Begins a visit.
   *
   * @param path of the original URL, without the query.
   * @returns undefined where the request is served without a session: another path, or a store that is away.
   * @throws Error `secret option required for sessions`
   */
  begin(request: Req, path: string): Visit | undefined {
    const store = typeof this.#store === 'function' ? this.#store(request) : (this.#store as Store);
    this.#adopt(store);
    if (this.#away.has(store) && this.settings.onUnavailable === undefined) return skip(request, 'the store is disconnected');
    const secure = isSecure(request, this.settings.proxy);
    const cookie = this.cookieFor(request, secure);
    if (!isWithin(path, cookie.path ?? '/', this.settings.stock)) return skip(request, 'the path is none that the cookie is for');
    const signer = this.#signerFor(request);
    const { id, signed } = this.#presented(request, signer);
    const context: VisitContext = { settings: this.settings, store, signer, cookie, secure, presentedId: id, signed };
    return new Visit(request, context);
  }

  /**
   * Loads the session that the client asked for.
   *
   * @param done called once, perhaps at once. An error is the store's.
   */
  load(visit: Visit, done: (error?: unknown) => void): void {
    const { presentedId, store } = visit.context;
    if (presentedId === undefined) return done();
    this.#loadInto(visit, store, presentedId, done);
  }

  #loadInto(visit: Visit, store: Store, id: string, done: (error?: unknown) => void): void {
    this.#load(visit, id, (error, found) => {
      if (error) return this.#failed(visit, error, done);
      try {
        visit.loaded(found);
      } catch (broken) {
        return done(broken);
      }
      if (found === undefined || visit.cookie === undefined) return done();
      this.#age(visit, store, id, done);
    });
  }

  /** A session may be too old, or its id: what is done then. */
  #age(visit: Visit, store: Store, id: string, done: (error?: unknown) => void): void {
    const { rotate: rotation } = this.settings;
    if (visit.isStale) {
      debug('the session is too old, or its id');
      visit.loaded(undefined);
      store.destroy(id, (error) => done(error));
      return;
    }
    if (rotation === undefined || !(store instanceof SessionStore)) return done();
    const next = visit.successor;
    if (next !== undefined) return this.#follow(visit, next, done);
    if (!visit.isRotationDue()) return done();
    rotate(store, id, this.settings.genid(visit.request as Req), rotation.graceMs).then(
      (newId) => process.nextTick(() => this.#follow(visit, newId, done)),
      (error: unknown) => process.nextTick(done, error),
    );
  }

  #follow(visit: Visit, id: string | undefined, done: (error?: unknown) => void): void {
    if (id === undefined) {
      visit.loaded(undefined);
      return done();
    }
    debug('the session has a new id');
    visit.movedTo(id);
    this.#load(visit, id, (error, found) => {
      if (error) return this.#failed(visit, error, done);
      visit.loaded(found);
      done();
    });
  }

  #load({ context: { store }, keptMs }: Visit, id: string, settle: Settle<Found | undefined>): void {
    if (this.settings.onUnavailable !== 'wait') return load(store, id, keptMs, settle);
    const once = () =>
      new Promise<Found | undefined>((resolve, reject) =>
        load(store, id, keptMs, (error, found) => (error ? reject(error) : resolve(found))),
      );
    settled(persevere(once, this.settings.waitMs), settle);
  }

  #failed(visit: Visit, error: unknown, done: (error?: unknown) => void): void {
    if (this.settings.onUnavailable !== 'anonymous') return done(error);
    debug('the store failed: served as anonymous');
    visit.detach();
    done();
  }

  #signerFor(request: Req): Signer {
    if (this.#signer !== undefined) return this.#signer;
    const { secret } = this.settings;
    const own = (typeof secret === 'function' ? (secret as (request: Req) => unknown)(request) : undefined) ?? request.secret;
    if (!own || (Array.isArray(own) && own.length === 0)) throw new Error('secret option required for sessions');
    return signerOf(own as string);
  }

  #presented(request: Req, signer: Signer): Presented {
    const { transports, name } = this.settings;
    if (transports.includes('cookie') && request.headers['cookie'] === undefined && transports.length === 1)
      return this.#parsedElsewhere(request, signer);
    for (const signed of presented(request.headers, transports, name)) {
      const verified = signer.verify(signed);
      if (verified !== undefined) return { id: verified.id, signed: verified.isNewest ? signed : undefined };
      debug('a signature is not ours');
    }
    return this.#parsedElsewhere(request, signer);
  }

  /** What cookie-parser found, where the header is not there; as express-session does. */
  #parsedElsewhere(request: Req, signer: Signer): Presented {
    if (request.signedCookies === undefined && request.cookies === undefined) return NOTHING;
    const { name } = this.settings;
    const signed = own(request.signedCookies, name);
    if (typeof signed === 'string' && signed !== '') return { id: signed, signed: undefined };
    const raw = own(request.cookies, name);
    return { id: typeof raw === 'string' && raw.startsWith('s:') ? signer.verify(raw.slice(2))?.id : undefined, signed: undefined };
  }

  #adopt(store: Store): void {
    if (this.#known.has(store)) return;
    this.#known.add(store);
    store.generate = ((request: EngineRequest) => {
      const visit = request[VISIT];
      if (visit instanceof Visit) visit.generate();
      else this.#generateBare(request as Req);
    }) as Store['generate'];
    if (typeof store.on !== 'function') throw new TypeError('store option must be an EventEmitter, as every store of express-session is');
    store.on('disconnect', () => this.#away.add(store));
    store.on('connect', () => this.#away.delete(store));
  }

  /** For a request that did not come through the middleware. */
  #generateBare(request: Req): void {
    request.sessionID = this.settings.genid(request);
    const session = new Session(request as unknown as SessionRequest);
    session.cookie = new Cookie(this.cookieFor(request, isSecure(request, this.settings.proxy)));
    request.session = session;
  }
}

/** An id that a client sent and we signed, as it was sent where that will do for an answer. */
interface Presented {
  id: string | undefined;
  signed: string | undefined;
}

const NOTHING: Presented = { id: undefined, signed: undefined };

function own(cookies: unknown, name: string): unknown {
  return typeof cookies === 'object' && cookies !== null && Object.hasOwn(cookies, name)
    ? (cookies as Record<string, unknown>)[name]
    : undefined;
}

function skip(request: object, reason: string): undefined {
  noteSkipped(request, reason);
  debug(`no session: ${reason}`);
  return undefined;
}

/** Whether a browser would send a cookie of this path: '/foo' is for '/foo' and '/foo/bar', and not for '/foobar'. */
export function isWithin(path: string, cookiePath: string, stock: boolean): boolean {
  if (!path.startsWith(cookiePath)) return false;
  return stock || path.length === cookiePath.length || cookiePath.endsWith('/') || path[cookiePath.length] === '/';
}

const warned = new Set<string>();

function warnOnce(message: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  process.emitWarning(message, 'DeprecationWarning');
}
