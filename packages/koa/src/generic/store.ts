import { EventEmitter } from 'node:events';
import type { Fetched, SessionStore } from '@sessile/core';
import { isOurs, isTooLong } from '../store-keeper.js';
import type { KoaStore } from '../types.js';
import type { GenericData, GenericSettings } from './options.js';
import { settle } from './settle.js';

/** What a store gave: a session of ours that is still closed, or what another store has. */
export type Found = { fetched: Fetched } | { data: GenericData };

/** What `ctx.sessionStore` is: the store, with the prefix before each id, and lifetimes worked out. Passes on the store's events. */
export class GenericStore extends EventEmitter {
  readonly client: KoaStore;
  readonly #settings: GenericSettings;
  readonly #isOurs: boolean;

  constructor(settings: GenericSettings) {
    super();
    this.client = settings.store;
    this.#settings = settings;
    this.#isOurs = isOurs(settings.store);
    const { on } = settings.store as { on?: (event: string, listener: () => void) => unknown };
    if (typeof on !== 'function') return;
    for (const event of ['connect', 'disconnect']) on.call(this.client, event, () => this.emit(event));
  }

  /** Loads a session; one of ours is left closed. */
  async find(sid: string): Promise<Found | undefined> {
    if (this.#isOurs) {
      const key = this.#settings.prefix + sid;
      const fetched = isTooLong(key) ? null : await (this.client as SessionStore).fetch(key);
      return fetched === null ? undefined : { fetched };
    }
    const data = await this.get(sid);
    return data ? { data } : undefined;
  }

  async get(sid: string): Promise<GenericData | null> {
    const data = (await settle(this.client.get(this.#settings.prefix + sid))) as GenericData | null | undefined;
    return data ? revived(data) : null;
  }

  /** @param holder what ties the session to its load, in a store of ours. Default: the session. */
  async set(sid: string, session: GenericData, holder?: object): Promise<void> {
    const key = this.#settings.prefix + sid;
    const ttlMs = this.ttlOf(session);
    await settle(this.#isOurs ? this.client.set(key, session, ttlMs, { ctx: holder ?? session }) : this.client.set(key, session, ttlMs));
  }

  async destroy(sid: string): Promise<void> {
    await settle(this.client.destroy(this.#settings.prefix + sid));
  }

  /** How long a session is kept, in ms; undefined: as the store sees fit. */
  ttlOf(session: GenericData): number | undefined {
    const { ttl } = this.#settings;
    const own = typeof ttl === 'function' ? ttl(session) : ttl;
    if (own) return own;
    const { expires, maxAge } = (session.cookie as GenericData['cookie'] | undefined) ?? {};
    if (expires) return new Date(expires).getTime() - Date.now();
    return typeof maxAge === 'number' ? maxAge : undefined;
  }
}

/** A date that was stored is text by now. */
export function revived(data: GenericData): GenericData {
  const cookie = data.cookie as GenericData['cookie'] | undefined;
  if (typeof cookie?.expires === 'string') cookie.expires = new Date(cookie.expires);
  return data;
}
