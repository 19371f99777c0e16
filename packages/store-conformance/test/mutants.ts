import { AsyncResource } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '@sessile/store-conformance';
import {
  type Backend,
  type Callback,
  contextOf,
  failure,
  isReadable,
  mergeObjects,
  ReferenceStore,
  type Request,
  type Row,
  type Session,
  type Tie,
} from './reference-store.js';
import type { StoreClass } from './reference-target.js';

/** A store that is broken in one way. */
export interface Mutant {
  readonly name: string;
  /** The checks that must catch it, the one that it is for first: these, and no others. */
  readonly caughtBy: readonly string[];
  readonly Store: StoreClass;
  /** What differs in its target. */
  readonly hooks?: Partial<Target<ReferenceStore>>;
}

type Change = (session: Session) => Session | void;
type Answer = [args: unknown[], work: () => unknown, guarded: boolean | undefined];

/** Made outside every request. */
const ELSEWHERE = new AsyncResource('elsewhere');

class Answering extends ReferenceStore {
  /** The answer of a store that is right. */
  plain(args: unknown[], work: () => unknown, guarded?: boolean): unknown {
    return super.answer(args, work, guarded);
  }
}

function callbackOf(args: unknown[]): Callback | undefined {
  return args.find((arg) => typeof arg === 'function') as Callback | undefined;
}

/** A store that gives its answers in another way. */
function answering(answer: (store: Answering, call: Answer) => unknown): StoreClass {
  return class extends Answering {
    override answer(args: unknown[], work: () => unknown, guarded?: boolean): unknown {
      return answer(this, [args, work, guarded]);
    }
  };
}

/** A store that calls callbacks in another way. */
function callingBack(call: (callback: Callback, error: unknown, result: unknown) => void): StoreClass {
  return answering((store, [args, work, guarded]) => {
    const callback = callbackOf(args);
    const others = args.filter((arg) => arg !== callback);
    if (!callback) return store.plain(args, work, guarded);
    return store.plain([...others, (error: unknown, result?: unknown) => call(callback, error, result)], work, guarded);
  });
}

/** A store that answers callbacks together, from one turn of the event loop. */
function batching(): StoreClass {
  const waiting: (() => void)[] = [];
  const answerAll = (): void => {
    for (const answer of waiting.splice(0)) answer();
  };
  return callingBack((callback, error, result) => {
    if (waiting.push(() => callback(error, result)) === 1) setImmediate(answerAll);
  });
}

function isExtension(arg: unknown): boolean {
  return typeof arg === 'object' && arg !== null && 'extendMs' in arg;
}

function lower(sid: string): string {
  return typeof sid === 'string' ? sid.toLowerCase() : sid;
}

function sameAge(one: Session | undefined, two: Session | undefined): boolean {
  return one?.['originalMaxAge'] === two?.['originalMaxAge'];
}

function setKey(session: Session, key: string, value: unknown): void {
  Object.defineProperty(session, key, { value, enumerable: true, writable: true, configurable: true });
}

function withDate({ text, expiresAt }: Row): string {
  const session = JSON.parse(text) as Session;
  return JSON.stringify({ ...session, cookie: { ...session['cookie'], expires: new Date(expiresAt) } });
}

/** From GET to DAT. */
const stored: readonly Mutant[] = [
  {
    name: 'says ENOENT for a sid that nobody stored',
    caughtBy: ['GET-1', 'ALL-7', 'CON-14.a', 'GET-1.a', 'GET-1.b', 'GET-4', 'SID-4', 'TCH-3', 'UPD-2'],
    Store: class extends ReferenceStore {
      readonly #stored = new Set<string>();
      override write(sid: string, session: Session, rest: unknown[]): void {
        this.#stored.add(sid);
        super.write(sid, session, rest);
      }

      override read(sid: string, rest: unknown[]): Session | null {
        if (!this.#stored.has(sid) && !this.rows.has(sid)) throw failure('ENOENT', 'no such file');
        return super.read(sid, rest);
      }
    },
  },
  {
    name: 'says ENOENT to the callback of express-session',
    caughtBy: ['GET-1.b'],
    Store: answering((store, [args, work, guarded]) => {
      const callback = callbackOf(args);
      if (!callback || args.length > 1) return store.plain(args, work, guarded);
      const missing = failure('ENOENT', 'no such file');
      return store.plain([(error: unknown, result?: unknown) => callback(result === null ? missing : error, result)], work, guarded);
    }),
    hooks: { kind: 'callback' },
  },
  {
    name: 'tries again when a session is missing',
    caughtBy: ['GET-1.a'],
    Store: class extends ReferenceStore {
      readonly #stored = new Set<string>();
      override write(sid: string, session: Session, rest: unknown[]): void {
        this.#stored.add(sid);
        super.write(sid, session, rest);
      }

      override get(sid: string, ...rest: unknown[]): unknown {
        const known = this.#stored.has(sid) || this.rows.has(sid);
        return known || callbackOf(rest) || typeof sid !== 'string'
          ? super.get(sid, ...rest)
          : sleep(400).then(() => super.get(sid, ...rest));
      }
    },
  },
  {
    name: 'gives one live object to everybody',
    caughtBy: ['GET-2', 'CON-11', 'GET-2.a', 'TTL-15.a', 'TTL-15.b'],
    Store: class extends ReferenceStore {
      readonly #objects = new Map<string, Session>();
      override read(sid: string, rest: unknown[]): Session | null {
        const { text = '' } = this.row(sid) ?? {};
        const found = this.#objects.get(text) ?? super.read(sid, rest);
        if (found) this.#objects.set(text, found);
        return text ? found : null;
      }
    },
  },
  {
    name: 'shares one read, and its object, between callers',
    caughtBy: ['GET-2.a'],
    Store: class extends ReferenceStore {
      readonly #objects = new Map<string, Session>();
      override read(sid: string, rest: unknown[]): Session | null {
        const found = this.#objects.get(sid) ?? super.read(sid, rest);
        if (found) this.#objects.set(sid, found);
        queueMicrotask(() => this.#objects.delete(sid));
        return found;
      }

      override write(sid: string, session: Session, rest: unknown[]): void {
        this.#objects.delete(sid);
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'adds a key to the sessions of those who are logged in',
    caughtBy: ['GET-3', 'CON-10', 'CON-3', 'MID-4'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        return found?.['user'] ? Object.assign(found, { lastSeen: 1 }) : found;
      }
    },
  },
  {
    name: 'ignores extendMs',
    caughtBy: ['GET-4'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        return super.read(
          sid,
          rest.map((arg) => (isExtension(arg) ? undefined : arg)),
        );
      }
    },
  },
  {
    name: 'merges what should replace',
    caughtBy: ['SET-1', 'CON-13', 'CON-3', 'CON-9', 'DAT-1', 'DAT-1.a', 'DAT-1.b', 'DAT-2', 'DAT-3', 'DAT-3.a', 'DAT-5'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const old = this.row(sid)?.text;
        super.write(sid, session, rest);
        const row = this.row(sid);
        if (old && row && !this.ties.get(session)?.[1] && isReadable(old))
          row.text = JSON.stringify({ ...(JSON.parse(old) as Session), ...(JSON.parse(row.text) as Session) });
      }
    },
  },
  {
    name: 'serialises after the call has returned',
    caughtBy: ['SET-2', 'CON-12'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const tied = this.ties.has(session);
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        const text = row?.text;
        queueMicrotask(() => {
          if (row && !tied && row.text === text) row.text = JSON.stringify(session);
        });
      }
    },
  },
  {
    name: "adds a key of its own to the caller's object",
    caughtBy: ['SET-3', 'CON-6', 'CON-6.a', 'CON-8', 'TTL-16'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        session['__lastAccess'] = 1;
      }
    },
  },
  {
    name: 'keeps the oldest of sets at the same time',
    caughtBy: ['SET-4', 'CON-1.a', 'CON-14'],
    Store: class extends ReferenceStore {
      readonly #busy = new Set<string>();
      override write(sid: string, session: Session, rest: unknown[]): void {
        if (this.#busy.has(sid)) return;
        this.#busy.add(sid);
        queueMicrotask(() => this.#busy.delete(sid));
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'takes an array for a session',
    caughtBy: ['SET-5'],
    Store: class extends ReferenceStore {
      override set(sid: string, session: Session, ...rest: unknown[]): unknown {
        return super.set(sid, Array.isArray(session) ? Object.assign({}, session) : session, ...rest);
      }
    },
  },
  {
    name: 'does nothing in touch()',
    caughtBy: ['TCH-1', 'EVT-2', 'TCH-12', 'TCH-5', 'TCH-5.a', 'TCH-8', 'TCH-9'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        void [session, ttlMs];
        return this.row(sid) !== undefined;
      }
    },
  },
  {
    name: 'writes the whole session in touch()',
    caughtBy: ['TCH-2', 'TCH-2.a', 'TCH-8'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const row = this.row(sid);
        if (row && session) row.text = JSON.stringify(session);
        return super.extend(sid, session, ttlMs);
      }
    },
  },
  {
    name: 'creates what it touches',
    caughtBy: ['TCH-3', 'DEL-3', 'TCH-4'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        if (!this.row(sid) && session) this.rows.set(sid, { text: JSON.stringify(session), expiresAt: this.now() + 60_000 });
        return super.extend(sid, session, ttlMs);
      }
    },
  },
  {
    name: 'touches what has expired back to life',
    caughtBy: ['TCH-4'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const row = this.rows.get(sid);
        if (row) row.expiresAt = Math.max(row.expiresAt, this.now() + 1000);
        return super.extend(sid, session, ttlMs);
      }
    },
  },
  {
    name: 'reports the date that was stored, not the one that touch() made',
    caughtBy: ['TCH-5', 'TCH-5.a'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        const stored: unknown = found && (JSON.parse(this.row(sid)?.text ?? '{}') as Session)['cookie']?.expires;
        if (found && stored) found['cookie'].expires = stored;
        return found;
      }
    },
  },
  {
    name: "writes to the caller's object in touch()",
    caughtBy: ['TCH-6'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const touched = super.extend(sid, session, ttlMs);
        if (session) session['touchedAt'] = 1;
        return touched;
      }
    },
  },
  {
    name: 'shortens a life by a stale touch',
    caughtBy: ['TCH-7'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const before = this.row(sid)?.expiresAt;
        void before;
        const touched = super.extend(sid, session, ttlMs);
        const row = this.row(sid);
        const ends: unknown = session?.['cookie']?.expires;
        if (row && ends instanceof Date && typeof ttlMs !== 'number') row.expiresAt = ends.getTime();
        return touched;
      }
    },
  },
  {
    name: 'loses a cookie that reaches it by touch()',
    caughtBy: ['TCH-8'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const text = this.row(sid)?.text;
        const touched = super.extend(sid, session, ttlMs);
        const row = this.row(sid);
        if (row && text) row.text = text;
        return touched;
      }
    },
  },
  {
    name: 'ignores the lifetime given to touch()',
    caughtBy: ['TCH-9'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        void ttlMs;
        return super.extend(sid, session, undefined);
      }
    },
  },
  {
    name: 'invents a date for a browser session',
    caughtBy: ['TCH-10'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const touched = super.extend(sid, session, ttlMs);
        const row = this.row(sid);
        if (row && session && session['cookie']?.expires === null) row.text = withDate(row);
        return touched;
      }
    },
  },
  {
    name: 'says true for every touch',
    caughtBy: ['TCH-11'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        super.extend(sid, session, ttlMs);
        return true;
      }
    },
  },
  {
    name: 'does nothing in touch() where the cookie has no date',
    caughtBy: ['TCH-12'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        if (session?.['cookie'] && !session['cookie'].expires) return this.row(sid) !== undefined;
        return super.extend(sid, session, ttlMs);
      }
    },
  },
  {
    name: 'fails to destroy what is not there',
    caughtBy: ['DEL-1', 'LEN-1', 'ORD-2', 'SID-5'],
    Store: class extends ReferenceStore {
      override destroy(sid: string, ...rest: unknown[]): unknown {
        if (typeof sid === 'string' && sid && !this.rows.has(sid))
          return this.answer(rest, () => {
            throw failure('ENOENT', 'no such file');
          });
        return super.destroy(sid, ...rest);
      }
    },
  },
  {
    name: 'destroys by the beginning of a sid',
    caughtBy: ['DEL-2', 'ALL-2', 'ALL-2.a', 'CB-4', 'LEN-1', 'SID-2'],
    Store: class extends ReferenceStore {
      override destroy(sid: string, ...rest: unknown[]): unknown {
        if (typeof sid === 'string') for (const other of this.rows.keys()) if (other.startsWith(sid.slice(0, 4))) this.rows.delete(other);
        return super.destroy(sid, ...rest);
      }
    },
  },
  {
    name: 'brings back what is destroyed during a touch',
    caughtBy: ['DEL-3'],
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const row = this.row(sid);
        queueMicrotask(() => {
          if (row && !this.rows.has(sid)) this.rows.set(sid, row);
        });
        return super.extend(sid, session, ttlMs);
      }
    },
  },
  {
    name: 'saves a destroyed session back',
    caughtBy: ['DEL-4', 'CON-14.a', 'DEL-4.a', 'EVT-3', 'MID-2.a'],
    Store: class extends ReferenceStore {
      override merge(sid: string, mine: Session, tie: Tie, rest: unknown[]): void {
        if (!this.rows.has(sid)) this.rows.set(sid, { text: JSON.stringify(mine), expiresAt: this.now() + 60_000 });
        super.merge(sid, mine, tie, rest);
      }
    },
  },
  {
    name: 'keeps tombstones',
    caughtBy: ['DEL-5', 'ERR-5', 'EVT-3', 'ORD-2'],
    Store: class extends ReferenceStore {
      readonly #dead = new Set<string>();
      override destroy(sid: string, ...rest: unknown[]): unknown {
        if (this.rows.has(sid)) this.#dead.add(sid);
        return super.destroy(sid, ...rest);
      }

      override write(sid: string, session: Session, rest: unknown[]): void {
        if (!this.#dead.has(sid)) super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'takes any second argument of destroy() for a callback',
    caughtBy: ['DEL-6', 'CON-12.a'],
    Store: class extends ReferenceStore {
      override destroy(sid: string, ...rest: unknown[]): unknown {
        const [second] = rest;
        if (second && typeof second !== 'function') return Promise.reject(new TypeError('callback is not a function'));
        return super.destroy(sid, ...rest);
      }
    },
  },
  {
    name: 'reads what has expired',
    caughtBy: ['TTL-1', 'TCH-4', 'TCH-9', 'TTL-10', 'TTL-12', 'TTL-15', 'TTL-17', 'TTL-2', 'TTL-3', 'TTL-6'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const row = this.rows.get(sid);
        return row && row.expiresAt <= this.now() ? (JSON.parse(row.text) as Session) : super.read(sid, rest);
      }
    },
  },
  {
    name: 'rounds lifetimes down to seconds',
    caughtBy: ['TTL-2'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        const leftMs = (row?.expiresAt ?? 0) - this.now();
        if (row && leftMs > 1000 && leftMs < 2000) row.expiresAt = this.now() + 1000;
      }
    },
  },
  {
    name: 'counts whole seconds, rounded down',
    caughtBy: ['TTL-2', 'TCH-9', 'TTL-15', 'TTL-17', 'TTL-3'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        this.#roundDown(sid);
      }

      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const touched = super.extend(sid, session, ttlMs);
        this.#roundDown(sid);
        return touched;
      }

      #roundDown(sid: string): void {
        const row = this.rows.get(sid);
        // What is past the last Date is left as it is.
        if (row && row.expiresAt < 8.64e15) row.expiresAt = this.now() + Math.floor((row.expiresAt - this.now()) / 1000) * 1000;
      }
    },
    hooks: { resolutionMs: 1000 },
  },
  {
    name: 'takes less than a second for a day',
    caughtBy: ['TTL-3', 'ALL-2', 'ALL-2.a', 'LEN-2', 'PRN-2', 'TCH-4', 'TTL-1', 'TTL-10', 'TTL-12', 'TTL-15', 'TTL-17', 'TTL-6'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row && row.expiresAt - this.now() < 1000) row.expiresAt += 86_400_000;
      }
    },
  },
  {
    name: 'ignores a save that is already over',
    caughtBy: ['TTL-4', 'TTL-14'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const ends: unknown = session['cookie']?.expires;
        if (!(ends instanceof Date) || !(ends.getTime() <= this.now())) super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'overflows 2^31 ms',
    caughtBy: ['TTL-5'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row && row.expiresAt < 8e15) row.expiresAt = this.now() + ((row.expiresAt - this.now()) | 0);
      }
    },
  },
  {
    name: 'ignores a date that is a string',
    caughtBy: ['TTL-6'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row && typeof rest[0] !== 'number' && typeof session['cookie']?.expires === 'string') row.expiresAt = this.now() + 86_400_000;
      }
    },
  },
  {
    name: 'says "saved" and stores nothing where the date is invalid',
    caughtBy: ['TTL-7'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const ends: unknown = session['cookie']?.expires;
        if (ends && Number.isNaN(new Date(ends as Date).getTime())) return;
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'takes no date for a lifetime of 0',
    caughtBy: ['TTL-8', 'TCH-10'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        if (session['cookie']?.expires === null && typeof rest[0] !== 'number') this.rows.delete(sid);
        else super.write(sid, session, rest);
      }
    },
  },
  {
    name: "takes maxAge 'session' for a number",
    caughtBy: ['TTL-9'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        if (typeof rest[0] === 'string') throw failure('ERR', 'value is not an integer');
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'skips the rolling saves of koa-session',
    caughtBy: ['TTL-9.a'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        if ((rest[1] as { changed?: boolean } | undefined)?.changed !== false) super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'counts lifetimes in seconds',
    caughtBy: ['TTL-10', 'TTL-15'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const [ttl, ...others] = rest;
        super.write(sid, session, [typeof ttl === 'number' ? ttl * 1000 : ttl, ...others]);
      }
    },
  },
  {
    name: 'takes NaN for no lifetime',
    caughtBy: ['TTL-11'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(
          sid,
          session,
          rest.map((arg) => (Number.isNaN(arg) ? undefined : arg)),
        );
      }
    },
  },
  {
    name: 'saves over what has expired',
    caughtBy: ['TTL-12'],
    Store: class extends ReferenceStore {
      override merge(sid: string, mine: Session, tie: Tie, rest: unknown[]): void {
        const row = this.rows.get(sid);
        if (row) row.expiresAt = Math.max(row.expiresAt, this.now() + 1000);
        super.merge(sid, mine, tie, rest);
      }
    },
  },
  {
    name: 'shortens a life by a stale save',
    caughtBy: ['TTL-13', 'CON-11'],
    Store: class extends ReferenceStore {
      override moveEnd(sid: string, row: Row, before: Session, after: Session, ttlMs: unknown, session: Session): void {
        super.moveEnd(sid, row, before, after, ttlMs, session);
        const ends = new Date(after['cookie'] ?? after['expires']).getTime();
        if (typeof ttlMs !== 'number' && ends > this.now()) row.expiresAt = ends;
      }
    },
  },
  {
    name: 'never shortens a life by a save',
    caughtBy: ['TTL-14'],
    Store: class extends ReferenceStore {
      override moveEnd(sid: string, row: Row, before: Session, after: Session, ttlMs: unknown, session: Session): void {
        const { expiresAt } = row;
        super.moveEnd(sid, row, before, after, ttlMs, session);
        if (typeof ttlMs === 'number') return;
        row.expiresAt = Math.max(row.expiresAt, expiresAt);
        this.rows.set(sid, row);
      }
    },
  },
  {
    name: 'never shortens a life by the lifetime given to a save',
    caughtBy: ['TTL-15'],
    Store: class extends ReferenceStore {
      override moveEnd(sid: string, row: Row, before: Session, after: Session, ttlMs: unknown, session: Session): void {
        const { expiresAt } = row;
        super.moveEnd(sid, row, before, after, ttlMs, session);
        if (typeof ttlMs === 'number') row.expiresAt = Math.max(row.expiresAt, expiresAt);
      }
    },
  },
  {
    name: 'takes every lifetime given to a save as said',
    caughtBy: ['TTL-15.a', 'TTL-15.b'],
    Store: class extends ReferenceStore {
      override lengthen(row: Row, ttlMs: number): void {
        row.expiresAt = this.now() + ttlMs;
      }
    },
  },
  {
    name: "writes to koa-session's metadata",
    caughtBy: ['TTL-16'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        if (typeof found?.['_expire'] === 'number') found['_expire'] = this.row(sid)?.expiresAt;
        return found;
      }
    },
  },
  {
    name: "ignores koa-session's metadata",
    caughtBy: ['TTL-17'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const ignored = typeof session['_expire'] === 'number' && rest.length === 0;
        super.write(sid, session, ignored ? [86_400_000] : rest);
      }
    },
  },
  {
    name: 'writes the whole of a loaded session',
    caughtBy: [
      'CON-1',
      'CON-1.a',
      'CON-11.a',
      'CON-12',
      'CON-13',
      'CON-14',
      'CON-2',
      'CON-3',
      'CON-6',
      'CON-6.a',
      'CON-7',
      'DAT-2.a',
      'MID-2',
    ],
    Store: class extends ReferenceStore {
      override combine(base: Session, mine: Session, theirs: Session): Session {
        void [base, theirs];
        return mine;
      }
    },
  },
  {
    name: 'merges the first level alone',
    caughtBy: ['CON-2', 'CON-3'],
    Store: class extends ReferenceStore {
      override combine(base: Session, mine: Session, theirs: Session): Session {
        const changed = (key: string): boolean => JSON.stringify(base[key]) !== JSON.stringify(mine[key]);
        const merged = mergeObjects(base, mine, theirs);
        for (const key of Object.keys(mine)) if (changed(key)) setKey(merged, key, mine[key]);
        return merged;
      }
    },
  },
  {
    name: 'brings deleted keys back',
    caughtBy: ['CON-3'],
    Store: class extends ReferenceStore {
      override combine(base: Session, mine: Session, theirs: Session): Session {
        return { ...mergeObjects(base, { ...base, ...mine }, theirs) };
      }
    },
  },
  {
    name: 'joins arrays',
    caughtBy: ['CON-4'],
    Store: class extends ReferenceStore {
      override combine(base: Session, mine: Session, theirs: Session): Session {
        const merged = mergeObjects(base, mine, theirs);
        for (const key of Object.keys(merged))
          if (Array.isArray(mine[key]) && Array.isArray(theirs[key]))
            merged[key] = [...new Set([...theirs[key], ...mine[key]] as unknown[])];
        return merged;
      }
    },
  },
  {
    name: 'lets the first of two saves win',
    caughtBy: ['CON-5', 'CON-4'],
    Store: class extends ReferenceStore {
      override combine(base: Session, mine: Session, theirs: Session): Session {
        return mergeObjects(base, theirs, mergeObjects(base, mine, base));
      }
    },
  },
  {
    name: 'takes the merged text for the base',
    caughtBy: ['CON-6'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.row(sid);
        for (const tie of this.ties.get(session) ?? []) if (row && tie.sid === sid) tie.base = JSON.parse(row.text) as Session;
      }
    },
  },
  {
    name: 'ties nothing that was set',
    caughtBy: ['CON-6.a', 'DEL-4.a'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const known = this.ties.get(session) ?? [];
        super.write(sid, session, rest);
        if (!known.some((tie) => tie.sid === sid)) this.ties.set(session, known);
      }
    },
  },
  {
    name: 'writes what did not change',
    caughtBy: ['CON-7', 'CON-11.a'],
    Store: class extends ReferenceStore {
      override combine(base: Session, mine: Session, theirs: Session): Session {
        const merged = mergeObjects(base, mine, theirs);
        for (const key of Object.keys(mine)) if (typeof mine[key] === 'number') merged[key] = mine[key] as number;
        return merged;
      }
    },
  },
  {
    name: "merges into the caller's object",
    caughtBy: ['CON-8'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.row(sid);
        if (!row) return;
        const { cookie: _, ...data } = JSON.parse(row.text) as Session;
        for (const key of Object.keys(data)) if (!(key in session)) session[key] = data[key] as unknown;
      }
    },
  },
  {
    name: 'ties what is reachable from an object',
    caughtBy: ['CON-9', 'CON-13'],
    Store: class extends ReferenceStore {
      readonly #cookies = new WeakMap<object, object>();
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        if (found?.['cookie']) this.#cookies.set(found['cookie'] as object, found);
        return found;
      }

      override write(sid: string, session: Session, rest: unknown[]): void {
        const owner = this.#cookies.get((session['cookie'] ?? {}) as object);
        const ties = owner && !this.ties.get(session) && this.ties.get(owner);
        if (ties) this.ties.set(session, ties);
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'ties by object alone',
    caughtBy: ['CON-10'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const [tie] = this.ties.get(session) ?? [];
        if (tie) this.ties.set(session, [{ ...tie, sid }]);
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'lets the later save move the date back',
    caughtBy: ['CON-11'],
    Store: class extends ReferenceStore {
      override combineCookies(base: Session, mine: Session, theirs: Session): Session {
        const merged = super.combineCookies(base, mine, theirs);
        return mine['expires'] && sameAge(mine, theirs) ? { ...merged, expires: mine['expires'] as unknown } : merged;
      }

      override moveEnd(sid: string, row: Row, before: Session, after: Session, ttlMs: unknown, session: Session): void {
        super.moveEnd(sid, row, before, after, ttlMs, session);
        const ends = new Date(after?.['expires'] as string).getTime();
        if (after?.['expires'] !== before?.['expires'] && sameAge(before, after) && ends > this.now() + 1000) row.expiresAt = ends;
      }
    },
  },
  {
    name: 'mixes two cookies',
    caughtBy: ['CON-11.a'],
    Store: class extends ReferenceStore {
      override combineCookies(base: Session, mine: Session, theirs: Session): Session {
        const merged = super.combineCookies(base, mine, theirs);
        return merged === mine && theirs ? { ...mine, path: theirs['path'] as unknown } : merged;
      }
    },
  },
  {
    name: "ignores koa-session's ctx",
    caughtBy: ['CON-12'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest.slice(0, 1));
      }
    },
  },
  {
    name: 'ties ctx without the key',
    caughtBy: ['CON-12.a'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const ctx = contextOf(rest);
        const [tie] = (ctx && this.ties.get(ctx)) ?? [];
        if (ctx && tie) this.ties.set(ctx, [{ ...tie, sid }]);
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'ignores tie()',
    caughtBy: ['CON-13'],
    Store: class extends ReferenceStore {
      override tie(): void {}
    },
  },
  {
    name: 'compares with what it remembers itself',
    caughtBy: ['CON-14'],
    Store: class extends ReferenceStore {
      readonly #texts = new Map<string, string>();
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        this.#texts.set(sid, this.row(sid)?.text ?? '');
        return found;
      }

      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        this.#texts.set(sid, this.rows.get(sid)?.text ?? '');
      }

      override merge(sid: string, mine: Session, tie: Tie, rest: unknown[]): void {
        const row = this.row(sid);
        const text = this.#texts.get(sid);
        if (row && text && isReadable(row.text)) row.text = text;
        super.merge(sid, mine, tie, rest);
      }

      override update(sid: string, change: Change): unknown {
        const updated = super.update(sid, change);
        this.#texts.set(sid, this.rows.get(sid)?.text ?? '');
        return updated;
      }
    },
  },
  {
    name: 'knows of its own destroys alone',
    caughtBy: ['CON-14.a'],
    Store: class extends ReferenceStore {
      readonly #mine = new Set<string>();
      override destroy(sid: string, ...rest: unknown[]): unknown {
        this.#mine.add(sid);
        return super.destroy(sid, ...rest);
      }

      override clear(callback?: Callback): unknown {
        for (const sid of this.rows.keys()) this.#mine.add(sid);
        return super.clear(callback);
      }

      override merge(sid: string, mine: Session, tie: Tie, rest: unknown[]): void {
        if (!this.rows.has(sid) && !this.#mine.has(sid)) this.rows.set(sid, { text: JSON.stringify(mine), expiresAt: this.now() + 60_000 });
        super.merge(sid, mine, tie, rest);
      }
    },
  },
  {
    name: 'loses increments',
    caughtBy: ['UPD-1', 'UPD-1.a'],
    Store: class extends ReferenceStore {
      override async update(sid: string, change: Change): Promise<Session | null> {
        const text = typeof sid === 'string' && this.row(sid)?.text;
        await Promise.resolve();
        const row = this.row(sid);
        if (row && text) row.text = text;
        return (await super.update(sid, change)) as Session | null;
      }
    },
  },
  {
    name: 'counts in the memory of one process',
    caughtBy: ['UPD-1.a'],
    Store: class extends ReferenceStore {
      readonly #counts = new Map<string, number>();
      override update(sid: string, change: Change): unknown {
        const n = this.#counts.get(sid);
        return super.update(sid, (session) => {
          if (n !== undefined && typeof session['n'] === 'number') session['n'] = n;
          const changed = change(session);
          const after: unknown = (changed ?? session)['n'];
          if (typeof after === 'number') this.#counts.set(sid, after);
          return changed;
        });
      }

      override write(sid: string, session: Session, rest: unknown[]): void {
        this.#counts.delete(sid);
        super.write(sid, session, rest);
      }

      override destroy(sid: string, ...rest: unknown[]): unknown {
        this.#counts.delete(sid);
        return super.destroy(sid, ...rest);
      }
    },
  },
  {
    name: 'creates what it updates',
    caughtBy: ['UPD-2'],
    Store: class extends ReferenceStore {
      override update(sid: string, change: Change): unknown {
        if (typeof sid === 'string' && !this.row(sid)) this.rows.set(sid, { text: '{}', expiresAt: this.now() + 60_000 });
        return super.update(sid, change);
      }
    },
  },
  {
    name: 'ignores what a change returns',
    caughtBy: ['UPD-3'],
    Store: class extends ReferenceStore {
      override update(sid: string, change: Change): unknown {
        return super.update(sid, (session) => {
          const returned = change(session);
          return returned instanceof Promise ? returned : undefined;
        });
      }
    },
  },
  {
    name: 'wraps what a change throws',
    caughtBy: ['UPD-4'],
    Store: class extends ReferenceStore {
      override update(sid: string, change: Change): unknown {
        return super.update(sid, (session) => {
          try {
            return change(session);
          } catch (cause) {
            throw Object.assign(failure('ERR_STORE_UPDATE', 'the change failed'), { cause });
          }
        });
      }
    },
  },
  {
    name: 'takes a promise for a session',
    caughtBy: ['UPD-5'],
    Store: class extends ReferenceStore {
      override update(sid: string, change: Change): unknown {
        return super.update(sid, (session) => {
          const returned = change(session);
          return returned instanceof Promise ? session : returned;
        });
      }
    },
  },
  {
    name: 'answers get() from a replica that is behind',
    caughtBy: ['ORD-1'],
    Store: class extends ReferenceStore {
      readonly #before = new Map<string, string>();
      override write(sid: string, session: Session, rest: unknown[]): void {
        const old = this.rows.get(sid);
        if (old) this.#before.set(sid, old.text);
        queueMicrotask(() => this.#before.delete(sid));
        super.write(sid, session, rest);
      }

      override read(sid: string, rest: unknown[]): Session | null {
        const old = this.#before.get(sid);
        return old ? (JSON.parse(old) as Session) : super.read(sid, rest);
      }
    },
  },
  {
    name: 'loses a destroy() that comes right after a set()',
    caughtBy: ['ORD-2'],
    Store: class extends ReferenceStore {
      readonly #fresh = new Set<string>();
      override write(sid: string, session: Session, rest: unknown[]): void {
        this.#fresh.add(sid);
        queueMicrotask(() => this.#fresh.delete(sid));
        super.write(sid, session, rest);
      }

      override destroy(sid: string, ...rest: unknown[]): unknown {
        return this.#fresh.has(sid) ? this.answer(rest, () => undefined) : super.destroy(sid, ...rest);
      }
    },
  },
  {
    name: 'fails a whole batch for one bad session',
    caughtBy: ['ORD-3'],
    Store: class extends ReferenceStore {
      #poisoned = false;
      override write(sid: string, session: Session, rest: unknown[]): void {
        if (this.#poisoned) throw failure('ERR_STORE_BATCH', 'the batch failed');
        try {
          super.write(sid, session, rest);
        } catch (error) {
          this.#poisoned = true;
          queueMicrotask(() => (this.#poisoned = false));
          throw error;
        }
      }
    },
  },
  {
    name: "overwrites the user's id in all()",
    caughtBy: ['ALL-1'],
    Store: class extends ReferenceStore {
      override listed(): Session {
        const found = super.listed();
        for (const [sid, session] of Object.entries(found)) (session as Session)['id'] = sid;
        return found;
      }
    },
  },
  {
    name: 'lists what has expired in all()',
    caughtBy: ['ALL-2', 'ALL-3'],
    Store: class extends ReferenceStore {
      override listed(): Session {
        const found = super.listed();
        for (const [sid, row] of this.rows) if (row.expiresAt <= this.now()) setKey(found, sid, JSON.parse(row.text));
        return found;
      }
    },
  },
  {
    name: 'lists what has expired in ids()',
    caughtBy: ['ALL-2.a'],
    Store: class extends ReferenceStore {
      override keys(): string[] {
        return [...this.rows.keys()];
      }
    },
  },
  {
    name: 'leaves the last one out of all()',
    caughtBy: ['ALL-3', 'ALL-1'],
    Store: class extends ReferenceStore {
      override listed(): Session {
        const found = super.listed();
        const sids = Object.keys(found);
        if (sids.length > 1) delete found[sids.at(-1) ?? ''];
        return found;
      }
    },
  },
  {
    name: 'fails as a whole in all() on one bad value',
    caughtBy: ['ALL-4', 'EVT-1'],
    Store: class extends ReferenceStore {
      override listed(): Session {
        for (const { text } of this.rows.values()) JSON.parse(text);
        return super.listed();
      }
    },
  },
  {
    name: 'lists into a plain object',
    caughtBy: ['ALL-5'],
    Store: class extends ReferenceStore {
      override listed(): Session {
        return Object.assign({}, super.listed());
      }
    },
  },
  {
    name: 'gives the first entry of a walk twice',
    caughtBy: ['ALL-6', 'ALL-2.a'],
    Store: class extends ReferenceStore {
      override async *entries(): AsyncGenerator<[string, Session]> {
        let first = true;
        for await (const entry of super.entries()) {
          yield entry;
          if (first) yield entry;
          first = false;
        }
      }
    },
  },
  {
    name: 'holds a lock where a walk is left early',
    caughtBy: ['ALL-7'],
    Store: class extends ReferenceStore {
      #walking = false;
      override async *entries(): AsyncGenerator<[string, Session]> {
        if (this.#walking) throw failure('ERR_STORE_LOCKED', 'a walk is under way');
        this.#walking = true;
        yield* super.entries();
        this.#walking = false;
      }
    },
  },
  {
    name: 'says true for every revoke()',
    caughtBy: ['ALL-8'],
    Store: class extends ReferenceStore {
      override revoke(sid: string): unknown {
        return this.answer([], () => {
          this.rows.delete(sid);
          return true;
        });
      }
    },
  },
  {
    name: 'keeps a counter',
    caughtBy: ['LEN-1', 'ALL-3', 'CLR-1', 'LEN-2'],
    Store: class extends ReferenceStore {
      #count = 0;
      override write(sid: string, session: Session, rest: unknown[]): void {
        this.#count += 1;
        super.write(sid, session, rest);
      }

      override length(callback?: Callback): unknown {
        return this.answer([callback], () => this.#count);
      }
    },
  },
  {
    name: 'counts what has expired',
    caughtBy: ['LEN-2', 'ALL-3'],
    Store: class extends ReferenceStore {
      override length(callback?: Callback): unknown {
        return this.answer([callback], () => this.rows.size);
      }
    },
  },
  {
    name: 'leaves one session when it clears',
    caughtBy: ['CLR-1', 'CB-3'],
    Store: class extends ReferenceStore {
      override clear(callback?: Callback): unknown {
        const [kept] = [...this.rows].slice(-1);
        const answer = super.clear(callback);
        if (kept && !this.closed) this.rows.set(...kept);
        return answer;
      }
    },
  },
  {
    name: 'flushes the whole server',
    caughtBy: ['CLR-2'],
    Store: class extends ReferenceStore {
      neighbours: ReferenceStore[] = [];
      override clear(callback?: Callback): unknown {
        for (const other of this.neighbours) other.rows.clear();
        return super.clear(callback);
      }
    },
    hooks: {
      neighbour: (store) => {
        const other = new ReferenceStore();
        (store as ReferenceStore & { neighbours: ReferenceStore[] }).neighbours.push(other);
        return other;
      },
    },
  },
  {
    name: 'has one namespace for all',
    caughtBy: ['CLR-3', 'CLR-2', 'CLR-4'],
    Store: ReferenceStore,
    hooks: { neighbour: (store) => new ReferenceStore(store.backend) },
  },
  {
    name: "lists the neighbour's sessions",
    caughtBy: ['CLR-4'],
    Store: class extends ReferenceStore {
      neighbours: ReferenceStore[] = [];
      override live(): [string, Row][] {
        return [...super.live(), ...this.neighbours.flatMap((other) => other.live())];
      }
    },
    hooks: {
      neighbour: (store) => {
        const other = new ReferenceStore();
        (store as ReferenceStore & { neighbours: ReferenceStore[] }).neighbours.push(other);
        return other;
      },
    },
  },
  {
    name: 'keeps sessions in a plain object',
    caughtBy: ['SID-4', 'SID-1', 'SID-1.a'],
    Store: class extends ReferenceStore {
      readonly #object: Record<string, unknown> = {};
      override row(sid: string): Row | undefined {
        return this.#object[sid] ? { text: '{}', expiresAt: Infinity } : super.row(sid);
      }
    },
  },
  {
    name: 'takes a sid for a path',
    caughtBy: ['SID-1', 'SID-2'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        return super.read(sid.replace(/^.*\//, ''), rest);
      }

      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid.replace(/^.*\//, ''), session, rest);
      }
    },
  },
  {
    name: 'refuses a quote',
    caughtBy: ['SID-1.a'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        if (sid.includes("'")) throw failure('ERR_STORE_QUERY', 'syntax error');
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'compares sids without case',
    caughtBy: ['SID-2'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        return super.read(lower(sid), rest);
      }

      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(lower(sid), session, rest);
      }

      override destroy(sid: string, ...rest: unknown[]): unknown {
        return super.destroy(lower(sid), ...rest);
      }

      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        return super.extend(lower(sid), session, ttlMs);
      }
    },
  },
  {
    name: 'takes an object for a query',
    caughtBy: ['SID-3', 'SID-5'],
    Store: class extends ReferenceStore {
      override get(sid: string, ...rest: unknown[]): unknown {
        const [first = 'none'] = this.rows.keys();
        return super.get(typeof sid === 'object' && sid !== null ? first : sid, ...rest);
      }
    },
  },
  {
    name: 'takes a number for a sid',
    caughtBy: ['SID-5'],
    Store: class extends ReferenceStore {
      override get(sid: string, ...rest: unknown[]): unknown {
        return super.get(typeof sid === 'number' ? String(sid) : sid, ...rest);
      }
    },
  },
  {
    name: 'cuts long sids off',
    caughtBy: ['SID-6', 'SID-5'],
    Store: class extends ReferenceStore {
      override get(sid: string, ...rest: unknown[]): unknown {
        return super.get(typeof sid === 'string' ? sid.slice(0, 1024) : sid, ...rest);
      }

      override set(sid: string, session: Session, ...rest: unknown[]): unknown {
        return super.set(typeof sid === 'string' ? sid.slice(0, 1024) : sid, session, ...rest);
      }
    },
  },
  {
    name: 'leaves out what is null',
    caughtBy: ['DAT-1'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row?.text.includes('"here":null')) row.text = row.text.replace('"here":null', '"there":null');
      }
    },
  },
  {
    name: 'takes a dot in a key for a path',
    caughtBy: ['DAT-1.a'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row) row.text = row.text.replaceAll('"a.b":', '"a":');
      }
    },
  },
  {
    name: 'drops a NUL',
    caughtBy: ['DAT-1.b', 'SID-1'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row) row.text = row.text.replaceAll('\\u0000', '');
      }
    },
  },
  {
    name: 'assigns __proto__',
    caughtBy: ['DAT-2'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        if (!found || !Object.hasOwn(found, '__proto__')) return found;
        const copy: Session = {};
        for (const key of Object.keys(found)) copy[key] = found[key] as unknown;
        this.bind(copy, sid);
        return copy;
      }
    },
  },
  {
    name: 'assigns __proto__ in a merge',
    caughtBy: ['DAT-2.a'],
    Store: class extends ReferenceStore {
      override combine(base: Session, mine: Session, theirs: Session): Session {
        const merged = mergeObjects(base, mine, theirs);
        for (const key of Object.keys(merged))
          if (Object.hasOwn(Object(merged[key]) as object, '__proto__')) merged[key] = Object.assign({}, merged[key]);
        return merged;
      }
    },
  },
  {
    name: 'cuts texts at 64 KB',
    caughtBy: ['DAT-3', 'DAT-3.a'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row) row.text = row.text.slice(0, 65_535);
      }
    },
  },
  {
    name: 'loses what is over 1 MB',
    caughtBy: ['DAT-3.a'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        if ((this.rows.get(sid)?.text.length ?? 0) > 1_000_000) this.rows.delete(sid);
      }
    },
  },
  {
    name: 'forgets the old session when the new one cannot be serialised',
    caughtBy: ['DAT-4'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        try {
          super.write(sid, session, rest);
        } catch (error) {
          if ((error as { code?: string }).code === 'ERR_STORE_ENCODE') this.rows.delete(sid);
          throw error;
        }
      }
    },
  },
  {
    name: 'takes data for its own envelope',
    caughtBy: ['DAT-5'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        return found?.['$sessile'] === 1 ? {} : found;
      }
    },
  },
];

/** From CB to MDL. */
const around: readonly Mutant[] = [
  {
    name: 'calls back twice where the session is missing',
    caughtBy: ['CB-1'],
    Store: callingBack((answer, error, result) => {
      answer(error, result);
      if (result === null) setTimeout(answer, 5, error, result);
    }),
  },
  {
    name: 'calls back at once where the session is missing',
    caughtBy: ['CB-2'],
    Store: answering((store, [args, work, guarded]) => {
      const callback = callbackOf(args);
      if (!callback) return store.plain(args, work, guarded);
      let result: unknown;
      try {
        result = work();
      } catch (error) {
        return store.plain(
          args,
          () => {
            throw error;
          },
          guarded,
        );
      }
      if (result === null) {
        callback(null, null);
        return undefined;
      }
      return store.plain(args, () => result, guarded);
    }),
  },
  {
    name: 'rejects the promise as well as calling back',
    caughtBy: ['CB-2.a', 'CB-8'],
    Store: answering((store, [args, work, guarded]) => {
      let failed: Promise<never> | undefined;
      const returned = store.plain(
        args,
        () => {
          try {
            return work();
          } catch (error) {
            failed = Promise.reject(error);
            failed.catch(() => undefined);
            throw error;
          }
        },
        guarded,
      );
      return callbackOf(args) ? failed : returned;
    }),
  },
  {
    name: 'needs a callback in clear()',
    caughtBy: ['CB-3', 'CLR-1', 'CLR-2'],
    Store: class extends ReferenceStore {
      override clear(callback?: Callback): unknown {
        if (callback) return super.clear(callback);
        throw new TypeError('callback is not a function');
      }
    },
  },
  {
    name: 'calls a throwing callback again',
    caughtBy: ['CB-4'],
    Store: callingBack((answer, error, result) => {
      try {
        answer(error, result);
      } catch (thrown) {
        answer(thrown, undefined);
      }
    }),
  },
  {
    name: 'calls back in a promise',
    caughtBy: ['CB-4'],
    Store: callingBack((answer, error, result) => void Promise.resolve().then(() => answer(error, result))),
  },
  {
    name: 'swallows what a callback throws',
    caughtBy: ['CB-4', 'CB-5'],
    Store: callingBack((answer, error, result) => {
      try {
        answer(error, result);
      } catch {
        /* Nobody will know. */
      }
    }),
  },
  { name: 'answers a whole batch in one go', caughtBy: ['CB-5', 'CB-6'], Store: batching() },
  {
    name: 'calls back in the context of another',
    caughtBy: ['CB-6'],
    Store: callingBack((answer, error, result) => {
      ELSEWHERE.runInAsyncScope(answer, undefined, error, result);
    }),
  },
  {
    name: 'calls back with false for a missing session',
    caughtBy: ['CB-7', 'MID-3'],
    Store: callingBack((answer, error, result) => answer(error, result === null ? false : result)),
  },
  {
    name: 'returns a promise beside the callback',
    caughtBy: ['CB-8'],
    Store: answering((store, [args, work, guarded]) => store.plain(args, work, guarded) ?? Promise.resolve()),
  },
  {
    name: 'rejects a promise of its own beside the callback',
    caughtBy: ['ERR-1'],
    Store: callingBack((answer, error, result) => {
      if (error) void Promise.reject(error as Error);
      answer(error, result);
    }),
  },
  {
    name: 'takes an outage for "no session"',
    caughtBy: ['ERR-2'],
    Store: class extends ReferenceStore {
      override guard(guarded: boolean, work: () => unknown): unknown {
        return this.backend.away ? null : super.guard(guarded, work);
      }
    },
  },
  {
    name: 'hangs in an outage',
    caughtBy: ['ERR-3', 'ERR-2'],
    Store: class extends ReferenceStore {
      override answer(args: unknown[], work: () => unknown, guarded?: boolean): unknown {
        return this.backend.away ? new Promise(() => undefined) : super.answer(args, work, guarded);
      }
    },
  },
  {
    name: 'is broken for good after an outage',
    caughtBy: ['ERR-4'],
    Store: class extends ReferenceStore {
      #broken = false;
      override guard(guarded: boolean, work: () => unknown): unknown {
        this.#broken ||= this.backend.away;
        if (this.#broken) throw failure('ERR_STORE_UNAVAILABLE', 'the connection was lost');
        return super.guard(guarded, work);
      }
    },
  },
  {
    name: 'takes a corrupted value for a session',
    caughtBy: ['ERR-5', 'ERR-7'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const row = this.row(sid);
        return row && !row.text.startsWith('{') ? ({ text: row.text } as Session) : super.read(sid, rest);
      }
    },
  },
  {
    name: 'takes one bad value for an outage',
    caughtBy: ['ERR-6'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const row = this.row(sid);
        if (row && !isReadable(row.text)) this.emit('disconnect');
        return super.read(sid, rest);
      }
    },
  },
  {
    name: 'saves over what it cannot read',
    caughtBy: ['ERR-7'],
    Store: class extends ReferenceStore {
      override merge(sid: string, mine: Session, tie: Tie, rest: unknown[]): void {
        const row = this.row(sid);
        if (row && !isReadable(row.text)) row.text = JSON.stringify(mine);
        super.merge(sid, mine, tie, rest);
      }
    },
  },
  {
    name: 'gives errors without their operation',
    caughtBy: ['ERR-8'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        try {
          super.write(sid, session, rest);
        } catch (error) {
          throw Object.assign(error as Error, { operation: undefined });
        }
      }
    },
  },
  {
    name: 'puts the sid into its messages',
    caughtBy: ['ERR-9'],
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        try {
          super.write(sid, session, rest);
        } catch (error) {
          throw failure((error as { code: string }).code, `cannot save ${sid}`);
        }
      }
    },
  },
  {
    name: 'shows its sessions to util.inspect',
    caughtBy: ['ERR-9.a'],
    Store: class extends ReferenceStore {
      readonly shown = this.rows;
    },
  },
  {
    name: 'emits "error" where nobody listens',
    caughtBy: ['EVT-1', 'ALL-4'],
    Store: class extends ReferenceStore {
      constructor(backend?: Backend) {
        super(backend);
        this.removeAllListeners('error');
      }
    },
  },
  {
    name: 'does not tell of a touch',
    caughtBy: ['EVT-2'],
    Store: class extends ReferenceStore {
      override emit(event: string, ...args: unknown[]): boolean {
        return event !== 'touch' && super.emit(event, ...args);
      }
    },
  },
  {
    name: 'does not tell of a save that it dropped',
    caughtBy: ['EVT-3'],
    Store: class extends ReferenceStore {
      override emit(event: string, ...args: unknown[]): boolean {
        return event !== 'drop' && super.emit(event, ...args);
      }
    },
  },
  {
    name: 'announces outages unasked',
    caughtBy: ['EVT-4'],
    Store: class extends ReferenceStore {
      override guard(guarded: boolean, work: () => unknown): unknown {
        if (this.backend.away) this.emit('disconnect');
        return super.guard(guarded, work);
      }
    },
  },
  {
    name: 'drops what was asked before close()',
    caughtBy: ['LIF-1'],
    Store: class extends ReferenceStore {
      override answer(args: unknown[], work: () => unknown, guarded?: boolean): unknown {
        const answer = super.answer(args, work, guarded);
        if (guarded === false || !(answer instanceof Promise) || this.closed) return answer;
        return answer.then((result: unknown) => {
          if (this.closed && typeof result === 'object' && result) throw failure('ERR_STORE_CLOSED', 'the store is closed');
          return result;
        });
      }
    },
  },
  {
    name: 'works after close()',
    caughtBy: ['LIF-2', 'LIF-7'],
    Store: class extends ReferenceStore {
      override guard(_guarded: boolean, work: () => unknown): unknown {
        return super.guard(false, work);
      }
    },
  },
  {
    name: 'fails to close twice',
    caughtBy: ['LIF-3'],
    Store: class extends ReferenceStore {
      override close(callback?: Callback): unknown {
        return this.closed ? this.answer([callback], () => undefined) : super.close(callback);
      }
    },
  },
  {
    name: 'has a sweeper that keeps the process alive',
    caughtBy: ['LIF-4'],
    Store: ReferenceStore,
    hooks: { module: new URL('fixtures/lingers.js', import.meta.url) },
  },
  {
    name: 'keeps sessions in the memory of the process',
    caughtBy: ['LIF-5'],
    Store: ReferenceStore,
    hooks: { reopen: () => new ReferenceStore() },
  },
  {
    name: 'is always up',
    caughtBy: ['LIF-6'],
    Store: class extends ReferenceStore {
      override get status(): string {
        return 'up';
      }
    },
  },
  {
    name: 'does nothing when it is disposed of',
    caughtBy: ['LIF-7'],
    Store: class extends ReferenceStore {
      override async [Symbol.asyncDispose](): Promise<void> {}
    },
  },
  {
    name: 'prunes live sessions',
    caughtBy: ['PRN-1', 'PRN-2', 'PRN-3.a'],
    Store: class extends ReferenceStore {
      override prune(callback?: Callback): unknown {
        return this.answer([callback], () => {
          const { size } = this.rows;
          this.rows.clear();
          return size;
        });
      }
    },
  },
  {
    name: 'never prunes',
    caughtBy: ['PRN-2'],
    Store: class extends ReferenceStore {
      override prune(callback?: Callback): unknown {
        return this.answer([callback], () => 0);
      }
    },
  },
  {
    name: 'deletes the new session while it cleans up the old one',
    caughtBy: ['PRN-3'],
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        if (!found && this.rows.has(sid)) setImmediate(() => this.rows.delete(sid));
        return found;
      }
    },
  },
  {
    name: 'prunes what was expired a moment ago',
    caughtBy: ['PRN-3.a'],
    Store: class extends ReferenceStore {
      override prune(callback?: Callback): unknown {
        const expired = [...this.rows].filter(([, row]) => row.expiresAt <= this.now());
        setImmediate(() => {
          for (const [sid] of expired) this.rows.delete(sid);
        });
        return this.answer([callback], () => {
          for (const [sid] of expired) this.rows.delete(sid);
          return expired.length;
        });
      }
    },
  },
  {
    name: 'leaves the date of a cookie a text',
    caughtBy: ['MID-1'],
    Store: class extends ReferenceStore {
      override createSession(request: Request, data: Session): Session {
        const session = super.createSession(request, data);
        session['cookie'].expires = data['cookie'].expires as unknown;
        return session;
      }
    },
  },
  {
    name: 'ties nothing that createSession() made',
    caughtBy: ['MID-2', 'MID-2.a'],
    Store: class extends ReferenceStore {
      override createSession(request: Request, data: Session): Session {
        const session = super.createSession(request, data);
        this.ties.delete(session);
        return session;
      }
    },
  },
  {
    name: 'loads an empty session for an unknown sid',
    caughtBy: ['MID-3'],
    Store: class extends ReferenceStore {
      override load(sid: string, callback: Callback): void {
        super.load(sid, (error: unknown, session?: unknown) => callback(error, session ?? {}));
      }
    },
  },
  {
    name: 'leaves the old session when it regenerates',
    caughtBy: ['MID-4'],
    Store: class extends ReferenceStore {
      override regenerate(request: Request, callback: Callback): void {
        this.generate?.(request);
        process.nextTick(callback, null);
      }
    },
  },
  {
    name: 'brings back by a touch what was cleared',
    caughtBy: ['MDL-1'],
    Store: class extends ReferenceStore {
      #cleared = new Map<string, Row>();
      override clear(callback?: Callback): unknown {
        this.#cleared = new Map(this.rows);
        return super.clear(callback);
      }

      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const row = this.#cleared.get(sid);
        if (row && !this.rows.has(sid)) this.rows.set(sid, row);
        return super.extend(sid, session, ttlMs);
      }
    },
  },
  {
    name: 'remembers what it has read until it writes',
    caughtBy: ['MDL-2', 'MDL-4.a'],
    Store: class extends ReferenceStore {
      readonly #known = new Map<string, Row>();
      override read(sid: string, rest: unknown[]): Session | null {
        const known = this.#known.get(sid);
        if (known && known.expiresAt > this.now() && rest.length === 0) {
          const found = JSON.parse(known.text) as Session;
          this.bind(found, sid);
          return found;
        }
        const found = super.read(sid, rest);
        const row = this.row(sid);
        if (row) this.#known.set(sid, { ...row });
        return found;
      }

      override write(sid: string, session: Session, rest: unknown[]): void {
        this.#known.delete(sid);
        super.write(sid, session, rest);
      }

      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        this.#known.delete(sid);
        return super.extend(sid, session, ttlMs);
      }

      override destroy(sid: string, ...rest: unknown[]): unknown {
        this.#known.delete(sid);
        return super.destroy(sid, ...rest);
      }

      override update(sid: string, change: Change): unknown {
        this.#known.delete(sid);
        return super.update(sid, change);
      }

      override clear(callback?: Callback): unknown {
        this.#known.clear();
        return super.clear(callback);
      }
    },
  },
  {
    name: 'answers two updates at the same time alike',
    caughtBy: ['MDL-3', 'MDL-4', 'MDL-4.a'],
    Store: class extends ReferenceStore {
      readonly #answers = new Map<string, unknown>();
      override update(sid: string, change: Change): unknown {
        const known = this.#answers.get(sid);
        const answer = super.update(sid, change) as Promise<unknown>;
        if (known) return answer.then(() => known);
        this.#answers.set(sid, answer);
        queueMicrotask(() => this.#answers.delete(sid));
        return answer;
      }
    },
  },
  {
    name: 'saves over what is destroyed at the same moment',
    caughtBy: ['MDL-4', 'MDL-4.a'],
    Store: class extends ReferenceStore {
      readonly #dying = new Map<string, Row>();
      override destroy(sid: string, ...rest: unknown[]): unknown {
        const row = this.rows.get(sid);
        if (row) this.#dying.set(sid, row);
        queueMicrotask(() => this.#dying.delete(sid));
        return super.destroy(sid, ...rest);
      }

      override merge(sid: string, mine: Session, tie: Tie, rest: unknown[]): void {
        const row = this.#dying.get(sid);
        if (row && !this.rows.has(sid)) this.rows.set(sid, row);
        super.merge(sid, mine, tie, rest);
      }
    },
  },
];

/** Each is the reference store with one mistake that a store of today makes, or could. */
export const mutants: readonly Mutant[] = [...stored, ...around];
