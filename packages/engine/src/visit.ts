import {
  Cookie,
  type CookieData,
  type SessionData,
  SessionStore,
  originalMaxAgeOf,
  Session,
  type SessionObserver,
  type SessionRequest,
  VISIT,
} from '@sessile/core';
import { cookiesDiffer, dataPart, dataText, isForeign } from './changes.js';
import { type CookieOptions, eraseCookie, writeCookie } from './cookies.js';
import { debug, isDebugging } from './debug.js';
import { tellDestroyed } from './live.js';
import { apply, isPastGrace, successorOf } from './rotation.js';
import { checkData } from './schema.js';
import type { EngineSettings } from './options.js';
import type { Signer } from './signing.js';
import { call, type Found, keepAlive, type Store, touchesUnopened } from './stores.js';

/** A request, or what stands for one: the session's properties are put on it. */
export interface Carrier {
  headers: { [name: string]: string | string[] | undefined };
  session?: unknown;
  sessionID?: unknown;
  sessionStore?: unknown;
  [VISIT]?: SessionObserver | undefined;
}

/** What an engine knows of a request before its session is loaded. */
export interface VisitContext {
  settings: EngineSettings<never>;
  store: Store;
  signer: Signer;
  /** Resolved: no functions and no 'auto' in it. */
  cookie: CookieOptions;
  secure: boolean;
  /** The id that the client sent and we signed. */
  presentedId: string | undefined;
  /** As it was sent, where the newest secret signed it. */
  signed: string | undefined;
}

/** Where the session is: not made yet; loaded and closed; or in the app's hands. */
type Phase = 'new' | 'closed' | 'open';

/** What is written to the client. `value` is a whole Set-Cookie header, or the signed id for other transports. */
export interface Answer {
  cookie: string | undefined;
  token: string | undefined;
}

/** What is to be done with the session at the end of a request. */
export type Task = 'save' | 'touch' | 'keep alive' | 'destroy' | 'nothing';

/** A load that kept a session alive stands for the touch at the end of a request that takes no longer than this, or a hundredth of its life. */
const KEPT_MS = 100;

const NO_ANSWER: Answer = { cookie: undefined, token: undefined };

/** A session while one request has it: when it is made, what changed, what has to be stored, what the client is told. */
export class Visit implements SessionObserver {
  readonly #request: Carrier;
  readonly #context: VisitContext;
  #phase: Phase = 'new';
  #found: Found | undefined;
  #loadedAt = 0;
  #id: unknown;
  #value: unknown;
  /** The id under which the session was loaded: the client's, or that which took its place. */
  #loadedId: unknown;
  /** The id of the session as it was loaded or made. */
  #originalId: unknown;
  /** Its data then; undefined where it counts as changed whatever it holds. */
  #base: string | undefined;
  /** The text it was loaded from, where `#base` is its canonical form only by guess. */
  #text: string | undefined;
  #cookieBefore: CookieData | undefined;
  /** What was loaded, where ids change by time: a request that is overtaken by that has to know what it changed. */
  #loadedData: SessionData | undefined;
  /** The data as they were last saved; undefined where they were not. */
  #saved: string | undefined;
  #storedHere = false;
  #touched = false;
  #destroyed: Cookie | undefined;
  /** Served without the store: nothing is saved, and the client keeps its cookie. */
  #detached = false;
  /** Set while the request ends: what the data are by then, so that they are serialized once. */
  #final: { text: string | undefined } | undefined;
  /** Why the cookie was or was not set; for the doctor. */
  reason = 'the response has not begun';
  task: Task | undefined;

  constructor(request: Carrier, context: VisitContext) {
    this.#request = request;
    this.#context = context;
    this.#id = context.presentedId;
    this.#loadedId = context.presentedId;
    request[VISIT] = this;
    request.sessionStore = context.store;
    Object.defineProperty(request, 'session', SESSION);
    Object.defineProperty(request, 'sessionID', SESSION_ID);
    // An app's own function may count on being asked for each new session.
    if (this.#id === undefined && !context.settings.ownIds) this.#makeId();
  }

  get request(): Carrier {
    return this.#request;
  }

  get context(): VisitContext {
    return this.#context;
  }

  /** Whether the client came with a session that is there. */
  get isLoaded(): boolean {
    return this.#found !== undefined;
  }

  /** Whether `request.session` is there, told without making or opening it. */
  get hasSession(): boolean {
    return this.#isClosed() || Boolean(this.#request.session);
  }

  get session(): unknown {
    if (this.#phase === 'new') this.#context.store.generate?.(this.#request as never);
    else if (this.#phase === 'closed') this.#open();
    return this.#value;
  }

  set session(value: unknown) {
    this.#phase = 'open';
    this.#value = isPlain(value) ? this.#adoptPlain(value) : value;
    if (this.#value && !(this.#value instanceof Session)) adoptForeign(this.#value as Session);
  }

  get sessionID(): unknown {
    if (this.#id === undefined) this.#makeId();
    return this.#id;
  }

  set sessionID(id: unknown) {
    this.#id = id;
  }

  /** Takes what the store found under the client's id; nothing: a new session with a new id, whatever the client sent. */
  loaded(found: Found | undefined): void {
    this.#found = found;
    if (found === undefined) {
      this.#id = undefined;
      if (!this.#context.settings.ownIds) this.#makeId();
      return;
    }
    this.#loadedAt = Date.now();
    this.#phase = 'closed';
    this.#originalId = this.#id;
    if ('data' in found || this.#isTimed()) this.#open();
  }

  /** The session has another id by now, which the client is told. */
  movedTo(id: string): void {
    this.#id = id;
    this.#loadedId = id;
    this.#storedHere = true;
  }

  /** The cookie of the loaded session. */
  get cookie(): Cookie | undefined {
    return this.#phase === 'open' ? (this.#value as Session | undefined)?.cookie : undefined;
  }

  /** The cookie's lifetime, where a session that has it may be kept alive by its load: null until the browser is closed. */
  get keptMs(): number | null | undefined {
    const { settings, cookie } = this.#context;
    const byEnd = settings.resave || settings.touchAfterMs > 0 || this.#isTimed() || cookie.expires != null;
    return byEnd ? undefined : (cookie.maxAge ?? null);
  }

  /** Whether a session's age has to be known at each request. */
  #isTimed(): boolean {
    const { absoluteMs, rotate } = this.#context.settings;
    return absoluteMs !== undefined || rotate !== undefined;
  }

  /** Begins to count, where nobody has. */
  #stamp(cookie: Cookie): void {
    const { absoluteMs, rotate } = this.#context.settings;
    if (absoluteMs !== undefined) cookie.createdAt ??= Date.now();
    if (rotate !== undefined) cookie.rotatedAt ??= Date.now();
  }

  /** The id that the loaded session has by now, where it was found under its old one. */
  get successor(): string | undefined {
    return this.#loadedData === undefined ? undefined : successorOf(this.#loadedData);
  }

  /** Whether the session was found under an id that is good no more. */
  get isStale(): boolean {
    return Date.now() >= this.endsAt || (this.#loadedData !== undefined && isPastGrace(this.#loadedData));
  }

  /** Whether the session's id has served its time. */
  isRotationDue(): boolean {
    const { rotate } = this.#context.settings;
    return rotate !== undefined && (this.cookie?.rotatedAt ?? Infinity) + rotate.everyMs <= Date.now();
  }

  /** When the longest life of the session is over; ms since the epoch. */
  get endsAt(): number {
    const { absoluteMs } = this.#context.settings;
    return absoluteMs === undefined ? Infinity : (this.cookie?.createdAt ?? Infinity) + absoluteMs;
  }

  /** The signed id, as a client sends it in a header. */
  token(): string {
    return this.#context.signer.sign(String(this.sessionID));
  }

  /** Serves the request without the store. */
  detach(): void {
    this.#detached = true;
    this.#id = undefined;
  }

  /** Makes a new session: what `store.generate(request)` does. */
  generate(): void {
    // An id that somebody has read while there was no session yet is the one of this session.
    const known = this.#phase === 'new' && this.#id !== undefined && this.#originalId === undefined;
    this.#phase = 'open';
    if (!known) this.#makeId();
    const session = new Session(this.#request as SessionRequest);
    session.cookie = new Cookie(this.#context.cookie);
    this.#stamp(session.cookie);
    this.#value = session;
    Object.defineProperty(this.#request, 'session', SESSION);
    this.#originalId = this.#id;
    this.#base = '{}';
    this.#text = undefined;
    this.#saved = undefined;
    this.#storedHere = false;
    this.#cookieBefore = undefined;
    this.#destroyed = undefined;
    this.#found = undefined;
  }

  saving(session: Session): void {
    const { schema } = this.#context.settings;
    if (schema !== undefined) checkData(schema, session);
    this.#storedHere = true;
    this.#saved = this.#data(session);
  }

  reloaded(): void {
    const session = this.#request.session as Session;
    this.#base = dataText(session);
    this.#text = undefined;
    if (!this.#context.settings.resave) this.#saved = this.#base;
    this.#cookieBefore = session.cookie.data;
  }

  destroying(): void {
    this.#destroyed = (this.#request.session as Session | undefined)?.cookie;
    tellDestroyed(this.#context.store, String(this.#id));
  }

  kept(): void {
    this.#base = undefined;
  }

  #makeId(): void {
    this.#id = this.#context.settings.genid(this.#request as never);
  }

  /** Whether the app has dropped the session, and a later middleware has put its own in its place. */
  #isSuperseded(): boolean {
    return this.#request[VISIT] !== this;
  }

  #isClosed(): boolean {
    return this.#phase !== 'open' && Object.getOwnPropertyDescriptor(this.#request, 'session')?.get === SESSION.get;
  }

  #open(): void {
    const found = this.#found as Found;
    const data = 'data' in found ? found.data : found.fetched.open();
    this.#phase = 'open';
    if (data === null) {
      this.#phase = 'new';
      this.loaded(undefined);
      this.#context.store.generate?.(this.#request as never);
      return;
    }
    if (typeof data['cookie'] !== 'object' && !('fetched' in found)) throw new Error('the stored session has no cookie; is it a session?');
    if (this.#context.settings.rotate !== undefined) this.#loadedData = structuredClone(data);
    const text = 'fetched' in found ? found.fetched.text : undefined;
    this.#base = (text === undefined ? undefined : dataPart(text)) ?? dataText(data);
    this.#text = text;
    this.#originalId = this.#id;
    this.#saved = this.#context.settings.resave ? undefined : this.#base;
    this.#context.store.createSession(this.#request, data);
    this.#cookieBefore = (this.#value as Session | undefined)?.cookie?.data;
    if (this.#isTimed()) this.#stamp((this.#value as Session).cookie);
  }

  #adoptPlain(data: Record<string, unknown>): Session {
    const session = new Session(this.#request as SessionRequest, data);
    if (!('cookie' in data)) session.cookie = new Cookie(this.#context.cookie);
    return session;
  }

  /** The session at the end, where somebody has it in hands. */
  #current(): Session | null | undefined {
    return this.#request.session as Session | null | undefined;
  }

  #data(session: object): string | undefined {
    if (this.#final !== undefined) return this.#final.text;
    return dataText(session);
  }

  #isModified(session: Session): boolean {
    if (this.#originalId !== session.id || this.#base === undefined) return true;
    const now = this.#data(session);
    if (now === this.#base) return false;
    return !this.#isCanonically(now);
  }

  /** Whether the data are those that were loaded after all: other software writes the same JSON in another way. */
  #isCanonically(now: string | undefined): boolean {
    if (now === undefined || this.#text === undefined || !isForeign(this.#text)) return false;
    const data = JSON.parse(this.#text) as Record<string, unknown>;
    const canonical = dataText(new Session({ sessionID: '' } as SessionRequest, data));
    if (this.#saved === this.#base) this.#saved = canonical;
    this.#base = canonical;
    this.#text = undefined;
    return now === canonical;
  }

  #isSaved(session: Session): boolean {
    if (this.#originalId !== session.id || this.#saved === undefined) return false;
    const now = this.#data(session);
    return now !== undefined && (now === this.#saved || (this.#isCanonically(now) && now === this.#saved));
  }

  #cookieChanged(session: Session): boolean {
    const { settings } = this.#context;
    return !settings.stock && this.#cookieBefore !== undefined && cookiesDiffer(this.#cookieBefore, session.cookie);
  }

  #shouldSave(session: Session): boolean {
    const { saveUninitialized } = this.#context.settings;
    if (typeof this.#id !== 'string') return false;
    const fresh = !saveUninitialized && this.#saved === undefined && this.#loadedId !== this.#id;
    return fresh ? this.#isModified(session) : !this.#isSaved(session) || this.#cookieChanged(session);
  }

  #touchOnce(session: Session): void {
    if (this.#touched) return;
    this.#touched = true;
    session.touch();
    const { cookie } = session;
    // Not by its setter, for which it would be a new lifetime.
    if (cookie.expires instanceof Date && cookie.expires.getTime() > this.endsAt) cookie._expires = new Date(this.endsAt);
  }

  /**
   * What the client is told of its session; asked once, when the headers are written.
   *
   * @throws TypeError where the cookie has an option that a header cannot hold.
   */
  answer(): Answer {
    if (this.#detached) return this.#silent('the store was not available: the request was served without it');
    if (this.#isSuperseded()) return this.#silent('another session middleware has made a session for this request');
    if (this.#isClosed() && !this.#mustOpen()) {
      return this.#silent(this.#phase === 'new' ? 'the session is new, and nobody used it' : 'the session was not opened');
    }
    const session = this.#current();
    if (!session) return this.#farewell();
    if (typeof this.#id !== 'string') return this.#silent('request.sessionID is not a string');
    if (!this.#cookieIsDue(session)) return NO_ANSWER;
    const { secure, settings, signer } = this.#context;
    if (session.cookie.secure && !secure) {
      return this.#silent(
        'cookie.secure is on, and the connection is not known to be TLS; behind a proxy set `trust proxy` or `proxy: true`',
      );
    }
    this.#touchOnce(session);
    const { signed, presentedId } = this.#context;
    const token = signed !== undefined && presentedId === this.#id ? signed : signer.sign(this.#id);
    const others = settings.transports.some((one) => one !== 'cookie');
    const cookie = settings.transports.includes('cookie') ? writeCookie(settings.name, `s:${token}`, session.cookie.data) : undefined;
    return { cookie, token: others ? token : undefined };
  }

  #silent(reason: string): Answer {
    this.reason = reason;
    if (isDebugging()) debug(`no cookie: ${reason}`);
    return NO_ANSWER;
  }

  #cookieIsDue(session: Session): boolean {
    const { saveUninitialized, rolling } = this.#context.settings;
    const reason = this.#dueReason(session, saveUninitialized, rolling);
    this.reason =
      reason ?? (this.#context.presentedId === this.#id ? 'the client has it, and nothing in it changed' : 'the new session holds nothing');
    if (isDebugging()) debug(`${reason === undefined ? 'no cookie' : 'cookie set'}: ${this.reason}`);
    return reason !== undefined;
  }

  #dueReason(session: Session, saveUninitialized: boolean, rolling: boolean): string | undefined {
    if (this.#context.presentedId !== this.#id) {
      if (saveUninitialized) return 'the session is new';
      return this.#storedHere || this.#isModified(session) ? 'the id is new, and the session has been used' : undefined;
    }
    if (rolling) return 'rolling is on';
    if (this.#cookieChanged(session)) return 'the cookie was changed';
    return session.cookie.expires != null && this.#isModified(session) ? 'the session has changed, and its cookie a date' : undefined;
  }

  /** Takes the cookie of a destroyed session away. */
  #farewell(): Answer {
    const { settings, presentedId, cookie } = this.#context;
    const byCookie = settings.transports.includes('cookie');
    const gone = this.#destroyed !== undefined || settings.unset === 'destroy';
    if (settings.stock || !gone || !byCookie || presentedId === undefined) return this.#silent('there is no session');
    this.reason = 'the session was destroyed: its cookie is taken away';
    return { cookie: eraseCookie(settings.name, (this.#destroyed ?? new Cookie(cookie)).data), token: undefined };
  }

  /** Whether the session has to be made or opened, though nobody asked for it. */
  #mustOpen(): boolean {
    const { saveUninitialized, resave, rolling } = this.#context.settings;
    if (this.#phase === 'new') return saveUninitialized;
    return resave || rolling || !touchesUnopened(this.#context.store);
  }

  /** Decides what has to be stored. From here on the data count as they are now. */
  decide(): Task {
    this.task = this.#decide();
    if (isDebugging()) debug(`at the end: ${this.task}`);
    return this.task;
  }

  #decide(): Task {
    const { settings, store } = this.#context;
    if (this.#detached || this.#isSuperseded()) return 'nothing';
    if (this.#isClosed() && !this.#mustOpen()) return this.#phase === 'closed' ? this.#keepAliveTask() : 'nothing';
    const session = this.#current();
    if (session == null) return this.#id && settings.unset === 'destroy' && this.#destroyed === undefined ? 'destroy' : 'nothing';
    if (typeof this.#id !== 'string') return 'nothing';
    this.#touchOnce(session);
    this.#final = { text: dataText(session) };
    if (this.#shouldSave(session)) return 'save';
    return typeof store.touch === 'function' && this.#loadedId === this.#id && !this.#tooSoon(session) ? 'touch' : 'nothing';
  }

  #keepAliveTask(): Task {
    const { fetched } = this.#found as Extract<Found, { fetched: unknown }>;
    const life = fetched.text === undefined ? undefined : originalMaxAgeOf(fetched.text);
    if (this.#isKept(life)) return 'nothing';
    return typeof life === 'number' && fetched.ttlMs !== undefined && this.#isTooSoon(life, fetched.ttlMs) ? 'nothing' : 'keep alive';
  }

  #tooSoon(session: Session): boolean {
    const life = session.cookie.originalMaxAge;
    const before = this.#cookieBefore;
    // Another life than it was loaded with is one to be told.
    if (before !== undefined && life === before.originalMaxAge && this.#isKept(life)) return true;
    if (typeof life !== 'number' || !(before?.expires instanceof Date)) return false;
    return this.#isTooSoon(life, before.expires.getTime() - this.#loadedAt);
  }

  /** Whether the load has kept the session alive, so short a time ago that it need not be done again. */
  #isKept(lifeMs: number | null | undefined): boolean {
    const kept = this.#found !== undefined && 'fetched' in this.#found && this.#found.fetched.kept;
    return kept && Date.now() - this.#loadedAt < Math.min(KEPT_MS, typeof lifeMs === 'number' ? lifeMs / 100 : KEPT_MS);
  }

  /** Whether a touch would lengthen a life of which so much is left by less than is worth a command. */
  #isTooSoon(lifeMs: number, leftMs: number): boolean {
    const { touchAfterMs } = this.#context.settings;
    return touchAfterMs > 0 && lifeMs - (leftMs - (Date.now() - this.#loadedAt)) < Math.min(touchAfterMs, lifeMs / 2);
  }

  /** Does what was decided. @param done called once; with what the store said. */
  perform(task: Task, done: (error?: unknown) => void): void {
    const { store } = this.#context;
    const id = this.#id as string;
    if (task === 'keep alive') return keepAlive((this.#found as Extract<Found, { fetched: unknown }>).fetched, done);
    const session = this.#current() as Session;
    call(done, (settle) => {
      if (task === 'destroy') store.destroy(id, settle);
      else if (task === 'touch') store.touch?.(id, session, settle);
      else session.save((error) => (error ? settle(error) : this.#catchUp(session, settle)));
    });
  }

  /** While a request was under way its session may have got a new id: what it changed is done there, too. */
  #catchUp(session: Session, done: (error?: unknown) => void): void {
    const { store } = this.#context;
    const before = this.#loadedData;
    if (before === undefined || !this.isRotationDue() || !(store instanceof SessionStore)) return done();
    const after = JSON.parse(JSON.stringify(session)) as SessionData;
    const id = this.#id as string;
    const overtaken = async () => {
      const stored = await store.get(id);
      const next = stored === null ? undefined : successorOf(stored);
      if (next !== undefined) await apply(store, next, before, after);
    };
    overtaken().then(() => done(), done);
  }
}

/** What a store's `get` gives, and an app puts there by hand; a session has methods. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Session>).touch !== 'function';
}

const METHODS = ['save', 'reload', 'destroy', 'regenerate'] as const;

/** A session of express-session's own class, as stores make that extend its Store: it learns to answer with promises. */
function adoptForeign(session: Session): void {
  for (const name of METHODS) {
    if (typeof session[name] !== 'function') continue;
    Object.defineProperty(session, name, { value: Session.prototype[name], configurable: true, enumerable: false, writable: true });
  }
}

function visitOf(request: object): Visit {
  return (request as Carrier)[VISIT] as Visit;
}

// One pair of functions for all requests, so that all requests keep one shape.
const SESSION = {
  configurable: true,
  enumerable: true,
  get(this: object): unknown {
    return visitOf(this).session;
  },
  set(this: object, value: unknown): void {
    visitOf(this).session = value;
  },
};

const SESSION_ID = {
  configurable: true,
  enumerable: true,
  get(this: object): unknown {
    return visitOf(this).sessionID;
  },
  set(this: object, value: unknown): void {
    visitOf(this).sessionID = value;
  },
};
