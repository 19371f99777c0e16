import type { Awaitable } from './driver.js';
import type { SessionData } from './store.js';

/** A session that was read and not opened: its JSON is parsed when somebody asks for it, or never. */
export interface Fetched {
  /** What is stored; undefined where it was encrypted, compressed or serialized otherwise. */
  readonly text: string | undefined;
  /** What was left of its life when it was read, in ms; undefined where the backend cannot tell. */
  readonly ttlMs: number | undefined;
  /** Whether it has its whole life before it, because its load was asked to give it that, and could. */
  readonly kept: boolean;
  /**
   * Parses it. What it returns is tied, as what `get` returns; null where it cannot be read and `onUnreadable` is `discard`.
   *
   * @throws StoreError ERR_STORE_DECODE
   */
  open(): SessionData | null;
  /**
   * Gives it the whole of its own lifetime again, as a touch of the unchanged session does.
   *
   * May answer at once. @returns whether it still lives.
   *
   * @param lifeMs in place of its own lifetime, from now; it only ever lengthens. Default: what its cookie says.
   */
  keepAlive(lifeMs?: number): Awaitable<boolean>;
}

/** The start of the texts whose `cookie.originalMaxAge` is this, where express-session and we write it. */
export function startOf(maxAgeMs: number | null): string {
  return `{"cookie":{"originalMaxAge":${maxAgeMs},`;
}

const START = /^\{"cookie":\{"originalMaxAge":(\d{1,15}|null)[,}]/;

/** `cookie.originalMaxAge` from the start of a text, where express-session and we write it; undefined where it stands elsewhere. */
export function originalMaxAgeOf(text: string): number | null | undefined {
  const found = START.exec(text)?.[1];
  if (found === undefined) return undefined;
  return found === 'null' ? null : Number(found);
}
