import { EventEmitter } from 'node:events';

/** What a session may be here: whatever JSON holds. */
// oxlint-disable-next-line typescript/no-explicit-any -- sessions are the application's
export type Session = Record<string, any>;
export type Callback = (error: unknown, result?: unknown) => void;

export interface Row {
  text: string;
  expiresAt: number;
}

export interface Tie {
  sid: string;
  base: Session;
  /** When it ended at the load or the last save; undefined where nobody knows. */
  expiresAt?: number | undefined;
}

/** What several stores share: rows, a clock that runs ahead of the computer's, and whether it can be reached. */
export class Backend {
  rows = new Map<string, Row>();
  aheadMs = 0;
  away = false;
}

/** A request, as far as createSession() knows it. */
export interface Request {
  sessionID: string;
  session?: Session;
}

const DAY_MS = 86_400_000;
const METHODS = ['save', 'reload', 'touch', 'destroy', 'regenerate', 'resetMaxAge'];
/** The methods of express-session's sessions, by name. */
const ExpressSession: object = Object.fromEntries(METHODS.map((name) => [name, () => undefined]));

/**
 * A small store that keeps the contract: a Map, callbacks and promises, ties. The kit's own tests run on it, and on
 * copies of it that are broken in one way each. All its work is done before a method returns, so order and atomicity
 * are given; only the answer is asynchronous.
 */
export class ReferenceStore extends EventEmitter {
  readonly traits = { resolutionMs: 1 };
  declare generate?: (request: Request) => void;
  readonly #backend: Backend;
  ties = new WeakMap<object, Tie[]>();
  closed = false;

  constructor(backend = new Backend()) {
    super();
    this.#backend = backend;
    this.on('error', () => undefined);
  }

  /** Behind an accessor, so that util.inspect does not show what is in it. */
  get backend(): Backend {
    return this.#backend;
  }

  get rows(): Map<string, Row> {
    return this.#backend.rows;
  }

  get status(): string {
    return this.closed ? 'closed' : 'up';
  }

  now(): number {
    return Date.now() + this.#backend.aheadMs;
  }

  get(sid: string, ...rest: unknown[]): unknown {
    return this.answer(rest, () => this.read(checkSid(sid), rest));
  }

  set(sid: string, session: Session, ...rest: unknown[]): unknown {
    return this.answer(rest, () => this.write(checkSid(sid), checkSession(session), rest));
  }

  touch(sid: string, session?: Session, ...rest: unknown[]): unknown {
    return this.answer([session, ...rest], () => this.extend(checkSid(sid), session, rest[0]));
  }

  destroy(sid: string, ...rest: unknown[]): unknown {
    return this.answer(rest, () => {
      this.rows.delete(checkSid(sid));
      this.emit('destroy', sid);
    });
  }

  all(callback?: Callback): unknown {
    return this.answer([callback], () => {
      if ([...this.rows.values()].some(({ text }) => !isReadable(text))) this.emit('error', failure('ERR_STORE_DECODE', 'unreadable'));
      return this.listed();
    });
  }

  listed(): Session {
    const found = Object.create(null) as Session;
    for (const [sid, { text }] of this.live()) Object.assign(found, sessionOf(sid, text));
    return found;
  }

  length(callback?: Callback): unknown {
    return this.answer([callback], () => this.live().length);
  }

  clear(callback?: Callback): unknown {
    return this.answer([callback], () => this.rows.clear());
  }

  ids(callback?: Callback): unknown {
    return this.answer([callback], () => this.keys());
  }

  keys(): string[] {
    return this.live().map(([sid]) => sid);
  }

  async *entries(): AsyncGenerator<[string, Session]> {
    for (const [sid, { text }] of this.live()) yield [sid, JSON.parse(text) as Session];
  }

  update(sid: string, change: (session: Session) => Session | void): unknown {
    return this.answer([], () => {
      const row = this.row(checkSid(sid));
      if (!row) return null;
      const session = JSON.parse(row.text) as Session;
      const returned = change(session);
      if (returned instanceof Promise) throw failure('ERR_STORE_INVALID_ARGUMENT', 'the change must be synchronous');
      row.text = JSON.stringify(returned ?? session);
      return JSON.parse(row.text);
    });
  }

  revoke(sid: string): unknown {
    return this.answer([], () => this.row(sid) !== undefined && this.rows.delete(sid));
  }

  prune(callback?: Callback): unknown {
    return this.answer([callback], () => {
      const expired = [...this.rows].filter(([, row]) => row.expiresAt <= this.now());
      for (const [sid] of expired) this.rows.delete(sid);
      return expired.length;
    });
  }

  ping(callback?: Callback): unknown {
    return this.answer([callback], () => undefined);
  }

  createSession(request: Request, data: Session): Session {
    const session = Object.assign(Object.create(ExpressSession), data) as Session;
    session['cookie'] = { ...data['cookie'], expires: data['cookie'].expires && new Date(data['cookie'].expires) };
    Object.defineProperty(session, 'id', { value: request.sessionID });
    request.session = session;
    if (this.ties.get(data)?.some(({ sid }) => sid === request.sessionID)) this.bind(session, request.sessionID);
    return session;
  }

  load(sid: string, callback: Callback): void {
    this.get(sid, (error: unknown, data?: Session) => {
      callback(error, data && this.createSession({ sessionID: sid }, data));
    });
  }

  regenerate(request: Request, callback: Callback): void {
    this.destroy(request.sessionID, (error: unknown) => {
      this.generate?.(request);
      callback(error);
    });
  }

  close(callback?: Callback): unknown {
    if (this.closed) return this.answer([callback], () => undefined, false);
    const answer = this.answer([callback], () => undefined);
    this.closed = true;
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  tie(object: object, sid: string): void {
    this.bind(object, sid);
  }

  bind(object: object, sid: string, expiresAt?: number): void {
    const others = (this.ties.get(object) ?? []).filter((tie) => tie.sid !== sid);
    this.ties.set(object, [...others, { sid, base: parsed(object), expiresAt }]);
  }

  /** Does the work now, and answers later: by the callback, if there is one, else by the promise that it returns. */
  answer(args: unknown[], work: () => unknown, guarded = true): unknown {
    const callback = args.find((arg) => typeof arg === 'function') as Callback | undefined;
    const outcome = attempt(() => this.guard(guarded, work));
    if (!callback) return 'error' in outcome ? Promise.reject(outcome.error) : Promise.resolve(outcome.result);
    process.nextTick(() => ('error' in outcome ? callback(outcome.error) : callback(null, outcome.result)));
    return undefined;
  }

  guard(guarded: boolean, work: () => unknown): unknown {
    if (guarded && this.closed) throw failure('ERR_STORE_CLOSED', 'the store is closed');
    if (this.backend.away) throw failure('ERR_STORE_UNAVAILABLE', 'the backend is away');
    return work();
  }

  read(sid: string, rest: unknown[]): Session | null {
    const row = this.row(sid);
    if (!row) return null;
    const stored = decode(row.text);
    const extendMs = (rest[0] as { extendMs?: number } | null | undefined)?.extendMs;
    if (extendMs) row.expiresAt = Math.max(row.expiresAt, this.now() + extendMs);
    // The date that it reports is what the caller's is compared with.
    const session = report(stored, row);
    this.bind(session, sid, row.expiresAt);
    const context = contextOf(rest);
    if (context) this.ties.set(context, [{ sid, base: parsed(session), expiresAt: row.expiresAt }]);
    return session;
  }

  write(sid: string, session: Session, rest: unknown[]): void {
    const text = encode(session);
    const holder = contextOf(rest) ?? session;
    const tie = this.ties.get(holder)?.find((one) => one.sid === sid);
    if (tie) return this.merge(sid, JSON.parse(text) as Session, tie, rest);
    this.emit('set', sid);
    const expiresAt = this.now() + lifetime(session, rest[0], this.now());
    if (expiresAt <= this.now()) this.rows.delete(sid);
    else this.rows.set(sid, { text, expiresAt });
    this.ties.set(holder, [...(this.ties.get(holder) ?? []), { sid, base: JSON.parse(text) as Session, expiresAt }]);
  }

  merge(sid: string, mine: Session, tie: Tie, rest: unknown[]): void {
    const row = this.row(sid);
    if (!row) return void this.emit('drop', { id: sid, reason: 'missing', operation: 'set' });
    const { cookie, ...theirs } = decode(row.text);
    const { cookie: oldCookie, ...base } = tie.base;
    const { cookie: newCookie, ...data } = mine;
    const merged = this.combine(base, data, theirs);
    if (newCookie !== undefined) merged['cookie'] = this.combineCookies(oldCookie, newCookie, cookie);
    row.text = JSON.stringify(merged);
    tie.base = mine;
    if (sameButDate(oldCookie, newCookie) && this.isUsual(tie, rest[0])) this.lengthen(row, rest[0]);
    else this.moveEnd(sid, row, oldCookie, newCookie, rest[0], mine);
    tie.expiresAt = row.expiresAt;
  }

  /** A lifetime that is not shorter than what was left: a middleware gives it with every save. */
  isUsual({ expiresAt }: Tie, ttlMs: unknown): ttlMs is number {
    return typeof ttlMs === 'number' && expiresAt !== undefined && this.now() + ttlMs >= expiresAt;
  }

  lengthen(row: Row, ttlMs: number): void {
    row.expiresAt = Math.max(row.expiresAt, this.now() + ttlMs);
  }

  combine(base: Session, mine: Session, theirs: Session): Session {
    return mergeObjects(base, mine, theirs);
  }

  combineCookies(base: Session, mine: Session, theirs: Session): Session {
    return mergeCookie(base, mine, theirs);
  }

  /** A date that is as it was leaves the end alone; one that moved on lengthens; anything else is taken as said. */
  moveEnd(sid: string, row: Row, before: Session, after: Session, ttlMs: unknown, session: Session): void {
    const explicit = typeof ttlMs === 'number';
    const end = this.now() + lifetime(session, ttlMs, this.now());
    const asSaid = explicit || !sameButDate(before, after) || dateOf(after) < dateOf(before);
    const asItWas = !asSaid && dateOf(after) === dateOf(before);
    if (asSaid || (!asItWas && end > row.expiresAt)) row.expiresAt = end;
    if (row.expiresAt <= this.now()) this.rows.delete(sid);
  }

  extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
    const row = this.row(sid);
    if (!row) return false;
    this.emit('touch', sid);
    const end = this.now() + lifetime(session ?? {}, ttlMs, this.now());
    const tie = session && this.ties.get(session)?.find((one) => one.sid === sid);
    const onlyLonger = tie && typeof ttlMs !== 'number' && sameButDate(tie.base['cookie'], parsed(session)['cookie']);
    row.expiresAt = onlyLonger ? Math.max(row.expiresAt, end) : end;
    if (tie && !onlyLonger && session['cookie']) row.text = JSON.stringify({ ...decode(row.text), cookie: session['cookie'] });
    if (row.expiresAt <= this.now()) this.rows.delete(sid);
    return true;
  }

  row(sid: string): Row | undefined {
    const row = this.rows.get(sid);
    return row && row.expiresAt > this.now() ? row : undefined;
  }

  live(): [string, Row][] {
    return [...this.rows].filter(([, row]) => row.expiresAt > this.now() && isReadable(row.text));
  }
}

/** An error as the stores of this project give it. */
export function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { name: 'StoreError', code, retryable: false, store: 'reference', operation: 'set' });
}

function attempt(work: () => unknown): { result: unknown } | { error: unknown } {
  try {
    return { result: work() };
  } catch (error) {
    return { error };
  }
}

function checkSid(sid: unknown): string {
  if (typeof sid === 'string' && sid !== '' && Buffer.byteLength(sid) <= 1024) return sid;
  throw failure('ERR_STORE_INVALID_ARGUMENT', 'a sid is a non-empty string of up to 1 KiB');
}

function checkSession(session: unknown): Session {
  if (typeof session === 'object' && session !== null && !Array.isArray(session)) return session;
  throw failure('ERR_STORE_INVALID_ARGUMENT', 'a session is an object');
}

function encode(session: Session): string {
  try {
    return JSON.stringify(session);
  } catch {
    throw failure('ERR_STORE_ENCODE', 'the session cannot be written as JSON');
  }
}

function decode(text: string): Session {
  if (!isReadable(text)) throw failure('ERR_STORE_DECODE', 'the stored value is no session');
  return JSON.parse(text) as Session;
}

export function isReadable(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function sessionOf(sid: string, text: string): Session {
  return Object.defineProperty({}, sid, { value: JSON.parse(text), enumerable: true });
}

function parsed(session: object): Session {
  return JSON.parse(encode(session)) as Session;
}

export function contextOf(rest: unknown[]): object | undefined {
  return rest.map((arg) => (arg as { ctx?: object } | null | undefined)?.ctx).find(Boolean);
}

function dateOf(cookie: Session | undefined): number {
  return cookie?.['expires'] ? new Date(cookie['expires']).getTime() : Number.NaN;
}

function sameButDate(one: Session | undefined, two: Session | undefined): boolean {
  const strip = (cookie?: Session): string => JSON.stringify({ ...cookie, expires: Boolean(cookie?.['expires']) });
  return strip(one) === strip(two);
}

function lifetime(session: Session, ttlMs: unknown, now: number): number {
  if (typeof ttlMs === 'number') {
    if (Number.isNaN(ttlMs)) throw failure('ERR_STORE_INVALID_ARGUMENT', 'a lifetime is a number');
    return ttlMs;
  }
  const ends = dateOf(session['cookie']);
  if (!Number.isNaN(ends)) return ends - now;
  return typeof session['_expire'] === 'number' ? session['_expire'] - now : DAY_MS;
}

/** The date that the cookie shows is when the session ends. */
function report(session: Session, row: Row): Session {
  const { cookie } = session;
  if (cookie?.expires && row.expiresAt < 8.64e15) cookie.expires = new Date(row.expiresAt).toISOString();
  return session;
}

function isObject(value: unknown): value is Session {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function mergeObjects(base: Session, mine: Session, theirs: Session): Session {
  const entries = new Map(Object.entries(theirs));
  for (const key of new Set([...Object.keys(base), ...Object.keys(mine)])) {
    const [was, is] = [own(base, key), own(mine, key)];
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    const nested = isObject(was ?? {}) && isObject(is) && isObject(entries.get(key));
    if (is === undefined) entries.delete(key);
    else entries.set(key, nested ? mergeObjects((was ?? {}) as Session, is, entries.get(key) as Session) : is);
  }
  return Object.fromEntries(entries);
}

// oxlint-disable-next-line typescript/no-explicit-any -- a value of a session
function own(object: Session, key: string): any {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function mergeCookie(base: Session, mine: Session, theirs: Session): Session {
  if (!sameButDate(base, mine)) return mine;
  return dateOf(mine) > dateOf(theirs) ? { ...theirs, expires: mine['expires'] } : theirs;
}
