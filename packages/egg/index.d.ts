import type { KoaStore, SessionOptions as KoaSessionOptions } from '@sessile/koa' with { 'resolution-mode': 'import' };
import type { Application } from 'egg';

/**
 * What an app keeps in its sessions. Tell it once, and `ctx.session` knows it everywhere:
 *
 * ```ts
 * declare module '@sessile/egg' {
 *   interface SessionData {
 *     user: string;
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- the app fills it
export interface SessionData {}

// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- by another name for the module below
interface DataOfEgg extends SessionData {}

declare module '@sessile/koa' {
  // oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- all that it holds
  interface SessionData extends DataOfEgg {}
}

/** The named options of koa-session; `Omit` would lose their names to those of the cookie. */
type Named = { [Name in keyof KoaSessionOptions as string extends Name ? never : Exclude<Name, 'encrypt'>]: KoaSessionOptions[Name] };

/** `config.session`. */
export interface SessionOptions extends Named {
  /** Encrypts the cookie with `config.keys`, as Egg does. `acceptPlain` also reads cookies that are signed alone. Default: true. */
  encrypt?: boolean | { acceptPlain: boolean } | undefined;
  /** Whether log lines of sessions that are not taken show what was stored. Default: true. */
  logValue?: boolean | undefined;
  /** Everything else goes to `ctx.cookies`. */
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever that takes
  [cookieOption: string]: any;
}

/** What sessions can be kept in: a store of Sessile, or your own. */
export type SessionStore = KoaStore;

/** For `config/plugin.js`, where egg does not find the package by its name. */
export const plugin: { enable: boolean; path: string };

declare module 'egg' {
  interface Application {
    /** Where sessions are kept; undefined: in the cookie. */
    get sessionStore(): SessionStore | undefined;
    /** A store, or a class that is made with the app; null: from now on they are kept in the cookie. Counts from the next request on. */
    set sessionStore(store: SessionStore | (new (app: Application) => SessionStore) | null | undefined);
  }

  interface EggAppConfig {
    session: SessionOptions;
  }
}
