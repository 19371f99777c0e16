import { type Fetched, SessionStore } from '@sessile/core';
import { SessionCookie } from './cookie.js';
import type { Keeper, Save, Taken } from './keeper.js';
import { lifeIn, type Scope } from './scope.js';
import { endOf, type Life, lifeOf, MARGIN_MS, mayTouch } from './stored.js';
import type { Awaitable, Dict, KoaStore } from './types.js';

const METHODS = ['get', 'fetch', 'set', 'destroy'] as const;

/** Whether a store is one of ours, and nobody has put a method of his own in its place. */
export function isOurs(store: KoaStore): store is SessionStore {
  return store instanceof SessionStore && METHODS.every((name) => store[name] === SessionStore.prototype[name]);
}

/** The longest id that a store of ours takes. */
const LONGEST_BYTES = 1024;

/** Keeps sessions in a store, and tells the client their keys. */
export class StoreKeeper implements Keeper {
  readonly #scope: Scope;
  readonly #store: KoaStore;
  readonly #cookie: SessionCookie;
  readonly #isOurs: boolean;
  #key: string | undefined;
  /** Under which key the session is stored now. */
  #storedKey: string | undefined;
  /** Of a store of ours: read, and perhaps still closed. */
  #fetched: Fetched | undefined;
  #fetchedAt = 0;
  #life: Life | undefined;
  /** Opened, and not taken. */
  #data: Dict | undefined;
  /** What the store's ties know the session by: ours by the object that it gave, which may be long after the load. */
  #holder: object;
  readonly loads = true;
  waits = false;
  endsAt: number | undefined;

  constructor(scope: Scope, store: KoaStore) {
    this.#scope = scope;
    this.#store = store;
    this.#isOurs = isOurs(store);
    this.#holder = scope.ctx;
    this.#cookie = new SessionCookie(scope);
  }

  get key(): string {
    this.#key ??= this.#scope.settings.genid(this.#scope.ctx);
    return this.#key;
  }

  mayHave(): boolean {
    return this.waits;
  }

  load(): Awaitable<void> {
    const { externalKey } = this.#scope.settings;
    const key = externalKey ? externalKey.get(this.#scope.ctx) : this.#cookie.read();
    return key instanceof Promise ? key.then((later) => this.#loadBy(later)) : this.#loadBy(key);
  }

  #loadBy(key: string | undefined): Awaitable<void> {
    if (!key) return this.#begin();
    if (this.#isOurs) return this.#fetch(key);
    const hints = { ctx: this.#scope.ctx, rolling: this.#scope.settings.rolling };
    return Promise.resolve(this.#store.get(key, this.#scope.maxAgeMs, hints) as unknown).then((data) => this.#judge(key, data));
  }

  #fetch(key: string): Awaitable<void> {
    // A client that may choose its key gets none that the store would refuse.
    if (typeof key === 'string' && Buffer.byteLength(key) > LONGEST_BYTES) return this.#judge(key, undefined);
    const answer = (this.#store as SessionStore).fetch(key);
    return answer instanceof Promise ? answer.then((fetched) => this.#judgeClosed(key, fetched)) : this.#judgeClosed(key, answer);
  }

  /** What can be told from the end of the text needs no parsing; a hook of the app's wants to see the data. */
  #judgeClosed(key: string, fetched: Fetched | null): void {
    if (fetched === null) return this.#judge(key, null);
    this.#fetched = fetched;
    this.#fetchedAt = Date.now();
    this.#life = fetched.text === undefined ? undefined : lifeOf(fetched.text);
    const { expire, maxAge } = this.#life ?? {};
    const over = expire !== undefined && this.#isOver(expire, maxAge);
    if (this.#life === undefined || over || this.#scope.settings.valid) return this.#judge(key, this.#open());
    this.#keep(key, expire, expire === undefined ? 'session' : maxAge);
  }

  #open(): Dict | null {
    const data = (this.#fetched as Fetched).open();
    if (data !== null) this.#holder = data;
    return data;
  }

  #judge(key: string, data: unknown): void {
    if (!this.#scope.accepts(data, key, (expire, maxAge) => this.#isOver(expire, maxAge))) return this.#begin();
    this.#data = data;
    this.#keep(key, data['_expire'] as number | undefined, lifeIn(data));
  }

  #keep(key: string, endsAt: number | undefined, maxAge: unknown): void {
    this.#scope.adopt(maxAge);
    this.#key = key;
    this.#storedKey = key;
    this.endsAt = endsAt;
    this.waits = true;
  }

  /** Begins a new session. An app's own function may count on being asked for each key. */
  #begin(): void {
    this.#key = undefined;
    this.#fetched = undefined;
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
    const { maxAgeMs } = this.#scope;
    const { endsAt } = this;
    const fetched = this.#key === this.#storedKey ? this.#fetched : undefined;
    if (fetched === undefined || maxAgeMs === undefined || endsAt === undefined || !mayTouch(endsAt, maxAgeMs)) return false;
    if (await fetched.keepAlive(maxAgeMs + MARGIN_MS)) this.#tell();
    return true;
  }

  async save({ data, fields, changed }: Save): Promise<void> {
    const { maxAgeMs, settings, ctx } = this.#scope;
    const { key } = this;
    const hints = { changed, ctx: this.#isOurs ? this.#holder : ctx, rolling: settings.rolling };
    await this.#store.set(key, { ...data, ...fields }, maxAgeMs === undefined ? undefined : maxAgeMs + MARGIN_MS, hints);
    const old = this.#storedKey;
    this.#storedKey = key;
    if (old !== undefined && old !== key) await this.#destroy(old);
    this.#tell();
  }

  /** Tells the client its key. */
  #tell(): void {
    const { settings, ctx } = this.#scope;
    if (settings.externalKey) settings.externalKey.set(ctx, this.key);
    else this.#cookie.write(this.key);
  }

  async remove(): Promise<void> {
    const key = this.#storedKey;
    this.#storedKey = undefined;
    this.#begin();
    if (key !== undefined) await this.#destroy(key);
    if (!this.#scope.settings.externalKey) this.#cookie.erase();
  }

  #destroy(key: string): Awaitable<void> {
    return this.#store.destroy(key, { ctx: this.#isOurs ? this.#holder : this.#scope.ctx }) as Awaitable<void>;
  }

  renewKey(): void {
    this.#key = this.#scope.settings.genid(this.#scope.ctx);
  }
}
