import { Baseline, debug } from '@sessile/engine';
import type { KoaContext } from '../types.js';
import { type GenericData, type GenericSettings, renameMaxage } from './options.js';
import type { Outage } from './outage.js';
import { type Found, type GenericStore, revived } from './store.js';

/** What one middleware has for all its requests. */
export interface GenericSite {
  readonly settings: GenericSettings;
  readonly store: GenericStore;
  readonly outage: Outage;
}

const ID_BYTES = 24;

/** A session of koa-generic-session while one request has it. */
export class GenericVisit {
  readonly #ctx: KoaContext;
  readonly #site: GenericSite;
  #loading: Promise<void> | undefined;
  /** Loaded and not opened. */
  #closed: Extract<Found, { fetched: unknown }> | undefined;
  #fetched: Extract<Found, { fetched: unknown }>['fetched'] | undefined;
  #session: GenericData | null | undefined;
  /** What ties the session to its load. */
  #holder: object | undefined;
  /** Whether there is nothing in the store under the id. */
  #isNew = false;
  /** The session as it was loaded or saved; a new one: as it was empty. */
  #base: Baseline | undefined;
  #regenerated = false;
  /** Whether anybody asked for the session. */
  touched = false;

  constructor(ctx: KoaContext, site: GenericSite) {
    this.#ctx = ctx;
    this.#site = site;
  }

  /** Loads the session, once. @throws Error `session store is unavailable`, and what the store says. */
  load(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    const { settings, outage } = this.#site;
    const ctx = this.#ctx;
    if (!outage.isOver) await outage.wait();
    ctx['sessionId'] ||= settings.sessionIdStore.get.call(ctx); // oxlint-disable-line typescript/prefer-nullish-coalescing -- as there
    if (!ctx['sessionId']) return this.#begin();
    const found = await this.#find(ctx['sessionId'] as string);
    if (found === 'failed') return this.#begin();
    if (found !== undefined && this.#take(found)) return;
    debug('the session is missing, or not valid');
    await this.#begin();
    settings.sessionIdStore.reset.call(ctx);
  }

  /** @returns `failed` where the app's handler took the error: it is not known that there is no session. */
  async #find(sid: string): Promise<Found | 'failed' | undefined> {
    try {
      return await this.#site.store.find(sid);
    } catch (error) {
      if ((error as { code?: unknown } | null)?.code === 'ENOENT') return undefined;
      this.#site.settings.errorHandler(error, 'get', this.#ctx);
      return 'failed';
    }
  }

  #take(found: Found): boolean {
    const { valid } = this.#site.settings;
    if ('fetched' in found) {
      this.#closed = found;
      this.#fetched = found.fetched;
      if (valid === undefined && found.fetched.text !== undefined) return true;
    } else this.#accept(found.data, undefined);
    return this.session !== undefined && this.session !== null && (valid === undefined || Boolean(valid(this.#ctx, this.session)));
  }

  #accept(data: GenericData, text: string | undefined): void {
    this.#session = revived(data);
    this.#holder = data;
    this.#base = text === undefined ? new Baseline(JSON.stringify(data)) : new Baseline(text, true);
  }

  /** Begins a new session with a new id. */
  async #begin(): Promise<void> {
    this.#closed = undefined;
    this.#fetched = undefined;
    this.#holder = undefined;
    this.#session = this.#empty();
    this.#base = new Baseline(JSON.stringify(this.#session));
    this.#isNew = true;
    this.#ctx['sessionId'] = await this.#site.settings.genSid.call(this.#ctx, ID_BYTES);
  }

  #empty(): GenericData {
    return { cookie: { ...this.#site.settings.cookie } };
  }

  get session(): GenericData | null | undefined {
    if (this.#closed !== undefined) {
      const { fetched } = this.#closed;
      this.#closed = undefined;
      const data = fetched.open() as GenericData | null;
      if (data !== null) this.#accept(data, fetched.text);
    }
    return this.#session;
  }

  set session(session: GenericData | null | undefined) {
    // What it replaces has to be known, or nobody can tell what changed.
    if (this.#closed !== undefined) void this.session;
    this.touched = true;
    this.#session = session;
    // Without a cookie of its own it would be sent unsigned.
    if (session && typeof session === 'object' && !('cookie' in session)) (session as GenericData).cookie = this.#empty().cookie;
  }

  /** The session of a request that asks for it late. */
  async ask(): Promise<GenericData | null | undefined> {
    if (this.touched) return this.session;
    this.touched = true;
    await this.load();
    return this.session;
  }

  /** Does what is due. @returns when the store has answered. */
  async refresh(): Promise<void> {
    const save = this.#ctx['sessionSave'] as boolean | null;
    if (save === false) return;
    if (this.#loading === undefined) await this.#loadLate();
    else await this.#loading;
    if (this.#closed !== undefined && !this.#mustOpen(save)) return;
    const { session } = this;
    if (!session) return this.#remove();
    const isChanged = this.#isChanged(JSON.stringify(session));
    if (save === true || this.#regenerated) return this.#save(session);
    if (this.#isNew && !isChanged && !this.#site.settings.allowEmpty) return;
    if (this.#isNew || isChanged) await this.#save(session);
    else await this.#keep(session);
  }

  /** The app has put a session there that nobody loaded: what it replaces has to be known. */
  async #loadLate(): Promise<void> {
    const own = this.#session;
    await this.load();
    void this.session;
    this.#session = own;
  }

  #mustOpen(save: boolean | null): boolean {
    const { rolling, ttl, cookie } = this.#site.settings;
    return save === true || rolling === true || Boolean(ttl) || typeof cookie.maxAge !== 'number';
  }

  async #remove(): Promise<void> {
    if (this.#isNew) return;
    const { settings, store } = this.#site;
    const sid = this.#ctx['sessionId'] as string;
    settings.sessionIdStore.reset.call(this.#ctx);
    this.#isNew = true;
    await store.destroy(sid);
  }

  #isChanged(text: string): boolean {
    const canonical = (stored: string) => JSON.stringify(revived(JSON.parse(stored) as GenericData));
    return this.#base === undefined || this.#base.differsFrom(text, canonical);
  }

  /** What did not change lives on where it is rolling, and where its cookie would outlive it. */
  async #keep(session: GenericData): Promise<void> {
    const { rolling, ttl } = this.#site.settings;
    const { expires, maxAge } = session.cookie;
    const lifeMs = this.#site.store.ttlOf(session);
    const outlives = !expires && (typeof maxAge !== 'number' || (Boolean(ttl) && (lifeMs ?? 0) < maxAge));
    if (!rolling && !outlives) return;
    if (this.#fetched === undefined || expires) return rolling ? this.#save(session) : undefined;
    const lives = await this.#fetched.keepAlive(lifeMs);
    if (rolling && lives) this.#tell(session);
  }

  async #save(session: GenericData): Promise<void> {
    const { settings, store } = this.#site;
    renameMaxage(session.cookie);
    if (settings.beforeSave) await settings.beforeSave(this.#ctx, session);
    try {
      await store.set(this.#ctx['sessionId'] as string, session, this.#holder);
      this.#tell(session);
    } catch (error) {
      return settings.errorHandler(error, 'set', this.#ctx);
    }
    this.#base = new Baseline(JSON.stringify(session));
    this.#isNew = false;
    this.#regenerated = false;
    this.#holder ??= session;
  }

  #tell(session: GenericData): void {
    this.#site.settings.sessionIdStore.set.call(this.#ctx, this.#ctx['sessionId'] as string, session);
  }

  /** A new, empty session with a new id; the old one is destroyed. */
  async regenerate(): Promise<GenericData> {
    this.touched = true;
    await this.load();
    const { settings, store } = this.#site;
    if (!this.#isNew) await store.destroy(this.#ctx['sessionId'] as string);
    await this.#begin();
    settings.sessionIdStore.reset.call(this.#ctx);
    this.#regenerated = true;
    return this.#session as GenericData;
  }
}
