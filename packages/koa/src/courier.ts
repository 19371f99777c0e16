import { tokenIn } from '@sessile/engine';
import { SessionCookie } from './cookie.js';
import type { Scope } from './scope.js';
import type { Awaitable } from './types.js';

/** How the key of a stored session comes from the client, and goes back to it. */
export interface Courier {
  read(): Awaitable<string | undefined>;
  tell(key: string): void;
  /** Takes the key away from the client. */
  erase(): void;
}

/** Keys in a cookie, in headers, or wherever the app keeps them. */
export class KeyCourier implements Courier {
  readonly #scope: Scope;
  readonly #cookie: SessionCookie;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#cookie = new SessionCookie(scope);
  }

  read(): Awaitable<string | undefined> {
    const { ctx, settings } = this.#scope;
    if (settings.externalKey) return settings.externalKey.get(ctx);
    if (settings.transports === undefined) return this.#cookie.read();
    for (const transport of settings.transports) {
      const key = transport === 'cookie' ? this.#cookie.read() : keyIn(tokenIn(ctx.req.headers, transport), this.#scope);
      if (key) return key;
    }
    return undefined;
  }

  tell(key: string): void {
    const { ctx, settings } = this.#scope;
    const { externalKey, transports } = settings;
    if (externalKey) externalKey.set(ctx, key);
    else if (transports === undefined) this.#cookie.write(key);
    else {
      if (transports.includes('cookie')) this.#cookie.write(key);
      const header = transports.find((one) => typeof one === 'object');
      if (header !== undefined || transports.includes('bearer')) {
        ctx.res.setHeader(header?.header ?? 'x-session-token', tokenOf(key, this.#scope));
      }
    }
  }

  erase(): void {
    const { externalKey, transports } = this.#scope.settings;
    if (!externalKey && transports?.includes('cookie') !== false) this.#cookie.erase();
  }
}

interface Signer {
  sign(data: string): string;
  verify(data: string, signature: string): boolean;
}

/** A key as clients send it in a header: with the signature that the cookie would have. */
export function tokenOf(key: string, scope: Scope): string {
  return scope.settings.signed ? `${key}.${signerOf(scope).sign(`${scope.settings.key}=${key}`)}` : key;
}

function keyIn(token: string | undefined, scope: Scope): string | undefined {
  if (token === undefined || !scope.settings.signed) return token;
  const at = token.lastIndexOf('.');
  const key = token.slice(0, Math.max(at, 0));
  if (signerOf(scope).verify(`${scope.settings.key}=${key}`, token.slice(at + 1))) return key;
  scope.notes.session = 'the client sent a token that no key of ours has signed';
  return undefined;
}

/** The Keygrip of `ctx.cookies`. */
function signerOf({ ctx }: Scope): Signer {
  if (!ctx.cookies.keys) throw new Error('.keys required for signed cookies');
  return ctx.cookies.keys as Signer;
}
