import { type Callback, failure, ReferenceStore, type Row, type Session } from './reference-store.js';

type Answer = [args: unknown[], work: () => unknown];

class Answering extends ReferenceStore {
  /** The answer of a store that is right. */
  plain(args: unknown[], work: () => unknown): unknown {
    return super.answer(args, work);
  }
}

function callbackOf(args: unknown[]): Callback | undefined {
  return args.find((arg) => typeof arg === 'function') as Callback | undefined;
}

/** A store that gives its answers in another way. */
function answering(answer: (store: Answering, call: Answer) => unknown): typeof ReferenceStore {
  return class extends Answering {
    override answer(args: unknown[], work: () => unknown): unknown {
      return answer(this, [args, work]);
    }
  };
}

/** A store that calls callbacks in another way. */
function callingBack(call: (callback: Callback, error: unknown, result: unknown) => void): typeof ReferenceStore {
  return answering((store, [args, work]) => {
    const callback = callbackOf(args);
    const others = args.filter((arg) => arg !== callback);
    if (!callback) return store.plain(args, work);
    return store.plain([...others, (error: unknown, result?: unknown) => call(callback, error, result)], work);
  });
}

function batching(): typeof ReferenceStore {
  const waiting: (() => void)[] = [];
  const answerAll = (): void => {
    for (const answer of waiting.splice(0)) answer();
  };
  return answering((store, [args, work]) => {
    const callback = callbackOf(args);
    if (!callback) return store.plain(args, work);
    const result = work();
    if (waiting.push(() => callback(null, result)) === 1) setImmediate(answerAll);
    return undefined;
  });
}

/** A store that is broken in one way. */
export interface Mutant {
  readonly name: string;
  /** The check that must catch it. Others may as well. */
  readonly caughtBy: string;
  readonly Store: new (rows?: Map<string, Row>) => ReferenceStore;
  /** What another namespace of its backend is. Default: a store of its own. */
  readonly neighbour?: (store: ReferenceStore) => ReferenceStore;
}

/** Each is the reference store with one mistake that a store of today makes. */
export const mutants: readonly Mutant[] = [
  {
    name: 'says ENOENT for a missing session',
    caughtBy: 'GET-1',
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        if (!found) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
        return found;
      }
    },
  },
  {
    name: 'gives one live object to everybody',
    caughtBy: 'GET-2',
    Store: class extends ReferenceStore {
      readonly #objects = new Map<string, Session>();

      override read(sid: string, rest: unknown[]): Session | null {
        const known = this.#objects.get(sid) ?? super.read(sid, rest);
        if (known) this.#objects.set(sid, known);
        return known;
      }
    },
  },
  {
    name: 'adds a key of its own to the session',
    caughtBy: 'SET-3',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        session['__lastAccess'] = 1;
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'serialises after the call has returned',
    caughtBy: 'SET-2',
    Store: class extends ReferenceStore {
      override set(sid: string, session: Session, ...rest: unknown[]): unknown {
        const callback = rest.find((arg) => typeof arg === 'function') as Callback | undefined;
        const done = Promise.resolve().then(() => super.set(sid, session, ...rest.filter((arg) => arg !== callback)));
        if (!callback) return done;
        done.then(
          () => process.nextTick(callback, null),
          (error: unknown) => process.nextTick(callback, error),
        );
        return undefined;
      }
    },
  },
  {
    name: 'keeps the oldest of sets at the same time',
    caughtBy: 'SET-4',
    Store: class extends ReferenceStore {
      readonly #busy = new Set<string>();

      override write(sid: string, session: Session, rest: unknown[]): void {
        if (this.#busy.has(sid)) return;
        this.#busy.add(sid);
        setImmediate(() => this.#busy.delete(sid));
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'writes the whole session in touch()',
    caughtBy: 'TCH-2',
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
    caughtBy: 'TCH-3',
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        if (!this.row(sid) && session) this.rows.set(sid, { text: JSON.stringify(session), expiresAt: Date.now() + 60_000 });
        return super.extend(sid, session, ttlMs);
      }
    },
  },
  {
    name: 'touches what has expired back to life',
    caughtBy: 'TCH-4',
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        const row = this.rows.get(sid);
        if (row) row.expiresAt = Math.max(row.expiresAt, Date.now() + 1);
        return super.extend(sid, session, ttlMs);
      }
    },
  },
  {
    name: 'does nothing in touch() where the cookie has no date',
    caughtBy: 'TCH-12',
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        return session?.['cookie']?.expires ? super.extend(sid, session, ttlMs) : true;
      }
    },
  },
  {
    name: 'shortens a life by a stale touch',
    caughtBy: 'TCH-7',
    Store: class extends ReferenceStore {
      override extend(sid: string, session: Session | undefined, ttlMs: unknown): boolean {
        return super.extend(sid, session && { ...session }, ttlMs);
      }
    },
  },
  {
    name: 'saves a destroyed session back',
    caughtBy: 'DEL-4',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, this.row(sid) ? session : { ...session }, rest);
      }
    },
  },
  {
    name: 'has no ties',
    caughtBy: 'CON-1',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, { ...session }, rest);
      }
    },
  },
  {
    name: 'takes the merged text for the base',
    caughtBy: 'CON-6',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.row(sid);
        for (const tie of this.ties.get(session) ?? []) if (row && tie.sid === sid) tie.base = JSON.parse(row.text) as Session;
      }
    },
  },
  {
    name: 'ties by object alone',
    caughtBy: 'CON-10',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const [tie] = this.ties.get(session) ?? [];
        if (tie) this.ties.set(session, [{ ...tie, sid }]);
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'reads what has expired',
    caughtBy: 'TTL-1',
    Store: class extends ReferenceStore {
      override row(sid: string): Row | undefined {
        return this.rows.get(sid);
      }
    },
  },
  {
    name: 'rounds lifetimes down to seconds',
    caughtBy: 'TTL-2',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row) row.expiresAt = Date.now() + Math.floor((row.expiresAt - Date.now()) / 1000) * 1000;
      }
    },
  },
  {
    name: 'takes a lifetime under a second for a day',
    caughtBy: 'TTL-3',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row && row.expiresAt - Date.now() < 1000) row.expiresAt += 86_400_000;
      }
    },
  },
  {
    name: 'ignores a save that is already over',
    caughtBy: 'TTL-4',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const ends: unknown = session['cookie']?.expires;
        if (!(ends instanceof Date) || ends.getTime() > Date.now()) super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'overflows 2^31 ms',
    caughtBy: 'TTL-5',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row) row.expiresAt = Date.now() + ((row.expiresAt - Date.now()) | 0);
      }
    },
  },
  {
    name: 'ignores a date that is a string',
    caughtBy: 'TTL-6',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row && typeof session['cookie']?.expires === 'string') row.expiresAt = Date.now() + 86_400_000;
      }
    },
  },
  {
    name: "takes maxAge 'session' for a number",
    caughtBy: 'TTL-9',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        if (typeof rest[0] === 'string') throw new Error('ERR value is not an integer');
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'skips the rolling saves of koa-session',
    caughtBy: 'TTL-9.a',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        if ((rest[1] as { changed?: boolean } | undefined)?.changed !== false) super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'loses increments',
    caughtBy: 'UPD-1',
    Store: class extends ReferenceStore {
      override async update(sid: string, change: (session: Session) => Session | void): Promise<Session | null> {
        const session = (await this.get(sid)) as Session | null;
        if (session) await this.set(sid, { ...session, ...(change(session) ?? session) });
        return session;
      }
    },
  },
  {
    name: 'answers get() from a replica that is behind',
    caughtBy: 'ORD-1',
    Store: class extends ReferenceStore {
      readonly #before = new Map<string, Row>();

      override write(sid: string, session: Session, rest: unknown[]): void {
        const old = this.rows.get(sid);
        if (old) this.#before.set(sid, { ...old });
        setImmediate(() => this.#before.delete(sid));
        super.write(sid, session, rest);
      }

      override read(sid: string, rest: unknown[]): Session | null {
        const old = this.#before.get(sid);
        return old ? (JSON.parse(old.text) as Session) : super.read(sid, rest);
      }
    },
  },
  {
    name: "overwrites the user's id in all()",
    caughtBy: 'ALL-1',
    Store: class extends ReferenceStore {
      override all(callback?: Callback): unknown {
        return this.answer([callback], () => this.live().map(([sid, { text }]) => Object.assign(JSON.parse(text) as Session, { id: sid })));
      }
    },
  },
  {
    name: 'fails as a whole in all() on one bad value',
    caughtBy: 'ALL-4',
    Store: class extends ReferenceStore {
      override live(): [string, Row][] {
        return [...this.rows].filter(([, row]) => row.expiresAt > Date.now());
      }
    },
  },
  {
    name: 'counts what has expired',
    caughtBy: 'LEN-2',
    Store: class extends ReferenceStore {
      override length(callback?: Callback): unknown {
        return this.answer([callback], () => this.rows.size);
      }
    },
  },
  {
    name: 'keeps a counter',
    caughtBy: 'LEN-1',
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
    name: "clears the neighbour's sessions",
    caughtBy: 'CLR-3',
    Store: class extends ReferenceStore {},
    neighbour: (store) => new ReferenceStore(store.rows),
  },
  {
    name: 'keeps sessions in a plain object',
    caughtBy: 'SID-4',
    Store: class extends ReferenceStore {
      readonly #object: Record<string, unknown> = {};

      override row(sid: string): Row | undefined {
        const inherited = this.#object[sid];
        return inherited ? { text: '{}', expiresAt: Infinity } : super.row(sid);
      }
    },
  },
  {
    name: 'compares sids without case',
    caughtBy: 'SID-2',
    Store: class extends ReferenceStore {
      override get(sid: string, ...rest: unknown[]): unknown {
        return super.get(typeof sid === 'string' ? sid.toLowerCase() : sid, ...rest);
      }

      override set(sid: string, session: Session, ...rest: unknown[]): unknown {
        return super.set(typeof sid === 'string' ? sid.toLowerCase() : sid, session, ...rest);
      }
    },
  },
  {
    name: 'cuts texts at 64 KB',
    caughtBy: 'DAT-3',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        super.write(sid, session, rest);
        const row = this.rows.get(sid);
        if (row) row.text = row.text.slice(0, 65_535);
      }
    },
  },
  {
    name: 'assigns __proto__',
    caughtBy: 'DAT-2',
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        const copy: Session = {};
        for (const key of Object.keys(found ?? {})) copy[key] = found?.[key];
        return found && copy;
      }
    },
  },
  {
    name: 'forgets the old session when a new one cannot be serialised',
    caughtBy: 'DAT-4',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        const old = this.rows.get(sid);
        this.rows.delete(sid);
        if (old && this.ties.get(session)) this.rows.set(sid, old);
        super.write(sid, session, rest);
      }
    },
  },
  {
    name: 'calls back twice where the session is missing',
    caughtBy: 'CB-1',
    Store: callingBack((answer, error, result) => {
      answer(error, result);
      if (result === null) setTimeout(answer, 5, error, result);
    }),
  },
  {
    name: 'calls back before it returns',
    caughtBy: 'CB-2',
    Store: answering((store, [args, work]) => {
      const callback = callbackOf(args);
      if (!callback) return store.plain(args, work);
      callback(null, work());
      return undefined;
    }),
  },
  {
    name: 'throws out of the method',
    caughtBy: 'CB-2.a',
    Store: answering((store, [args, work]) => {
      const result = work();
      return store.plain(args, () => result);
    }),
  },
  {
    name: 'needs its callback',
    caughtBy: 'CB-3',
    Store: class extends ReferenceStore {
      override destroy(sid: string, ...rest: unknown[]): unknown {
        if (callbackOf(rest)) return super.destroy(sid, ...rest);
        throw new TypeError('callback is not a function');
      }
    },
  },
  {
    name: 'calls a throwing callback again',
    caughtBy: 'CB-4',
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
    caughtBy: 'CB-4',
    Store: callingBack((answer, error, result) => void Promise.resolve().then(() => answer(error, result))),
  },
  {
    name: 'answers a whole batch in one go',
    caughtBy: 'CB-5',
    Store: batching(),
  },
  {
    name: 'swallows what a callback throws',
    caughtBy: 'CB-4',
    Store: callingBack((answer, error, result) => {
      try {
        answer(error, result);
      } catch {
        // Nobody will know.
      }
    }),
  },
  {
    name: 'rejects a promise of its own beside the callback',
    caughtBy: 'ERR-1',
    Store: callingBack((answer, error, result) => {
      if (error) void Promise.reject(error);
      answer(error, result);
    }),
  },
  {
    name: 'says "no session" for a corrupted value as if it were a session',
    caughtBy: 'ERR-5',
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const row = this.row(sid);
        return row && !row.text.startsWith('{') ? (row.text as unknown as Session) : super.read(sid, rest);
      }
    },
  },
  {
    name: 'puts the sid into its messages',
    caughtBy: 'ERR-9',
    Store: class extends ReferenceStore {
      override write(sid: string, session: Session, rest: unknown[]): void {
        try {
          super.write(sid, session, rest);
        } catch {
          throw failure('ERR_STORE_ENCODE', `cannot save ${sid}`);
        }
      }
    },
  },
  {
    name: 'works after close()',
    caughtBy: 'LIF-2',
    Store: class extends ReferenceStore {
      override guard(_guarded: boolean, work: () => unknown): unknown {
        return work();
      }
    },
  },
  {
    name: 'prunes live sessions',
    caughtBy: 'PRN-1',
    Store: class extends ReferenceStore {
      override prune(callback?: Callback): unknown {
        return this.answer([callback], () => {
          this.rows.clear();
          return 5;
        });
      }
    },
  },
  {
    name: 'never prunes',
    caughtBy: 'PRN-2',
    Store: class extends ReferenceStore {
      override prune(callback?: Callback): unknown {
        return this.answer([callback], () => 0);
      }
    },
  },
  {
    name: 'deletes the new session while it cleans up the old one',
    caughtBy: 'PRN-3',
    Store: class extends ReferenceStore {
      override read(sid: string, rest: unknown[]): Session | null {
        const found = super.read(sid, rest);
        if (!found && this.rows.has(sid)) setImmediate(() => this.rows.delete(sid));
        return found;
      }
    },
  },
  {
    name: 'never answers',
    caughtBy: 'DEL-1',
    Store: class extends ReferenceStore {
      override destroy(): unknown {
        return new Promise(() => undefined);
      }
    },
  },
];
