import type { Session } from './types.js';

/** Expires after every check has ended. */
export const LONG_MS = 60_000;

/** What express-session puts in `session.cookie`: dates by accessor, plain JSON when it is stored. */
export class CookieLike {
  readonly path = '/';
  readonly httpOnly = true;
  originalMaxAge: number | null;
  /** As express-session's: a Date, or null for a browser session. */
  expires: Date | null;
  readonly #now: () => number;

  constructor(now: () => number, lifeMs: number | null, originalMs: number | null = lifeMs) {
    this.#now = now;
    this.originalMaxAge = originalMs;
    this.expires = lifeMs === null ? null : new Date(now() + lifeMs);
  }

  /** What is left, in ms. */
  get maxAge(): number | null {
    return this.expires === null ? null : this.expires.getTime() - this.#now();
  }

  get data(): object {
    return { originalMaxAge: this.originalMaxAge, expires: this.expires, httpOnly: this.httpOnly, path: this.path };
  }

  toJSON(): object {
    return this.data;
  }
}

/** The session without its cookie: what the application put there. */
export function dataOf(session: Session): Session {
  const { cookie: _, ...data } = session;
  return data;
}

/** When the cookie says that the session ends: whatever form the date has. */
export function expiresAt(session: Session): number {
  return new Date(session['cookie']?.expires).getTime();
}

/** What JSON makes of a value: what every store may make of it, and nothing else. */
export function asJson(value: unknown): Session {
  return JSON.parse(JSON.stringify(value));
}
