import type { Awaitable, Dict } from './types.js';

/** A session as it was stored. */
export interface Taken {
  data: Dict;
  /** The text of its data alone, where it can be told without serializing them. */
  text: string | undefined;
}

/** A session as it is to be stored. */
export interface Save {
  /** An object that is the keeper's to change. */
  data: Dict;
  /** The text of the data alone. */
  text: string;
  /** koa-session's own fields, which are stored beside the data. */
  fields: Dict;
  changed: boolean;
}

/** Where sessions are kept: in the cookie, or in a store. One serves one request. */
export interface Keeper {
  /** The key in a store; undefined where there is none. */
  readonly key: string | undefined;
  /** Whether there is something to load before the app begins. */
  readonly loads: boolean;
  /** Whether a session is loaded that nobody has taken yet. */
  readonly waits: boolean;
  /** Whether the client has to be told of a new key, whatever changed. */
  readonly owes: boolean;
  /** Whether the request is served without the store: nothing is saved, and the client keeps what it has. */
  readonly detached: boolean;
  /** When the loaded session ends; ms since the epoch. */
  readonly endsAt: number | undefined;
  /** Whether the client may have a session, though nobody looked. */
  mayHave(): boolean;
  /** Loads the session that the client asks for. */
  load(): Awaitable<void>;
  /** The session that was loaded, opened now; undefined where there is none. */
  take(): Taken | undefined;
  /** Begins its lifetime anew and leaves its data alone. @returns whether that was done. */
  touch(): Awaitable<boolean>;
  save(save: Save): Awaitable<void>;
  /** Tells the client where its session is. */
  tell(): void;
  remove(): Awaitable<void>;
  /** Takes a new key; the old one goes with the next save. */
  renewKey(): void;
}
