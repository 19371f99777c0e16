/**
 * Sessions as a backend holds them: for tools that list, copy and remove. Nothing is merged, tied or decrypted here, and a session
 * is named by its stored id. An app uses {@link SessionStore}.
 *
 * @module
 */
import { ALIKE } from './batcher.js';
import { asJson, isHollow, peek } from './codec.js';
import { Commands, type Token } from './commands.js';
import type { Awaitable, Replaced, Stored, StoreDriver, Traits } from './driver.js';
import { StoreError } from './errors.js';
import { markedId } from './ids.js';
import { type LaneCall, Lanes, type Limits, UNWATCHED } from './lanes.js';
import { LAST_DATE_MS, ttlUntil } from './lifetime.js';
import { checkMs } from './options.js';
import { toMs, unitDate, unitOf } from './unit.js';
import { type Ground, pagesOf } from './walk.js';

export { type Peek, peek } from './codec.js';

/** A session to be stored. */
export interface StoredSession {
  /** Under which it is stored: the session id, or with `hashIds` its hash. */
  readonly id: string;
  /** As another backend held it: JSON, compressed or encrypted, or another serializer's text. */
  readonly payload: string;
  /** When it ends, in ms since 1970 by this process's clock; `Infinity`: never. */
  readonly expiresAt: number;
}

/** A live session as it was found. */
export interface FoundSession {
  readonly id: string;
  readonly payload: string;
  /** As in {@link StoredSession}; undefined where neither the backend nor a date in the session tells. */
  readonly expiresAt: number | undefined;
  /** Names this version of it to {@link StoredSessions.replace}. */
  readonly version: unknown;
}

/** A new version of a session that was found. */
export interface Replacement {
  readonly found: FoundSession;
  readonly payload: string;
  /** As in {@link StoredSession}. */
  readonly expiresAt: number;
  /** Never move its end nearer than it is. */
  readonly onlyLonger?: boolean;
}

/** What became of a {@link Replacement}: an error is of this session alone. */
export type ReplaceOutcome = 'replaced' | 'changed' | 'missing' | StoreError;

/**
 * The sessions of a backend, by its driver: read and written in batches, each call within `timeoutMs`, every failure a
 * {@link StoreError} without a session id or data in it.
 *
 * A backend that does not tell what is left of a life (memcached) goes by the date in the session's cookie, as the stores do: it
 * is read from there, and what is written has it moved to the real end.
 */
export class StoredSessions {
  readonly #driver: StoreDriver;
  readonly #commands: Commands;
  readonly #lanes: Lanes;
  readonly #ground: Ground;
  #opened = false;

  /**
   * @param driver of a store: `new RedisDriver(options)`. It is closed by {@link close}.
   * @param options.timeoutMs how long a call, or a page of a walk, may take. Default: 30,000.
   * @throws StoreError ERR_STORE_INVALID_OPTION
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- tokens are the driver's own affair
  constructor(driver: StoreDriver<any>, { timeoutMs = 30_000 }: { timeoutMs?: number | undefined } = {}) {
    const limits: Limits = { store: driver.traits.name, timeoutMs: checkMs('timeoutMs', timeoutMs, 1, 2_147_483_647) };
    this.#driver = driver;
    this.#commands = new Commands(driver, true, inBulk(driver.traits));
    this.#lanes = new Lanes(limits, UNWATCHED);
    this.#ground = { commands: this.#commands, lanes: this.#lanes, limits, admit: () => this.#open() };
  }

  /** What the backend is and can do. */
  get traits(): Traits {
    return this.#driver.traits;
  }

  /** Walks all live sessions in constant memory, by pages. What comes or ends meanwhile may or may not be there; Redis may give one twice. */
  async *pages(): AsyncGenerator<readonly FoundSession[]> {
    for await (const page of pagesOf(this.#ground, true)) {
      yield page.flatMap(({ key, stored }) => (stored === undefined ? [] : [foundSession(key, stored)]));
    }
  }

  /** The same walk for stored ids alone. */
  async *ids(): AsyncGenerator<readonly string[]> {
    for await (const page of pagesOf(this.#ground, false)) yield page.map(({ key }) => key);
  }

  /** Live sessions by stored id, by position; null where there is none. */
  read(ids: readonly string[]): Promise<(FoundSession | null)[]> {
    return this.#call('get', (call) =>
      Promise.all(
        ids.map(async (id) => {
          const stored = await this.#commands.read(id, call);
          return stored === null ? null : foundSession(id, stored);
        }),
      ),
    );
  }

  /**
   * Stores sessions, whatever is there.
   *
   * @returns by position: undefined, or why this one could not be stored: too large, or nothing that this backend holds.
   * @throws StoreError where the backend is away, too slow or refuses this user; some may have been stored then.
   */
  write(sessions: readonly StoredSession[]): Promise<(undefined | StoreError)[]> {
    return this.#each('set', sessions, async ({ id, payload, expiresAt }, call) => {
      await this.#commands.write({ key: id, payload: this.#payload(payload, expiresAt), ttlMs: this.#ttlMs(expiresAt) }, call);
      return undefined;
    });
  }

  /**
   * Compare-and-set, for each session by itself.
   *
   * @returns by position: `replaced`; `changed` where it is another version by now; `missing` where it has ended; or an error.
   * @throws StoreError as {@link write}
   */
  replace(replacements: readonly Replacement[]): Promise<ReplaceOutcome[]> {
    return this.#each('set', replacements, async ({ found, payload, expiresAt, onlyLonger = false }, call): Promise<ReplaceOutcome> => {
      const item = { key: found.id, payload: this.#payload(payload, expiresAt), ttlMs: this.#ttlMs(expiresAt) };
      const longer = onlyLonger && this.traits.keepsTtl;
      const { outcome }: Replaced<Token> = await this.#commands.replace({ ...item, onlyLonger: longer, expected: found.version }, call);
      return outcome === 'unknown' ? 'changed' : outcome;
    });
  }

  /** Removes sessions by stored id. @returns by position: whether it was there. */
  remove(ids: readonly string[]): Promise<boolean[]> {
    return this.#call('revoke', (call) => Promise.all(ids.map(async (id) => this.#commands.remove(id, call))));
  }

  /** How many live sessions there are. */
  async count(): Promise<number> {
    const driver = this.#driver;
    if (driver.count !== undefined) return this.#timed('length', (call) => driver.count?.(call) ?? 0);
    let total = 0;
    for await (const page of this.ids()) total += page.length;
    return total;
  }

  /** Removes every session of this namespace, and nothing else. */
  clear(): Promise<void> {
    return this.#timed('clear', (call) => this.#driver.clear(call));
  }

  /** Removes what has expired. @returns how many; undefined where the backend does it by itself. */
  async prune(): Promise<number | undefined> {
    const driver = this.#driver;
    return driver.prune === undefined ? undefined : this.#timed('prune', (call) => driver.prune?.(call) ?? 0);
  }

  /** Resolves when the backend answers. */
  async ping(): Promise<void> {
    const driver = this.#driver;
    if (driver.ping === undefined) await this.read(['sessile-ping']);
    else await this.#timed('ping', (call) => driver.ping?.(call));
  }

  /** Ends what the driver opened. */
  async close(): Promise<void> {
    if (this.#opened) await this.#timed('close', () => this.#driver.close());
    this.#lanes.close();
  }

  #open(): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#driver.open?.(() => undefined);
  }

  async #call<R>(operation: string, work: (call: LaneCall) => Awaitable<R>): Promise<R> {
    this.#open();
    return this.#lanes.timed(operation, work);
  }

  /** A verb of the driver's that names no session. */
  #timed<R>(operation: string, verb: (call: LaneCall) => Awaitable<R>): Promise<R> {
    return this.#call(operation, (call) => this.#commands.other(call, () => verb(call)));
  }

  /** What fails one of them alone is its answer; what would fail all of them fails the call. */
  #each<I, R>(operation: string, items: readonly I[], work: (item: I, call: LaneCall) => Promise<R>): Promise<(R | StoreError)[]> {
    const one = async (item: I, call: LaneCall) => {
      try {
        return await work(item, call);
      } catch (error) {
        if (StoreError.isInstance(error) && !ALIKE.has(error.code)) return error;
        throw error;
      }
    };
    return this.#call(operation, (call) => Promise.all(items.map((item) => one(item, call))));
  }

  #payload(payload: string, expiresAt: number): string {
    if (isHollow(payload)) throw new StoreError('ERR_STORE_DECODE', FOREIGN);
    const { payload: kind, keepsTtl } = this.traits;
    return keepsTtl ? (kind === 'json' ? asJson(payload) : payload) : dated(asJson(payload), expiresAt);
  }

  /** What has ended meanwhile ends at once. */
  #ttlMs(expiresAt: number): number {
    const { resolutionMs } = this.traits;
    return expiresAt > LAST_DATE_MS ? Infinity : Math.max(ttlUntil(Math.ceil(expiresAt), resolutionMs, Date.now()), resolutionMs);
  }
}

/** Nobody waits for a single one of many: all share commands, which may be larger. Where each goes by itself (clusters), it still does. */
function inBulk(traits: Traits): Traits {
  return traits.singles === Infinity ? traits : { ...traits, singles: 0, batchItems: Math.max(traits.batchItems, BULK_ITEMS) };
}

const BULK_ITEMS = 500;

const FOREIGN =
  'A stored session cannot be copied: only the library that encrypted it can read it. Decrypt it with that library, or leave it behind.';

/** Nearer than this the date in a cookie is the real end. */
const NEAR_MS = 1000;

/** A session in plain JSON, with the date in its cookie moved to its real end: touches on other backends leave it behind. */
function dated(payload: string, expiresAt: number): string {
  const seen = peek(payload);
  if (seen.form !== 'plain' || expiresAt > LAST_DATE_MS) return payload;
  const { session } = seen;
  const cookie = session['cookie'] as { expires?: unknown } | null | undefined;
  const date = toMs(cookie?.expires);
  if (!cookie || date === undefined || Math.abs(date - expiresAt) <= NEAR_MS) return payload;
  cookie.expires = new Date(expiresAt).toISOString();
  return JSON.stringify(session);
}

function foundSession(id: string, { payload, ttlMs, token }: Stored<Token>): FoundSession {
  return { id, payload, expiresAt: ttlMs === undefined ? dateIn(payload) : Date.now() + ttlMs, version: token };
}

/** The end that a session names itself. One that is past is wrong: it was found alive. */
function dateIn(payload: string): number | undefined {
  const seen = peek(payload);
  const date = 'session' in seen ? unitDate(unitOf(seen.session)) : undefined;
  return date !== undefined && date > Date.now() ? date : undefined;
}

/**
 * The ids under which the session of a sid may be stored: itself, and its hash (`hashIds`).
 *
 * @param sid what the middleware calls it, or a stored id.
 */
export function storedIdsOf(sid: string): readonly [plain: string, hashed: string] {
  return [sid, markedId(sid)];
}
