import { EventEmitter } from 'node:events';
import { type Session, SessionStore } from '@sessile/core';
import { load, type Store } from './stores.js';
import type { Visit } from './visit.js';

/** Why a live session ended: it was destroyed in this process; another look found it gone; its longest life is over. */
export type EndReason = 'destroyed' | 'gone' | 'too old';

/** How closely a live session is watched. */
export interface WatchOptions {
  /** How often it is looked up in the store, in ms: another process may have destroyed it. Default: 30,000. */
  checkMs?: number | undefined;
}

/** The longest time that a timer can run. */
const LONGEST_MS = 2_147_483_647;

/**
 * A session outside a response: of a WebSocket, which lives longer than a request.
 *
 * Emits `end` once, with the reason, when the session is destroyed or expires: at once where this process destroyed it, else at the next
 * look. Emits `error` where a look fails; nothing happens where nobody listens. Call {@link close} when the connection is over.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- whatever an app keeps
export class LiveSession<Data = any> extends EventEmitter {
  readonly #visit: Visit;
  readonly #checkMs: number;
  readonly #id: string;
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #stop: () => void = () => {};

  constructor(visit: Visit, { checkMs = 30_000 }: WatchOptions = {}) {
    super();
    if (!(checkMs >= 1)) throw new TypeError('checkMs option must be a number of milliseconds, 1 or more');
    this.#visit = visit;
    this.#checkMs = checkMs;
    this.#id = String(visit.sessionID);
    this.#stop = watch(visit.context.store, this.#id, () => this.#end('destroyed'));
    this.#schedule();
  }

  /** The session's id. */
  get id(): string {
    return this.#id;
  }

  /** The session, as of its last load. It changes in place; {@link save} stores what was changed. */
  get session(): Session & Data {
    return this.#visit.session as Session & Data;
  }

  get ended(): boolean {
    return this.#over;
  }

  /** Stores what was changed. Of a session that is gone nothing is stored. */
  save(): Promise<void> {
    return this.session.save();
  }

  /** Loads it again. */
  reload(): Promise<void> {
    return this.session.reload();
  }

  /** Keeps it alive: what a request does by itself. */
  async touch(): Promise<void> {
    const { session } = this;
    const { store } = this.#visit.context;
    session.touch();
    await new Promise<void>((resolve, reject) => {
      const done = (error?: unknown) => (error ? reject(error) : resolve());
      if (typeof store.touch === 'function') store.touch(this.#id, session, done);
      else store.set(this.#id, session, done);
    });
  }

  /** Ends the session, for all who have it. */
  async destroy(): Promise<void> {
    await this.session.destroy();
    this.#end('destroyed');
  }

  /** Stops watching: the connection is over. The session is left as it is. */
  close(): void {
    this.#over = true;
    this.#stop();
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    const untilEnd = Math.max(0, this.#visit.endsAt - Date.now());
    this.#timer = setTimeout(() => this.#look(), Math.min(this.#checkMs, untilEnd, LONGEST_MS)).unref();
  }

  #look(): void {
    if (Date.now() >= this.#visit.endsAt) return this.#end('too old');
    load(this.#visit.context.store, this.#id, undefined, (error, found) => {
      if (this.#over) return;
      if (error && this.listenerCount('error') > 0) this.emit('error', error);
      if (!error && found === undefined) this.#end('gone');
      else this.#schedule();
    });
  }

  #end(reason: EndReason): void {
    if (this.#over) return;
    this.close();
    this.emit('end', reason);
  }
}

type Watchers = Map<string, Set<() => void>>;
const watched = new WeakMap<Store, Watchers>();

/** Tells when this process destroys a session. One listener serves all sessions of a store. @returns what stops it. */
function watch(store: Store, sid: string, tell: () => void): () => void {
  if (!watched.has(store)) watched.set(store, listen(store));
  const watchers = watched.get(store) as Watchers;
  const key = store instanceof SessionStore ? store.storedId(sid) : sid;
  const set = watchers.get(key) ?? new Set();
  watchers.set(key, set.add(tell));
  return () => {
    set.delete(tell);
    if (set.size === 0) watchers.delete(key);
  };
}

function listen(store: Store): Watchers {
  const watchers: Watchers = new Map();
  const tell = (key: string) => [...(watchers.get(key) ?? [])].forEach((one) => one());
  if (store instanceof SessionStore) store.on('destroy', tell);
  return watchers;
}

/** A store that is not ours tells nobody what it destroys: the engine does, for what went through it. */
export function tellDestroyed(store: Store, sid: string): void {
  if (!(store instanceof SessionStore)) for (const one of watched.get(store)?.get(sid) ?? []) one();
}
