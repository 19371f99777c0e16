import { EventEmitter } from 'node:events';
import { chain, isPromise } from './async.js';
import { Circuit } from './circuit.js';
import { Codec } from './codec.js';
import { Commands } from './commands.js';
import type { Awaitable, Stored, StoreDriver, Traits } from './driver.js';
import { asStoreError, named, StoreError } from './errors.js';
import { type Id, idOf, isMarked, storedId } from './ids.js';
import { type Dict, isSession } from './json.js';
import { type LaneCall, Lanes, type Limits, UNWATCHED } from './lanes.js';
import { DAY_MS, expiryOf, explicitTtl, ttlUntil } from './lifetime.js';
import { checkOptions, type SessionStoreOptions, type Settings } from './options.js';
import { type Fetched, originalMaxAgeOf, startOf } from './fetched.js';
import { PlainIdDriver } from './plain-ids.js';
import { type Loaded, Records } from './records.js';
import { type Save, Saves } from './saves.js';
import { Session, type SessionRequest } from './session.js';
import { isTraced, tellEvent, traced } from './telemetry.js';
import { type Tie, Ties } from './ties.js';
import { compareUnits, unitDate, unitOf } from './unit.js';
import { Updates } from './updates.js';
import { type Ground, pagesOf } from './walk.js';

/** Session data: whatever an app keeps. */
// oxlint-disable-next-line typescript/no-explicit-any -- the shape is the app's
export type SessionData = Record<string, any>;

/** Called exactly once, in a `process.nextTick` of its own and in the caller's async context. */
// oxlint-disable-next-line typescript/no-explicit-any -- so that it fits every middleware's own callback type
export type Callback<R = any> = (error: any, result?: R) => void;

/** What koa-session passes as the last argument. */
export interface KoaHints {
  ctx?: object | undefined;
  rolling?: boolean | undefined;
  changed?: boolean | undefined;
}

/** What became of a save that was not made. */
export interface Drop {
  /** The stored id. */
  id: string;
  /** `missing`: the session was destroyed or expired while the request ran. */
  reason: 'missing';
  operation: string;
}

/**
 * A session store: one class for express-session, koa-session, koa-generic-session, egg-session and @fastify/session.
 *
 * Each method returns a promise, or calls a callback where one is given. The class is the same for every backend;
 * `class XStore extends SessionStore` passes it a driver.
 *
 * Events: `create`, `set`, `touch`, `destroy` and `conflict` with a stored id, `drop` with a {@link Drop}, `up`, `down`, and
 * `error`, which never ends the process. With `announceOutages` also `connect` and `disconnect`.
 *
 * @see docs/contract.md for what each method guarantees
 */
export class SessionStore extends EventEmitter {
  /** Set by express-session: makes a new session for a request. */
  declare generate?: (request: never) => void;
  readonly #driver: StoreDriver;
  readonly #settings: Settings;
  readonly #codec: Codec;
  readonly #commands: Commands;
  readonly #lanes: Lanes;
  readonly #records: Records;
  readonly #saves: Saves;
  readonly #updates: Updates;
  readonly #ties = new Ties();
  readonly #hashedByDriver: boolean;
  readonly #circuit: Circuit | undefined;
  readonly #limits: Limits;
  readonly #ground: Ground;
  #opened = false;
  #status: 'up' | 'down' | 'closed' = 'up';
  /** What the driver knows of its connection. */
  #connection: 'up' | 'down' = 'up';
  #closing: Promise<void> | undefined;
  #pruning: NodeJS.Timeout | undefined;

  /**
   * @param driver the backend.
   * @param options {@link SessionStoreOptions}, and the driver's own.
   * @param driverOptions the names of the driver's own options.
   * @throws StoreError ERR_STORE_INVALID_OPTION
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- tokens are the driver's own affair
  constructor(driver: StoreDriver<any>, options: SessionStoreOptions = {}, driverOptions: readonly string[] = []) {
    super();
    const settings = checkOptions(options, driverOptions);
    const backend: StoreDriver = driver;
    this.#hashedByDriver = settings.readPlainUntil !== undefined;
    this.#driver = settings.readPlainUntil === undefined ? backend : new PlainIdDriver(backend, settings.readPlainUntil);
    this.#settings = settings;
    this.#codec = new Codec(settings);
    this.#commands = new Commands(this.#driver, settings.coalesce);
    this.#limits = { store: driver.traits.name, timeoutMs: settings.timeoutMs };
    this.#circuit = this.#makeCircuit();
    this.#lanes = new Lanes(this.#limits, this.#circuit ?? UNWATCHED);
    this.#ground = { commands: this.#commands, lanes: this.#lanes, limits: this.#limits, admit: () => this.#admit() };
    this.#records = new Records(this.#commands, this.#codec, typeof settings.ttlMs === 'number' ? settings.ttlMs : DAY_MS);
    const site = { records: this.#records, lanes: this.#lanes, codec: this.#codec, settings, emit: this.#notify.bind(this) };
    this.#saves = new Saves(site);
    this.#updates = new Updates(site, this.#saves, this.#commands);
    this.#schedulePruning();
  }

  /** What the backend is and can do. */
  get traits(): Traits {
    return this.#driver.traits;
  }

  /** `up` until the backend is known to be away or answers nothing (option `circuit`); `closed` after {@link close}. */
  get status(): 'up' | 'down' | 'closed' {
    return this.#status;
  }

  /**
   * Loads a session, and ties what it returns (or koa-session's `ctx`) to it, so that a later `set` builds on this load.
   *
   * `cookie.expires` is reported as the real end of the session, which touches may have moved.
   *
   * @param sid a non-empty string up to 1,024 bytes.
   * @param options `{ extendMs }` also lengthens the session to that lifetime, in the same command where the backend can.
   * @returns the caller's own copy; null where there is no live session.
   * @throws StoreError ERR_STORE_DECODE when the stored value cannot be read (see `onUnreadable`).
   * @see GET-1 in docs/contract.md
   */
  get(sid: string, callback: Callback): void;
  get(sid: string, options: { extendMs: number }): Promise<SessionData | null>;
  get(sid: string, maxAge?: number | 'session' | null, hints?: KoaHints): Promise<SessionData | null>;
  get(sid: string, second?: unknown, third?: unknown): unknown {
    const callback = callbackOf(second) ?? callbackOf(third);
    return this.#answer('get', callback, () => this.#get(sid, second, (third as KoaHints | null | undefined)?.ctx));
  }

  /**
   * Loads a session and leaves its text closed: for middlewares, most of whose requests need to know no more than that it lives.
   *
   * Unlike the other methods it may answer and throw at once, where the backend is in this process.
   *
   * @param sid as of {@link get}.
   * @param maxAgeMs the `cookie.originalMaxAge` that most sessions have (null: until the browser is closed). Where the backend can do
   *   both at once, a session that says so gets its whole life again on the way. `ttlMs` of the answer then tells so.
   * @returns null where there is no live session.
   */
  fetch(sid: string, maxAgeMs?: number | null): Awaitable<Fetched | null> {
    return this.#direct('get', () => {
      const id = this.#id(sid);
      if (isMarked(sid)) return null;
      const keptMs = this.#canKeep() ? maxAgeMs : undefined;
      return chain(this.#readAndKeep(id, keptMs), (found) => (found === null ? null : this.#fetched(found, id, keptMs)));
    });
  }

  /**
   * Saves a session. What is tied by an earlier `get` or `set` is merged with what other requests saved meanwhile, and is
   * dropped (event `drop`) where the session was destroyed; anything else is an upsert.
   *
   * @param session an object; its text is taken at once, and it is never changed.
   * @param ttlMs its lifetime; by default that of the session's cookie, else the option `ttlMs`. Zero or less destroys it.
   * @throws StoreError ERR_STORE_ENCODE, ERR_STORE_PAYLOAD_TOO_LARGE, ERR_STORE_CONFLICT
   * @see SET-1, CON-1 in docs/contract.md
   */
  set(sid: string, session: object, callback: Callback<void> | undefined): void;
  set(sid: string, session: object, ttlMs?: number | 'session' | null, hints?: KoaHints): Promise<void>;
  set(sid: string, session: object, third?: unknown, fourth?: unknown): unknown {
    const callback = callbackOf(third) ?? callbackOf(fourth);
    return this.#answer('set', callback, () => this.#set(sid, session, third, (fourth as KoaHints | null | undefined)?.ctx));
  }

  /**
   * Gives a live session a new end, and leaves its data alone.
   *
   * Of a session that was loaded here and whose cookie changed by its date alone, the end only ever moves away.
   *
   * @param session the session, for its lifetime; without it the default lifetime counts.
   * @param ttlMs as of {@link set}; sets the end as it says, nearer too.
   * @returns whether there was a live session. Creates nothing.
   * @see TCH-1 in docs/contract.md
   */
  touch(sid: string, session: object | undefined, callback: Callback<boolean> | undefined): void;
  touch(sid: string, callback: Callback<boolean>): void;
  touch(sid: string, session?: object | null, ttlMs?: number | 'session' | null): Promise<boolean>;
  touch(sid: string, second?: unknown, third?: unknown, fourth?: unknown): unknown {
    const callback = callbackOf(second) ?? callbackOf(third) ?? callbackOf(fourth);
    return this.#answer('touch', callback, () => this.#touch(sid, second, third));
  }

  /** Removes a session; none being there is no error. */
  destroy(sid: string, callback: Callback<void> | undefined): void;
  destroy(sid: string, hints?: KoaHints): Promise<void>;
  destroy(sid: string, second?: unknown): unknown {
    const callback = callbackOf(second);
    return this.#answer('destroy', callback, () => this.#destroy(sid, (second as KoaHints | null | undefined)?.ctx));
  }

  /** All live sessions by stored id, in an object without prototype. For many sessions use {@link entries}. */
  all(callback: Callback<Record<string, SessionData>>): void;
  all(): Promise<Record<string, SessionData>>;
  all(callback?: Callback): unknown {
    return this.#answer('all', callback, () => this.#all());
  }

  /** The stored ids of all live sessions. */
  ids(callback: Callback<string[]>): void;
  ids(): Promise<string[]>;
  ids(callback?: Callback): unknown {
    return this.#answer('ids', callback, () => this.#ids());
  }

  /** How many live sessions there are. */
  length(callback: Callback<number>): void;
  length(): Promise<number>;
  length(callback?: Callback): unknown {
    return this.#answer('length', callback, () => this.#length());
  }

  /** Removes every session of this store's namespace, and nothing else. */
  clear(callback: Callback<void> | undefined): void;
  clear(): Promise<void>;
  clear(callback?: Callback): unknown {
    return this.#answer('clear', callback, () => {
      this.#admit();
      return this.#lanes.exclusive('clear', (call) => this.#commands.other(call, () => this.#driver.clear(call)));
    });
  }

  /**
   * Walks all live sessions in constant memory. A session that is stored or removed meanwhile may or may not come.
   *
   * What cannot be read is left out and told as an `error` event.
   */
  entries(): AsyncGenerator<[storedId: string, session: SessionData], void, undefined> {
    return isTraced() ? this.#tracedEntries() : this.#entries();
  }

  async *#tracedEntries(): AsyncGenerator<[storedId: string, session: SessionData], void, undefined> {
    const [over, end] = later();
    const told = Promise.resolve(traced(this.#limits.store, 'entries', () => over));
    try {
      yield* this.#entries();
    } catch (error) {
      end(error);
      throw error;
    } finally {
      // Also where it is left early.
      end();
      await told.catch(ignore);
    }
  }

  async *#entries(): AsyncGenerator<[storedId: string, session: SessionData], void, undefined> {
    for await (const page of pagesOf(this.#ground, true)) {
      for (const { key, stored } of page) {
        const session = stored === undefined ? undefined : this.#readable(key, stored);
        if (session !== undefined) yield [key, session];
      }
    }
  }

  /**
   * Reads a session, changes it and writes it, again and again until no other writer came between: for counters and queues.
   *
   * @param change gets the session, and changes it or returns another; it may run several times and must not be async.
   * @returns the session as it is now; null where there is none.
   * @throws StoreError ERR_STORE_CONFLICT when others won for `timeoutMs`
   * @see UPD-1 in docs/contract.md
   */
  update(sid: string, change: (session: SessionData) => SessionData | void): Promise<SessionData | null> {
    return this.#answer('update', undefined, () => this.#update(sid, change)) as Promise<SessionData | null>;
  }

  /**
   * Removes a session by its stored id, for admin tools, which never need to see a sid.
   *
   * @returns whether it was there.
   */
  revoke(storedId: string): Promise<boolean> {
    return this.#answer('revoke', undefined, () => this.#revoke(storedId)) as Promise<boolean>;
  }

  /** The stored id of a sid, by which an admin page tells a session of its own: the sid itself, or with `hashIds` its hash. */
  storedId(sid: string): string {
    return idOf(sid, this.#settings.hashIds, false).storedId;
  }

  /** Removes expired sessions now, where the backend does not do it itself. @returns how many. */
  prune(callback: Callback<number>): void;
  prune(): Promise<number>;
  prune(callback?: Callback): unknown {
    return this.#answer('prune', callback, () => {
      this.#admit();
      return this.#timed('prune', (call) => this.#driver.prune?.(call) ?? 0);
    });
  }

  /** Resolves when the backend answers. */
  ping(callback: Callback<void>): void;
  ping(): Promise<void>;
  ping(callback?: Callback): unknown {
    return this.#answer('ping', callback, () => {
      this.#admit(true);
      return this.#timed('ping', (call) => this.#ping(call));
    });
  }

  /** Settles what was asked before, within `timeoutMs`, and refuses what comes later. Ends only what the store opened. */
  close(callback: Callback<void>): void;
  close(): Promise<void>;
  close(callback?: Callback): unknown {
    this.#closing ??= this.#close();
    return this.#answer('close', callback, () => this.#closing);
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Ties an object to a session that was loaded into it by a copy, as @fastify/session does: its next `set` merges.
   *
   * @param holder the object that will be given to `set`, as it is after the load.
   * @param sid its session. It must have been loaded: a tied session that is not there is not saved.
   */
  tie(holder: object, sid: string): void {
    this.#id(sid);
    const base = this.#codec.stringify(holder);
    const unit = unitOf(holder as Dict);
    this.#ties.put(holder, {
      sid,
      base,
      unit,
      written: undefined,
      stored: undefined,
      expiresAt: undefined,
      at: Date.now(),
      owner: undefined,
      other: undefined,
    });
  }

  /** Called by express-session with what `get` returned: makes `req.session`, which inherits its tie. */
  // oxlint-disable-next-line typescript/no-explicit-any -- fits the types of every express-session
  createSession(request: any, data: any): any {
    const session = new Session(request as SessionRequest, data as Dict);
    const tie = this.#ties.sole(data as object);
    if (tie !== undefined) this.#ties.put(session, tie);
    (request as SessionRequest).session = session;
    return session;
  }

  /** Called by express-session's `req.session.regenerate()`: destroys the session and makes a new one with a new id. */
  // oxlint-disable-next-line typescript/no-explicit-any -- fits the types of every express-session
  regenerate(request: any, callback: (error?: any) => any): void {
    this.destroy((request as SessionRequest).sessionID, (error) => {
      this.generate?.(request as never);
      callback(error ?? undefined);
    });
  }

  /** Loads a session outside a request, as express-session's stores do: for WebSockets. */
  // oxlint-disable-next-line typescript/no-explicit-any -- fits the types of every express-session
  load(sid: string, callback: (error: any, session?: any) => any): void {
    this.get(sid, (error, data) => {
      if (error || !data) callback(error);
      else callback(null, this.createSession({ sessionID: sid, sessionStore: this }, data));
    });
  }

  #get(sid: string, second: unknown, ctx: object | undefined): Awaitable<SessionData | null> {
    const id = this.#id(sid);
    if (isMarked(sid)) return null;
    const extendMs = isOptions(second) ? explicitTtl(second.extendMs) : undefined;
    const stored = extendMs === undefined ? this.#read(id) : this.#readAndExtend(id, extendMs);
    return chain(stored, (found) => (found === null ? null : this.#open(found, id, ctx)));
  }

  #read(id: Id): Awaitable<Stored<unknown> | null> {
    return this.#lanes.run(id.key, 'get', (call) => this.#commands.read(id.key, call), true);
  }

  /** Whether a read may be a touch too: where that costs no command of its own, and where what has to be known stands in the text. */
  #canKeep(): boolean {
    const { ttlMs, touchAfterMs, encrypt } = this.#settings;
    return this.#commands.keepsOnRead && typeof ttlMs !== 'function' && touchAfterMs === 0 && encrypt === undefined;
  }

  /** @param maxAgeMs of the sessions that are touched by the way. */
  #readAndKeep(id: Id, maxAgeMs: number | null | undefined): Awaitable<Stored<unknown> | null> {
    if (maxAgeMs === undefined) return this.#read(id);
    const ttlMs = ttlUntil(maxAgeMs ?? (this.#settings.ttlMs as number), this.traits.resolutionMs, 0);
    if (!(ttlMs > 0)) return this.#read(id);
    const item = { key: id.key, ttlMs, startsWith: startOf(maxAgeMs) };
    const work = (call: LaneCall) =>
      chain(this.#commands.readAndKeep(item, call), (found) => {
        if (found?.payload.startsWith(item.startsWith)) this.#notify('touch', id.storedId);
        return found;
      });
    return this.#lanes.run(id.key, 'get', work, true);
  }

  #readAndExtend(id: Id, extendMs: number): Awaitable<Stored<unknown> | null> {
    const ttlMs = ttlUntil(extendMs, this.traits.resolutionMs, 0);
    if (!(ttlMs > 0))
      throw new StoreError('ERR_STORE_INVALID_ARGUMENT', 'extendMs is not above 0. Pass milliseconds; destroy() ends a session.');
    return this.#lanes.run(id.key, 'get', (call) => {
      if (this.traits.keepsTtl) return this.#commands.readAndExtend({ key: id.key, ttlMs, onlyLonger: true }, call);
      return chain(this.#records.extend(id, ttlMs, true, call), (live) => (live ? this.#commands.read(id.key, call) : null));
    });
  }

  #open(stored: Stored<unknown>, id: Id, ctx: object | undefined, at?: number): SessionData | null {
    try {
      return this.#tied(this.#records.load(stored, id, at), ctx);
    } catch (error) {
      return this.#unreadable(error);
    }
  }

  #tied({ tie, session }: Loaded, ctx: object | undefined): SessionData {
    this.#ties.put(ctx ?? session, tie);
    return session;
  }

  #fetched(stored: Stored<unknown>, id: Id, askedMs: number | null | undefined): Fetched | null {
    const at = Date.now();
    const text = this.#codec.isPlain(stored.payload) ? stored.payload : undefined;
    const open = () => this.#open(stored, id, undefined, at);
    const lifeMs = askedMs ?? this.#settings.ttlMs;
    const fetched = {
      text,
      ttlMs: stored.ttlMs,
      kept: askedMs !== undefined && text?.startsWith(startOf(askedMs)) === true && (stored.ttlMs ?? 0) >= (lifeMs as number),
      open,
      keepAlive: (ownMs?: number) =>
        this.#direct('touch', () => {
          if (ownMs !== undefined) return this.#lengthen(id, explicitTtl(ownMs));
          return this.#keepAlive(id, text === undefined ? undefined : originalMaxAgeOf(text), open);
        }),
    };
    if (text !== undefined) return fetched;
    // It has to be opened to know what is in it; what cannot be read is told now.
    const session = open();
    return session === null ? null : { ...fetched, open: () => session };
  }

  /** What a touch of the unopened session does. */
  #keepAlive(id: Id, maxAgeMs: number | null | undefined, open: () => SessionData | null): Awaitable<boolean> {
    if (maxAgeMs === undefined || typeof this.#settings.ttlMs === 'function') return this.#touchOpened(id, open());
    return this.#lengthen(id, maxAgeMs ?? undefined);
  }

  /** @param lifeMs from now; undefined: the default lifetime. */
  #lengthen(id: Id, lifeMs: number | undefined): Awaitable<boolean> {
    const asked = Date.now();
    const expiresAt = expiryOf(lifeMs, undefined, this.#settings.ttlMs, asked);
    return this.#lanes.run(id.key, 'touch', (call) =>
      chain(this.#extend(id, expiresAt, true, call, call.clock(asked)), (live) => {
        if (live) this.#notify('touch', id.storedId);
        return live;
      }),
    );
  }

  #touchOpened(id: Id, session: SessionData | null): Awaitable<boolean> {
    if (session === null) return false;
    const cookie = session['cookie'] as Dict | null | undefined;
    const maxAge = cookie?.['originalMaxAge'];
    if (cookie && typeof maxAge === 'number') cookie['expires'] = new Date(Date.now() + maxAge);
    return this.#touch(id.sid, session, undefined);
  }

  /** An answer for middlewares: no promise where none is needed. */
  #direct<R>(operation: string, work: () => Awaitable<R>): Awaitable<R> {
    try {
      return isTraced() ? traced(this.#limits.store, operation, work) : work();
    } catch (error) {
      throw this.#named(error, operation);
    }
  }

  #unreadable(error: unknown): null {
    const discard = StoreError.isInstance(error) && error.code === 'ERR_STORE_DECODE' && this.#settings.onUnreadable === 'discard';
    this.#named(error, 'get');
    if (!discard) throw error;
    this.#tell(error);
    return null;
  }

  #set(sid: string, session: object, third: unknown, ctx: object | undefined): Awaitable<void> {
    const id = this.#id(sid);
    if (isMarked(sid)) throw new StoreError('ERR_STORE_INVALID_ARGUMENT', 'The sid has the form of a stored hash. Use a random one.');
    if (!isSession(session)) {
      throw new StoreError(
        'ERR_STORE_INVALID_ARGUMENT',
        `The session is ${session === null ? 'null' : `of type ${typeof session}`}, not an object. Pass an object, or call destroy().`,
      );
    }
    const explicit = typeof third === 'function' ? undefined : explicitTtl(third);
    const text = this.#codec.stringify(session);
    const askedAt = Date.now();
    const expiresAt = expiryOf(explicit, session, this.#settings.ttlMs, askedAt);
    const holder = ctx ?? session;
    // Only a tied save needs to know what the cookie was at the call; a copy for each would be waste.
    const unit = this.#ties.get(holder, sid) === undefined ? undefined : unitOf(session);
    const save = { id, operation: 'set', text, unit, askedAt, expiresAt, explicit: explicit !== undefined };
    return this.#lanes.run(id.key, 'set', (call) => this.#save(save, holder, call));
  }

  #save(save: Save, holder: object, call: LaneCall): Awaitable<void> {
    const tie = this.#ties.get(holder, save.id.sid);
    if (tie === undefined) {
      return chain(this.#saves.upsert(save, call), (fresh) => {
        if (fresh === undefined) return;
        this.#ties.put(holder, fresh);
        this.#notify('create', save.id.storedId);
        this.#notify('set', save.id.storedId);
      });
    }
    // It was tied by a save that was under way at the call.
    const unit = save.unit ?? unitOf(this.#codec.parse(save.text));
    return chain(this.#saves.save({ ...save, unit }, tie, call), (saved) => {
      if (saved === 'saved') this.#notify('set', save.id.storedId);
    });
  }

  #touch(sid: string, second: unknown, third: unknown): Awaitable<boolean> {
    const id = this.#id(sid);
    if (isMarked(sid)) return false;
    const session = isSession(second) ? second : undefined;
    const explicit = typeof third === 'function' ? undefined : explicitTtl(third);
    const asked = Date.now();
    const expiresAt = expiryOf(explicit, session, this.#settings.ttlMs, asked);
    const tie = session === undefined || explicit !== undefined ? undefined : this.#ties.get(session, sid);
    return this.#lanes.run(id.key, 'touch', (call) => {
      const answer =
        tie === undefined
          ? this.#extend(id, expiresAt, false, call, call.clock(asked))
          : this.#touchTied(id, session as Dict, tie, expiresAt, call);
      return chain(answer, (live) => {
        if (live) this.#notify('touch', id.storedId);
        return live;
      });
    });
  }

  #touchTied(id: Id, session: Dict, tie: Tie, expiresAt: number, call: LaneCall): Awaitable<boolean> {
    const unit = unitOf(session);
    if (compareUnits(this.#saves.unitOf(tie), unit) === 'more') {
      const save = { id, operation: 'touch', text: this.#withUnit(tie, session), unit, askedAt: Date.now(), expiresAt, explicit: false };
      return chain(this.#saves.save(save, tie, call), (saved) => saved !== 'missing');
    }
    if (this.#tooSoon(tie, expiresAt)) return true;
    return chain(this.#extend(id, expiresAt, true, call, Date.now(), tie), (live) => {
      if (live && tie.expiresAt !== undefined) tie.expiresAt = Math.max(tie.expiresAt, expiresAt);
      return live;
    });
  }

  /** The loaded data under the cookie of now: a touch writes no data that the app has not saved. */
  #withUnit(tie: Tie, session: Dict): string {
    const { cookie, _expire, _maxAge } = session;
    return this.#codec.stringify({ ...this.#codec.parse(tie.base), cookie, _expire, _maxAge });
  }

  #tooSoon(tie: Tie, expiresAt: number): boolean {
    const { touchAfterMs } = this.#settings;
    if (touchAfterMs === 0) return false;
    const end = tie.expiresAt ?? unitDate(this.#saves.unitOf(tie));
    return end !== undefined && expiresAt - end < Math.min(touchAfterMs, (expiresAt - Date.now()) / 2);
  }

  #extend(id: Id, expiresAt: number, onlyLonger: boolean, call: LaneCall, now: number, tie?: Tie): Awaitable<boolean> {
    const ttlMs = ttlUntil(expiresAt, this.traits.resolutionMs, now);
    if (ttlMs > 0) return this.#saves.lengthen(id, ttlMs, onlyLonger, call, tie);
    // What would only lengthen cannot end a session: the shortest lifetime asks whether it is there.
    return onlyLonger ? this.#records.extend(id, this.traits.resolutionMs, true, call) : this.#saves.remove(id, call);
  }

  #destroy(sid: string, ctx: object | undefined): Awaitable<void> {
    const id = this.#id(sid);
    if (isMarked(sid)) return;
    if (ctx !== undefined) this.#ties.delete(ctx, sid);
    return this.#lanes.run(id.key, 'destroy', (call) => chain(this.#saves.remove(id, call), () => undefined));
  }

  #revoke(stored: string): Awaitable<boolean> {
    const id = idOf(stored, false, false);
    this.#admit();
    return this.#lanes.run(id.key, 'revoke', (call) => this.#saves.remove(id, call));
  }

  #update(sid: string, change: (session: SessionData) => SessionData | void): Awaitable<SessionData | null> {
    const id = this.#id(sid);
    if (typeof change !== 'function')
      throw new StoreError(
        'ERR_STORE_INVALID_ARGUMENT',
        `The change given to update() is of type ${typeof change}. Pass a function of the session.`,
      );
    return isMarked(sid) ? null : this.#updated(id, change);
  }

  async #updated(id: Id, change: (session: SessionData) => SessionData | void): Promise<SessionData | null> {
    try {
      const updated = await this.#lanes.run(id.key, 'update', (call) => this.#updates.update(id, change, call));
      if (updated === null) return null;
      this.#notify('set', id.storedId);
      return this.#tied(updated, undefined);
    } catch (error) {
      return this.#unreadable(this.#named(error, 'update'));
    }
  }

  async #all(): Promise<Record<string, SessionData>> {
    const all = Object.create(null) as Record<string, SessionData>;
    for await (const [key, session] of this.#entries()) all[key] = session;
    return all;
  }

  async #ids(): Promise<string[]> {
    const ids = new Set<string>();
    for await (const page of pagesOf(this.#ground, false)) for (const { key } of page) ids.add(key);
    return [...ids];
  }

  #length(): Promise<number> {
    this.#admit();
    if (this.#driver.count === undefined) return this.#ids().then(({ length }) => length);
    const settled = this.#lanes.settled();
    // What was asked before is waited for within the call's own time.
    const counted = this.#timed('length', async (call) => {
      await settled;
      if (call.expired) throw call.lateness();
      return this.#driver.count?.(call) ?? 0;
    });
    return Promise.resolve(counted);
  }

  #readable(key: string, stored: Stored<unknown>): SessionData | undefined {
    try {
      return this.#records.load(stored, storedId(key)).session;
    } catch (error) {
      this.#tell(this.#named(error, 'entries'));
      return undefined;
    }
  }

  /** Runs a verb that belongs to no session, under its deadline and with its failures named. */
  #timed<R>(operation: string, work: (call: LaneCall) => Awaitable<R>): Awaitable<R> {
    return this.#lanes.timed(operation, (call) => this.#commands.other(call, () => work(call)));
  }

  #ping(call: LaneCall): Awaitable<void> {
    return this.#driver.ping === undefined ? chain(this.#driver.read('sessile-ping', call), () => undefined) : this.#driver.ping(call);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#pruning);
    this.#circuit?.stop();
    const settled = this.#lanes.settled();
    this.#status = 'closed';
    try {
      await this.#lanes.timed('close', async (call) => {
        await settled;
        if (this.#opened) await this.#commands.other(call, () => this.#driver.close());
      });
    } finally {
      this.#lanes.close();
    }
  }

  #id(sid: string): Id {
    this.#admit();
    return idOf(sid, this.#settings.hashIds, this.#hashedByDriver);
  }

  #admit(probe = false): void {
    if (this.#status === 'closed') {
      throw new StoreError('ERR_STORE_CLOSED', 'The store is closed. Make a new one; a closed store does not open again.', {
        store: this.traits.name,
      });
    }
    if (!this.#opened) {
      this.#opened = true;
      this.#driver.open?.((state, cause) => this.#report(state, cause));
    }
    if (this.#status === 'down' && !probe) {
      throw new StoreError(
        'ERR_STORE_UNAVAILABLE',
        `The ${this.traits.name} backend is away. The store works again by itself when it is back.`,
        { store: this.traits.name },
      );
    }
  }

  #makeCircuit(): Circuit | undefined {
    const { circuit } = this.#settings;
    // A backend in this process cannot be away; a lock that another one holds lets reads through.
    if (circuit === undefined || this.traits.blocks) return undefined;
    // A key that nobody has, another one each time: on several servers it asks one after the other.
    const probe = async () =>
      this.#timed('probe', (call) => this.#driver.read(`sessile-probe-${Math.random().toString(36).slice(2)}`, call));
    return new Circuit(circuit, probe, (_isOpen, cause) => this.#settleStatus(cause));
  }

  #report(state: 'up' | 'down', cause: unknown): void {
    this.#connection = state;
    // A new connection is an answer too.
    if (state === 'up') this.#circuit?.answered();
    this.#settleStatus(cause);
  }

  #settleStatus(cause: unknown): void {
    const state = this.#connection === 'up' && this.#circuit?.isOpen !== true ? 'up' : 'down';
    if (this.#status === 'closed' || this.#status === state) return;
    this.#status = state;
    this.#notify(state, cause === undefined ? undefined : asStoreError(cause, this.traits.name, 'connect', []));
    if (this.#settings.announceOutages) this.#notify(state === 'up' ? 'connect' : 'disconnect');
  }

  #schedulePruning(): void {
    const { pruneEveryMs } = this.#settings;
    if (pruneEveryMs === false || this.#driver.prune === undefined) return;
    // Jitter: processes that were started together do not prune together.
    const delay = pruneEveryMs * (0.75 + Math.random() / 2);
    this.#pruning = setTimeout(() => void this.#pruneOnce(), Math.min(delay, 2_147_483_647)).unref();
  }

  async #pruneOnce(): Promise<void> {
    try {
      await this.prune();
    } catch (error) {
      if (this.#closing === undefined) this.#tell(error);
    }
    if (this.#closing === undefined) this.#schedulePruning();
  }

  /** An `error` event that nobody listens to ends no process. */
  #tell(error: unknown): void {
    if (this.listenerCount('error') > 0) this.#notify('error', error);
  }

  /** What a listener throws is its own affair, and no failure of the call that it was told of. */
  #notify(event: string, detail?: unknown): void {
    tellEvent(this.#limits.store, event, detail);
    try {
      this.emit(event, detail);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  #named(error: unknown, operation: string): unknown {
    return named(error, this.traits.name, operation);
  }

  /** A promise of the answer, or the callback's turn. What was thrown on the way is an answer too. */
  #answer<R>(operation: string, callback: Callback<R> | undefined, work: () => Awaitable<R>): Promise<R> | undefined {
    let answer: Awaitable<R>;
    try {
      answer = isTraced() ? traced(this.#limits.store, operation, work) : work();
    } catch (error) {
      answer = Promise.reject(this.#named(error, operation));
    }
    if (callback === undefined) return isPromise(answer) ? answer : Promise.resolve(answer);
    if (isPromise(answer)) {
      answer.then(
        (result) => process.nextTick(callback, null, result),
        (error: unknown) => process.nextTick(callback, error),
      );
    } else process.nextTick(callback, null, answer);
    return undefined;
  }
}

function callbackOf(value: unknown): Callback | undefined {
  return typeof value === 'function' ? (value as Callback) : undefined;
}

function isOptions(value: unknown): value is { extendMs: unknown } {
  return typeof value === 'object' && value !== null && 'extendMs' in value;
}

function ignore(): void {}

/** A promise, and what settles it: a failure where it is given one. */
function later(): [promise: Promise<void>, settle: (error?: unknown) => void] {
  let settle: (error?: unknown) => void = ignore;
  const promise = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  return [promise, settle];
}
