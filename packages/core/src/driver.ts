/**
 * What the author of a backend writes. A driver knows a key, an opaque payload, a lifetime in milliseconds and a token of
 * its own; everything about sessions, cookies, merging, order and errors is done once, in {@link SessionStore}.
 *
 * Only the singular verbs are needed. The plural ones are for backends where one command serves many keys.
 *
 * @module
 */

/** A value, or a promise of it. A driver whose backend lives in this process may answer at once. */
export type Awaitable<T> = T | Promise<T>;

/** What a driver may know about the call that it serves. */
export interface Call {
  /** Milliseconds left until the caller is told that the call timed out; 0 when it already was. */
  readonly timeLeftMs: number;
  /** Aborted when the time is up. Made on first use, so a driver that ignores it pays nothing. */
  readonly signal: AbortSignal;
  /** Tells that a part of a long command is done (a batch of `prune`, `count` or `clear`): its time counts from now again. */
  progress(): void;
}

/** A live session as the backend holds it. */
export interface Stored<T> {
  /** The text that was given to `write` or `replace`. */
  payload: string;
  /** What is left of its life: more than 0, `Infinity`, or `undefined` where the backend cannot tell. */
  ttlMs: number | undefined;
  /** Names exactly this text to {@link StoreDriver.replace}: the text itself, a version, a cas number. */
  token: T;
}

/** An upsert. */
export interface Write {
  key: string;
  payload: string;
  /** Whole milliseconds, at least 1 and a multiple of `traits.resolutionMs`, or `Infinity`. */
  ttlMs: number;
}

/** A compare-and-set: it takes place only if the live session still is the one that `expected` names. */
export interface Replace<T> {
  key: string;
  payload: string;
  /** As in {@link Write}, or `'keep'` to leave the expiry as it is. */
  ttlMs: number | 'keep';
  /** With a number: never move the expiry nearer than it is. */
  onlyLonger: boolean;
  expected: T;
}

/** A new expiry for a session whose data stays as it is. */
export interface Extend {
  key: string;
  /** As in {@link Write}. */
  ttlMs: number;
  /** Never move the expiry nearer than it is. */
  onlyLonger: boolean;
}

/** A read that gives a session a new expiry on the way, and never moves it nearer. */
export interface ReadAndExtend {
  key: string;
  /** As in {@link Write}. */
  ttlMs: number;
  /** Only where its payload starts with this; other sessions are read, and stay as they are. */
  startsWith: string;
}

/** What became of a {@link Replace}. */
export type Replaced<T> =
  | { outcome: 'replaced'; token: T }
  /** No live session has this key: said by the same atomic command, for a save is dropped on this word alone. */
  | { outcome: 'missing' }
  /**
   * It is another text by now. `current` where it is free: it saves a read. `unsure` where a client that lost its connection sent the
   * command again: then the text may be its own.
   */
  | { outcome: 'changed'; current?: Stored<T>; unsure?: boolean }
  /** Plural verbs only: cannot tell. The core settles it by reading. */
  | { outcome: 'unknown' };

/** The answer of a plural verb: one per item, by position; an `Error` settles that item alone. */
export type Each<R> = Awaitable<readonly (R | Error)[]>;

/** What the core must know about a backend. {@link defineTraits} fills in the defaults. */
export interface Traits {
  /** In error messages and telemetry: `redis`, `sqlite`. */
  readonly name: string;
  /** `json` where the backend checks that a payload is well-formed JSON. */
  readonly payload: 'text' | 'json';
  /** The largest payload, in UTF-8 bytes. */
  readonly maxPayloadBytes: number;
  /** The unit in which the backend counts lifetimes, in ms. Lifetimes are rounded up to it. */
  readonly resolutionMs: number;
  /** Whose clock decides that a session has expired. */
  readonly clock: 'backend' | 'app';
  /** Whether the backend knows what is left of a session's life, so that `ttlMs: 'keep'` and `onlyLonger` can be kept. */
  readonly keepsTtl: boolean;
  /** Whether a verb does its work on the event loop before it returns (SQLite does). */
  readonly blocks: boolean;
  /** How many calls of a kind go out singly before further ones are gathered for the plural verb. */
  readonly singles: number;
  /** The most items in one plural call. */
  readonly batchItems: number;
  /** The most payload bytes in one plural call. */
  readonly batchBytes: number;
}

/** One page of a walk: live sessions only, `stored` when payloads were asked for. */
export type Page<T> = readonly { key: string; stored?: Stored<T> }[];

/**
 * A backend.
 *
 * A verb reports failure by throwing or rejecting: with a `StoreError` where it knows the kind of failure, else with
 * whatever its client gave, which the core wraps as `ERR_STORE_BACKEND`. "No such session" is an answer, never an error,
 * and an error is never "no such session".
 */
export interface StoreDriver<T = unknown> {
  readonly traits: Traits;
  /** Called once, before the first call, by the store. `report` tells when the backend goes away and comes back. */
  open?(report: (state: 'up' | 'down', cause?: unknown) => void): void;
  /** The live session, from the primary; `null` where there is none or it has expired. */
  read(key: string, call: Call): Awaitable<Stored<T> | null>;
  /** Insert or overwrite, whatever is there. */
  write(item: Write, call: Call): Awaitable<T>;
  /** Atomic compare-and-set. Without it the core compares under its own order, which holds within one process only. */
  replace?(item: Replace<T>, call: Call): Awaitable<Replaced<T>>;
  /** Move the expiry of a live session. Creates nothing, keeps the token. False where there is no live session. */
  extend(item: Extend, call: Call): Awaitable<boolean>;
  /** True where a live session was removed. */
  remove(key: string, call: Call): Awaitable<boolean>;
  /** `extend` and `read` in one command; what is read is as it is after the extension. */
  readAndExtend?(item: Extend, call: Call): Awaitable<Stored<T> | null>;
  /** The same of many, or of one, each on a condition. For backends where that costs one command less than `readMany` and `extendMany`. */
  readAndExtendMany?(items: readonly ReadAndExtend[], call: Call): Each<Stored<T> | null>;
  readMany?(keys: readonly string[], call: Call): Each<Stored<T> | null>;
  writeMany?(items: readonly Write[], call: Call): Each<T>;
  replaceMany?(items: readonly Replace<T>[], call: Call): Each<Replaced<T>>;
  extendMany?(items: readonly Extend[], call: Call): Each<boolean>;
  removeMany?(keys: readonly string[], call: Call): Each<boolean>;
  /** Walks the live sessions of this store's namespace in pages of bounded size. */
  scan(payloads: boolean, call: Call): AsyncIterable<Page<T>>;
  /** How many live sessions there are; without it the core walks. */
  count?(call: Call): Awaitable<number>;
  /** Removes every session of this store's namespace and nothing else. */
  clear(call: Call): Awaitable<void>;
  /** Removes expired sessions in bounded batches; how many. Leave it out where the backend expires by itself. */
  prune?(call: Call): Awaitable<number>;
  /** Resolves when the backend answers. Without it the core reads a key that does not exist. */
  ping?(call: Call): Awaitable<void>;
  /** Ends what the driver itself opened; a client that was passed in stays the caller's. */
  close(): Awaitable<void>;
}

/**
 * Traits with the defaults of a plain networked store: any text up to 16 MiB, millisecond lifetimes kept by the backend,
 * two single calls before a batch, batches of up to 256 items and 1 MiB.
 *
 * @param traits what differs; `name` is needed.
 */
export function defineTraits(traits: Partial<Traits> & { name: string }): Traits {
  return {
    payload: 'text',
    maxPayloadBytes: 16 * 1024 * 1024,
    resolutionMs: 1,
    clock: 'backend',
    keepsTtl: true,
    blocks: false,
    singles: 2,
    batchItems: 256,
    batchBytes: 1024 * 1024,
    ...traits,
  };
}
