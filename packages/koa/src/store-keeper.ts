import { type Fetched, SessionStore } from '@sessile/core';
import { apply, debug, isPastGrace, persevere, rotate, successorOf } from '@sessile/engine';
import type { Courier } from './courier.js';
import type { Keeper, Save, Taken } from './keeper.js';
import { FIELDS } from './marks.js';
import type { Scope } from './scope.js';
import { endOf, type Life, lifeOf, MARGIN_MS, mayTouch } from './stored.js';
import type { Awaitable, Dict, KoaStore } from './types.js';

const METHODS = ['get', 'fetch', 'set', 'destroy'] as const;

/** Whether a store is one of ours, and nobody has put a method of his own in its place. */
export function isOurs(store: KoaStore): store is SessionStore {
  return store instanceof SessionStore && METHODS.every((name) => store[name] === SessionStore.prototype[name]);
}

/** The longest id that a store of ours takes. */
const LONGEST_BYTES = 1024;

/** Whether a store of ours would refuse a key. A client that may choose its own has no session then, and no failure. */
export function isTooLong(key: string): boolean {
  return typeof key === 'string' && Buffer.byteLength(key) > LONGEST_BYTES;
}

/** Keeps sessions in a store, and tells the client their keys. */
export class StoreKeeper implements Keeper {
  readonly #scope: Scope;
  readonly #store: KoaStore;
  readonly #courier: Courier;
  readonly #isOurs: boolean;
  readonly loads = true;
  #key: string | undefined;
  /** What the client sent. */
  #presentedKey: string | undefined;
  /** Under which key the session is stored now. */
  #storedKey: string | undefined;
  /** Of a store of ours: read, and perhaps still closed. */
  #fetched: Fetched | undefined;
  #fetchedAt = 0;
  #life: Life | undefined;
  /** Opened, and not taken. */
  #data: Dict | undefined;
  /** What was loaded, where keys change by time: a request that is overtaken by that has to know what it changed. */
  #before: Dict | undefined;
  /** What the store's ties know the session by: ours by the object that it gave, which may be long after the load. */
  #holder: object;
  waits = false;
  owes = false;
  detached = false;
  endsAt: number | undefined;

  constructor(scope: Scope, store: KoaStore, courier: Courier) {
    this.#scope = scope;
    this.#store = store;
    this.#courier = courier;
    this.#isOurs = isOurs(store);
    this.#holder = scope.ctx;
  }

  get key(): string {
    this.#key ??= this.#scope.settings.genid(this.#scope.ctx);
    return this.#key;
  }

  mayHave(): boolean {
    return this.waits;
  }

  load(): Awaitable<void> {
    const { onUnavailable } = this.#scope.settings;
    if (onUnavailable !== undefined && onUnavailable !== 'fail') return this.#loadAnyway(onUnavailable);
    return this.#loadOnce();
  }

  async #loadAnyway(how: 'anonymous' | 'wait'): Promise<void> {
    try {
      const waitMs = how === 'wait' ? this.#scope.settings.waitMs : 0;
      await persevere(() => this.#loadOnce(), waitMs);
    } catch (error) {
      if (how === 'wait') throw error;
      debug('the store failed: served as anonymous');
      this.#scope.notes.session = 'the store was not available: the request is served without it';
      this.detached = true;
      this.#begin();
    }
  }

  #loadOnce(): Awaitable<void> {
    const key = this.#courier.read();
    return key instanceof Promise ? key.then((later) => this.#loadBy(later)) : this.#loadBy(key);
  }

  #loadBy(key: string | undefined): Awaitable<void> {
    this.#presentedKey = key;
    if (!key) return this.#begin();
    if (this.#isOurs) return this.#fetch(key);
    const hints = { ctx: this.#scope.ctx, rolling: this.#scope.settings.rolling };
    const { maxAge } = this.#scope;
    const found = this.#store.get(key, maxAge === 'session' ? undefined : maxAge, hints) as unknown;
    return Promise.resolve(found).then((data) => this.#judge(key, data));
  }

  #fetch(key: string): Awaitable<void> {
    if (isTooLong(key)) return this.#judge(key, undefined);
    const answer = (this.#store as SessionStore).fetch(key);
    return answer instanceof Promise ? answer.then((fetched) => this.#judgeClosed(key, fetched)) : this.#judgeClosed(key, answer);
  }

  /** What can be told from the end of the text needs no parsing; a hook of the app's wants to see the data. */
  #judgeClosed(key: string, fetched: Fetched | null): Awaitable<void> {
    if (fetched === null) return this.#judge(key, null);
    this.#fetched = fetched;
    this.#fetchedAt = Date.now();
    this.#life = fetched.text === undefined ? undefined : lifeOf(fetched.text);
    const { expire, maxAge } = this.#life ?? {};
    const over = expire !== undefined && this.#isOver(expire, maxAge);
    if (this.#life === undefined || over || this.#scope.settings.valid || this.#scope.isTimed) return this.#judge(key, this.#open());
    this.#scope.notes.session = 'the client sent a session that is there';
    this.#scope.adoptLife(expire === undefined ? 'session' : maxAge);
    return this.#keep(key, expire);
  }

  #open(): Dict | null {
    const data = (this.#fetched as Fetched).open();
    if (data !== null) this.#holder = data;
    return data;
  }

  #judge(key: string, data: unknown): Awaitable<void> {
    if (!this.#scope.accepts(data, key, (expire, maxAge) => this.#isOver(expire, maxAge))) {
      const tooOld = typeof data === 'object' && data !== null && this.#scope.isTooOld(data as Dict);
      this.#begin();
      return tooOld ? this.#destroy(key) : undefined;
    }
    this.#data = data;
    this.#scope.adopt(data);
    this.#keep(key, data['_expire'] as number | undefined);
    return this.#scope.settings.rotate === undefined ? undefined : this.#rotate(key, data);
  }

  #keep(key: string, endsAt: number | undefined): void {
    this.#key = key;
    this.#storedKey = key;
    this.endsAt = endsAt;
    this.waits = true;
  }

  /** A key that has served its time leads to a new one for a while. */
  async #rotate(key: string, data: Dict): Promise<void> {
    const { settings, ctx } = this.#scope;
    this.#before = structuredClone(data);
    if (isPastGrace(data, FIELDS)) return this.#begin();
    const standing = successorOf(data, FIELDS);
    if (standing === undefined && !this.#scope.isRotationDue) return;
    const next = standing ?? (await rotate(this.#store as SessionStore, key, settings.genid(ctx), settings.rotate?.graceMs, FIELDS));
    if (next === undefined) return this.#begin();
    debug('the session has a new key');
    await this.#fetch(next);
    this.owes = this.waits;
  }

  /** Begins a new session. An app's own function may count on being asked for each key. */
  #begin(): void {
    this.#key = undefined;
    this.#storedKey = undefined;
    this.#fetched = undefined;
    this.#data = undefined;
    this.#before = undefined;
    this.#scope.forget();
    this.waits = false;
    if (!this.#scope.site.ownIds) void this.key;
  }

  #isOver(expire: number, maxAge: unknown): boolean {
    const end = typeof maxAge === 'number' ? endOf(expire, maxAge, this.#storeEnd()) : expire;
    return end < Date.now();
  }

  /** When the store will drop the session, where a touch of ours may have moved that. */
  #storeEnd(): number | undefined {
    const left = this.#scope.settings.rolling ? this.#fetched?.ttlMs : undefined;
    return left === undefined ? undefined : this.#fetchedAt + left;
  }

  take(): Taken | undefined {
    if (!this.waits) return undefined;
    this.waits = false;
    const data = this.#data ?? this.#open();
    this.#data = undefined;
    if (data !== null) return { data, text: this.#life?.data };
    // It could not be read, and the store is told to discard such sessions.
    this.#scope.refuse('missed', this.#key, null);
    this.#begin();
    return undefined;
  }

  async touch(): Promise<boolean> {
    const { lifeMs, notes, settings } = this.#scope;
    const { endsAt } = this;
    if (lifeMs === undefined || endsAt === undefined || this.#key !== this.#storedKey) return false;
    const lasts = Math.max(endsAt, (this.#storeEnd() ?? 0) - MARGIN_MS);
    if (Date.now() + lifeMs - lasts < Math.min(settings.touchAfterMs, lifeMs / 2)) {
      notes.stored = 'nothing';
      this.tell();
      return true;
    }
    if (this.#fetched === undefined || !mayTouch(endsAt, lifeMs)) return false;
    notes.stored = 'touch';
    if (await this.#fetched.keepAlive(lifeMs + MARGIN_MS)) this.tell();
    return true;
  }

  async save({ data, fields, changed }: Save): Promise<void> {
    const { lifeMs, settings, ctx } = this.#scope;
    const { key } = this;
    const hints = { changed, ctx: this.#isOurs ? this.#holder : ctx, rolling: settings.rolling };
    await this.#store.set(key, Object.assign(data, fields), lifeMs === undefined ? undefined : lifeMs + MARGIN_MS, hints);
    const old = this.#storedKey;
    this.#storedKey = key;
    if (old !== undefined && old !== key) await this.#destroy(old);
    else await this.#catchUp(data);
    this.tell();
  }

  /** While a request was under way its session may have got a new key: what it changed is done there, too. */
  async #catchUp(data: Dict): Promise<void> {
    const before = this.#before;
    if (before === undefined || !this.#scope.isRotationDue) return;
    const store = this.#store as SessionStore;
    const stored = await store.get(this.key);
    const next = stored === null ? undefined : successorOf(stored, FIELDS);
    if (next !== undefined) await apply(store, next, before, JSON.parse(JSON.stringify(data)) as Dict, FIELDS);
  }

  tell(): void {
    this.owes = false;
    // Too late for a header, and needless: a longer life of the cookie is all that the client misses.
    if (this.#scope.ctx.res.headersSent && this.key === this.#presentedKey) return;
    this.#courier.tell(this.key);
  }

  async remove(): Promise<void> {
    await this.destroy();
    this.#courier.erase();
  }

  /** Ends the stored session; the client is told nothing. */
  async destroy(): Promise<void> {
    const key = this.#storedKey;
    this.#begin();
    if (key !== undefined) await this.#destroy(key);
  }

  #destroy(key: string): Awaitable<void> {
    return this.#store.destroy(key, { ctx: this.#isOurs ? this.#holder : this.#scope.ctx }) as Awaitable<void>;
  }

  renewKey(): void {
    this.#key = this.#scope.settings.genid(this.#scope.ctx);
  }
}
