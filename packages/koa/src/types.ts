import type { Next } from 'koa';
import type { Session } from './model.js';

/**
 * What an app keeps in its sessions. Tell it once, and `ctx.session` knows it everywhere:
 *
 * ```ts
 * declare module '@sessile/koa' {
 *   interface SessionData {
 *     user: string;
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- the app fills it
export interface SessionData {}

// oxlint-disable typescript/no-explicit-any -- contexts of Koa 2, Koa 3 and Egg, whoever wrote their types

/** A context of Koa 2, Koa 3 or Egg, as far as the middleware needs it. */
export interface KoaContext {
  app: KoaApp;
  req: { headers: Record<string, string | string[] | undefined> };
  res: {
    headersSent: boolean;
    getHeader(name: string): unknown;
    setHeader(name: string, value: string | readonly string[]): unknown;
    removeHeader(name: string): void;
  };
  cookies: {
    get(name: string, options?: any): string | undefined;
    set(name: string, value?: string | null, options?: any): unknown;
    keys?: any;
  };
  [name: PropertyKey]: any;
}

/** An app of Koa 2, Koa 3 or Egg. */
export interface KoaApp {
  use(...middlewares: any[]): any;
  emit(event: string, ...details: any[]): any;
  listenerCount?(event: string): number;
  context: object;
  keys?: any;
}

/** What koa-session takes for a store: promises or values. */
export interface KoaStore {
  get(key: string, maxAge?: any, hints?: any): any;
  set(key: string, session: any, maxAge?: any, hints?: any): any;
  destroy(key: string, hints?: any): any;
}

// oxlint-enable

/** What runs the middlewares that come after. */
export type KoaNext = Next;

export type { Awaitable } from '@sessile/core/driver';

/** Session data as they are stored: what the app keeps, and koa-session's own fields. */
export type Dict = Record<string, unknown>;

declare module 'koa' {
  interface BaseContext {
    /** The session. Set it to null to log out, or to an object to replace its data. */
    get session(): Session & Partial<SessionData>;
    set session(value: object | null);
    /** The options of the session middleware, for this request: what is changed here counts for this response. */
    // oxlint-disable-next-line typescript/no-explicit-any -- options of the cookie, whatever `ctx.cookies` takes
    readonly sessionOptions: any;
  }
}
