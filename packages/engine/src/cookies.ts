import { parse, serialize, type SerializeOptions } from 'cookie';
import type { CookieData } from '@sessile/core';

/** What a cookie may be told to be; the properties of the session's `Cookie`. */
export interface CookieOptions {
  /** Which paths it is sent to, and which the middleware serves. Default: '/'. */
  path?: string | undefined;
  /** Default: the host alone. */
  domain?: string | undefined;
  /** Hide it from scripts. Default: true. */
  httpOnly?: boolean | undefined;
  /** Send it over TLS only. 'auto': as the connection is. Default: false. */
  secure?: boolean | 'auto' | undefined;
  /** In milliseconds; null: until the browser is closed. Default: null. */
  maxAge?: number | null | undefined;
  /** Better left alone: `maxAge` sets it. */
  expires?: Date | null | undefined;
  /** true is 'strict'. 'auto': 'none' over TLS, else 'lax'. Default: not set. */
  sameSite?: boolean | 'lax' | 'strict' | 'none' | 'auto' | undefined;
  /** Keep it apart for each top-level site. Needs `secure`. Default: false. */
  partitioned?: boolean | undefined;
  priority?: 'low' | 'medium' | 'high' | undefined;
}

/**
 * The values of a cookie in a request, in the order in which they came: a browser sends several where sites or paths overlap.
 *
 * @param header the `Cookie` header.
 */
export function readCookies(header: string | undefined, name: string): string[] {
  const values: string[] = [];
  if (header === undefined || !header.includes(`${name}=`)) return values;
  for (const pair of header.split(';')) {
    if (!pair.trimStart().startsWith(name)) continue;
    const value = parse(pair, UNQUOTED)[name];
    if (value !== undefined) values.push(value);
  }
  return values;
}

/** Some clients quote values, which earlier versions of the library took off. */
const UNQUOTED = {
  decode(text: string): string {
    const value = text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
    try {
      return value.includes('%') ? decodeURIComponent(value) : value;
    } catch {
      return value;
    }
  },
};

/**
 * A `Set-Cookie` header's value.
 *
 * @throws TypeError where the name or an option would break the header.
 */
export function writeCookie(name: string, value: string, data: CookieData): string {
  return serialize(name, value, data as SerializeOptions);
}

/** A `Set-Cookie` header's value that takes a cookie away. */
export function eraseCookie(name: string, data: CookieData): string {
  return serialize(name, '', { ...(data as SerializeOptions), expires: new Date(0) });
}

/**
 * Checks a cookie's options where they are given, rather than at the first response.
 *
 * @throws TypeError for what a header cannot hold, and for what a browser would refuse.
 */
export function checkCookie(name: string, options: CookieOptions): void {
  const { secure, sameSite } = options;
  const written = { ...options, maxAge: undefined, expires: undefined, sameSite: sameSite === 'auto' ? 'lax' : sameSite };
  writeCookie(name, 'x', written as unknown as CookieData);
  checkPrefix(name, options);
  if (options.partitioned === true && secure !== true && secure !== 'auto') {
    throw new TypeError('cookie.partitioned needs cookie.secure: true; browsers refuse the cookie otherwise');
  }
}

function checkPrefix(name: string, { secure, domain, path }: CookieOptions): void {
  const lower = name.toLowerCase();
  const host = lower.startsWith('__host-');
  if (!host && !lower.startsWith('__secure-')) return;
  const needs = host ? 'cookie.secure: true, cookie.path: "/" and no cookie.domain' : 'cookie.secure: true';
  const kept = secure === true && (!host || (domain === undefined && (path ?? '/') === '/'));
  if (!kept) throw new TypeError(`a cookie named ${host ? '__Host-' : '__Secure-'}... needs ${needs}; browsers refuse it otherwise`);
}
