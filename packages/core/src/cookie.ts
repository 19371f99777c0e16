import * as cookies from 'cookie';
import { put } from './json.js';

/** What a cookie holds, as it is stored. */
export interface CookieData {
  originalMaxAge: number | null | undefined;
  partitioned: boolean | undefined;
  priority: string | undefined;
  expires: Date | string | false | null | undefined;
  secure: boolean | 'auto' | undefined;
  httpOnly: boolean | undefined;
  domain: string | undefined;
  path: string | undefined;
  sameSite: boolean | string | undefined;
  createdAt?: number | undefined;
  rotatedAt?: number | undefined;
}

/**
 * A session's cookie, property for property as express-session's: `expires` and `maxAge` are two views of one value, and
 * setting either notes `originalMaxAge`.
 */
export class Cookie {
  path = '/';
  httpOnly = true;
  originalMaxAge: number | null | undefined;
  declare partitioned?: boolean | undefined;
  declare priority?: 'low' | 'medium' | 'high' | undefined;
  declare secure?: boolean | 'auto' | undefined;
  declare domain?: string | undefined;
  declare sameSite?: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined;
  /** When the session began, ms since the epoch: where a middleware limits its whole life. */
  declare createdAt?: number | undefined;
  /** When it got its id, ms since the epoch: where a middleware changes ids by time. */
  declare rotatedAt?: number | undefined;
  _expires: Date | false | null | undefined;

  /**
   * @param options any of the properties; `data` is left out.
   * @throws TypeError when `options` is no object, or `maxAge` neither a number nor a Date.
   */
  constructor(options?: object | null) {
    this.maxAge = null;
    if (options) {
      if (typeof options !== 'object') throw new TypeError('argument options must be a object');
      for (const key in options) {
        if (key === 'data') continue;
        const value = (options as Record<string, unknown>)[key];
        if (key === '__proto__') put(this as unknown as Record<string, unknown>, key, value);
        else (this as unknown as Record<string, unknown>)[key] = value;
      }
    }
    this.originalMaxAge ??= this.maxAge as number | null;
  }

  get expires(): Date | false | null | undefined {
    return this._expires;
  }

  set expires(date: Date | false | null | undefined) {
    this._expires = date;
    this.originalMaxAge = this.maxAge as number | null;
  }

  /** Milliseconds that are left; what `expires` is when that is no Date. */
  get maxAge(): number | false | null | undefined {
    return this.expires instanceof Date ? this.expires.valueOf() - Date.now() : this.expires;
  }

  set maxAge(ms: number | Date | false | null | undefined) {
    if (ms && typeof ms !== 'number' && !(ms instanceof Date)) throw new TypeError('maxAge must be a number or Date');
    this._expires = typeof ms === 'number' ? new Date(Date.now() + ms) : ms;
    // What was said, and not what is left of it a moment later: counting anew at each request would wear it down.
    this.originalMaxAge = typeof ms === 'number' ? ms : (this.maxAge as number | null);
  }

  get data(): CookieData {
    const data: CookieData = {
      originalMaxAge: this.originalMaxAge,
      partitioned: this.partitioned,
      priority: this.priority,
      expires: this._expires,
      secure: this.secure,
      httpOnly: this.httpOnly,
      domain: this.domain,
      path: this.path,
      sameSite: this.sameSite,
    };
    if (this.createdAt !== undefined) data.createdAt = this.createdAt;
    if (this.rotatedAt !== undefined) data.rotatedAt = this.rotatedAt;
    return data;
  }

  /** A Set-Cookie header's value. */
  serialize(name: string, value: string): string {
    return cookies.serialize(name, value, this.data as cookies.SerializeOptions);
  }

  /** Its data; undefined, and so left out, while {@link stringifyData} is at work. */
  toJSON(): CookieData {
    return leftOut === this ? (undefined as unknown as CookieData) : this.data;
  }
}

let leftOut: Cookie | undefined;

/**
 * The text of a session's data, without its cookie: what tells whether it changed. A copy without the cookie would cost as much as
 * the text.
 *
 * @throws what `JSON.stringify` throws.
 */
export function stringifyData(session: { cookie?: unknown }): string {
  if (!(session.cookie instanceof Cookie)) return JSON.stringify({ ...session, cookie: undefined });
  leftOut = session.cookie;
  try {
    return JSON.stringify(session);
  } finally {
    leftOut = undefined;
  }
}

/** A cookie read back from a store: its date is text there, and `originalMaxAge` is kept as it was. */
export function reviveCookie(stored: unknown): Cookie {
  if (typeof stored !== 'object' || stored === null) return new Cookie();
  const { expires, originalMaxAge } = stored as CookieData;
  const cookie = new Cookie(stored);
  if (typeof expires === 'string') cookie.expires = new Date(expires);
  cookie.originalMaxAge = originalMaxAge;
  return cookie;
}
