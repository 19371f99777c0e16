import { inspect } from 'node:util';
import type { Dict } from './types.js';

type Callback = (error?: unknown) => void;

/** What a session asks of the request that it belongs to. */
export interface SessionOwner {
  maxAge: number | 'session';
  readonly externalKey: string | undefined;
  readonly endsAt: number | undefined;
  commit(options?: CommitOptions): Promise<void>;
  /** Gives the session a new key: at once; it is stored with the next commit. */
  renewKey(): void;
}

/** What a commit is to do beside what is due anyway. */
export interface CommitOptions {
  /** Save, changed or not. */
  save?: boolean | undefined;
  /** Give the session a new key. */
  regenerate?: boolean | undefined;
}

/**
 * What `ctx.session` is: the app's data, and koa-session's methods.
 *
 * Only the data can be listed. Names that begin with `_` and functions are not stored.
 */
export class Session {
  readonly #owner: SessionOwner;
  #isNew: boolean;
  #requireSave = false;

  /** @param data what was stored; undefined: a new session. Names of methods in it are left out. */
  constructor(owner: SessionOwner, data?: Dict) {
    this.#owner = owner;
    this.#isNew = data === undefined;
    if (data === undefined) return;
    for (const name of Object.keys(data)) if (!RESERVED.has(name)) (this as unknown as Dict)[name] = data[name];
  }

  /** Whether the client came without a session. */
  get isNew(): boolean {
    return this.#isNew;
  }

  set isNew(value: boolean) {
    this.#isNew = value;
  }

  /** Set to true, the next commit saves whatever changed. */
  get _requireSave(): boolean {
    return this.#requireSave;
  }

  set _requireSave(value: boolean) {
    this.#requireSave = value;
  }

  /** When the session ends as it was loaded, ms since the epoch. */
  get _expire(): number | undefined {
    return this.#owner.endsAt;
  }

  /** How many values there are. */
  get length(): number {
    return Object.keys(this.toJSON()).length;
  }

  /** Whether there is any value. */
  get populated(): boolean {
    return this.length > 0;
  }

  /** The lifetime in ms, or 'session'. Setting it saves the session and sends its cookie. */
  get maxAge(): number | 'session' {
    return this.#owner.maxAge;
  }

  set maxAge(maxAge: number | 'session' | null | undefined) {
    this.#owner.maxAge = maxAge as number;
    this.#requireSave = true;
  }

  /** The key in the store; undefined where the session is kept in the cookie. */
  get externalKey(): string | undefined {
    return this.#owner.externalKey;
  }

  /** Saves, changed or not. */
  save(): Promise<void>;
  save(callback: Callback): void;
  save(callback?: Callback): Promise<void> | void {
    return answer(this.#owner.commit({ save: true }), callback);
  }

  /** Keeps the data and takes a new key, now; what was stored under the old one is destroyed. */
  regenerate(): Promise<void>;
  regenerate(callback: Callback): void;
  regenerate(callback?: Callback): Promise<void> | void {
    return answer(this.#owner.commit({ regenerate: true }), callback);
  }

  /** As {@link regenerate}, but nobody has to wait for it: the commit at the end of the request stores it. */
  regenerateId(): Promise<void> {
    this.#owner.renewKey();
    return Promise.resolve();
  }

  /** Saves what is due, where the option `autoCommit` is false. */
  manuallyCommit(): Promise<void> {
    return this.#owner.commit();
  }

  commit(options?: CommitOptions): Promise<void>;
  commit(options: CommitOptions | Callback | undefined, callback?: Callback): void;
  commit(options?: CommitOptions | Callback, callback?: Callback): Promise<void> | void {
    if (typeof options === 'function') return answer(this.#owner.commit(), options);
    return answer(this.#owner.commit(options), callback);
  }

  /** The data that are stored. */
  toJSON(): Dict {
    const data: Dict = {};
    for (const name of Object.keys(this)) {
      const value = (this as unknown as Dict)[name];
      if (name[0] !== '_' && typeof value !== 'function') data[name] = value;
    }
    return data;
  }

  [inspect.custom](): Dict {
    return this.toJSON();
  }
}

const RESERVED: ReadonlySet<string> = new Set(
  // As data `__proto__` would change the prototype; a new lifetime is the owner's affair.
  [...Object.getOwnPropertyNames(Session.prototype), '__proto__', '_maxAge', '_session'].filter((name) => name !== 'constructor'),
);

/** koa-session's own fields, which stand apart from the data. */
const FIELDS: ReadonlySet<string> = new Set(['_expire', '_maxAge', '_session']);

/** Whether a stored name is neither data of the session nor one of koa-session's own: what is saved will not hold it. */
export function isLeftOut(name: string): boolean {
  return RESERVED.has(name) ? !FIELDS.has(name) : name.startsWith('_') && !FIELDS.has(name);
}

/** A promise, or the callback's turn. A promise that nobody waits for fails in silence: the commit at the end tries again. */
function answer(done: Promise<void>, callback: Callback | undefined): Promise<void> | void {
  if (typeof callback !== 'function') {
    done.catch(() => {});
    return done;
  }
  done.then(
    () => process.nextTick(callback),
    (error: unknown) => process.nextTick(callback, error),
  );
}
