import { debug } from '@sessile/engine';
import { SessionCookie } from './cookie.js';
import type { Keeper, Save, Taken } from './keeper.js';
import type { Scope } from './scope.js';
import { type Life, lifeOf, withFields } from './stored.js';
import type { Dict } from './types.js';

/** The session is too long for a cookie: nothing was sent, and the client keeps the one that it has. */
export class SessionCookieError extends Error {
  override readonly name = 'SessionCookieError';
  readonly code = 'ERR_SESSION_COOKIE_TOO_LARGE';
}

/** Keeps sessions in the cookie itself. */
export class CookieKeeper implements Keeper {
  readonly #scope: Scope;
  readonly #cookie: SessionCookie;
  readonly key = undefined;
  readonly loads = false;
  readonly waits = false;
  readonly owes = false;
  readonly detached = false;
  endsAt: number | undefined;

  constructor(scope: Scope, cookie = new SessionCookie(scope)) {
    this.#scope = scope;
    this.#cookie = cookie;
  }

  mayHave(): boolean {
    return Boolean(this.#cookie.read());
  }

  load(): void {}

  take(): Taken | undefined {
    const value = this.#cookie.read();
    const decoded = value ? this.#decode(value) : undefined;
    if (decoded === undefined || !this.#scope.accepts(decoded.data, undefined, (expire) => expire < Date.now())) return undefined;
    this.#scope.adopt(decoded.data);
    this.endsAt = decoded.data['_expire'] as number | undefined;
    return { data: decoded.data, text: decoded.life?.data };
  }

  /** @returns undefined where the cookie is none of a session. */
  #decode(value: string): { data: Dict; life: Life | undefined } | undefined {
    const { sealer, oldKey, settings } = this.#scope.site;
    if (sealer === undefined || sealer.accepts(value)) return this.#decodePlain(value);
    const names = oldKey === undefined ? [settings.key] : [settings.key, oldKey];
    const text = sealer.open(value, names, this.#scope.ctx);
    if (text !== undefined) return parsed(text);
    this.#scope.refuse('invalid', undefined, undefined);
    return undefined;
  }

  #decodePlain(value: string): { data: Dict; life: Life | undefined } | undefined {
    const { decode } = this.#scope.settings;
    try {
      return decode ? { data: decode(value) as Dict, life: undefined } : parsed(Buffer.from(value, 'base64').toString());
    } catch (error) {
      debug('the cookie could not be decoded');
      if (error instanceof SyntaxError || !(error instanceof Error)) return undefined;
      // The next request does not fail for it again: Koa takes the headers of an error for those of its answer.
      this.#cookie.erase();
      throw Object.assign(error, { headers: { 'set-cookie': this.#scope.ctx.res.getHeader('set-cookie') } });
    }
  }

  /** There is nothing to touch: the lifetime stands in the cookie. */
  touch(): boolean {
    return false;
  }

  /** @throws SessionCookieError where a browser would not keep it. */
  save(save: Save): void {
    const value = this.encoded(save);
    if (this.#cookie.write(value)) return;
    const { key } = this.#scope.settings;
    throw new SessionCookieError(
      `the session takes ${value.length} bytes in its cookie ${JSON.stringify(key)}; with name and attributes a browser keeps 4096. ` +
        'The client has its old session. Keep less in it, or give the option `overflow` or `store`.',
    );
  }

  /** A session as it stands in the cookie. */
  encoded({ data, text, fields }: Save): string {
    const { encode, key } = this.#scope.settings;
    const { sealer } = this.#scope.site;
    if (sealer !== undefined) return sealer.seal(withFields(text, fields), key, this.#scope.ctx);
    return encode ? encode({ ...data, ...fields }) : Buffer.from(withFields(text, fields)).toString('base64');
  }

  /** The client has its cookie by each save. */
  tell(): void {}

  remove(): void {
    this.#cookie.erase();
    this.#scope.forget();
  }

  renewKey(): void {}
}

function parsed(text: string): { data: Dict; life: Life | undefined } {
  return { data: JSON.parse(text) as Dict, life: lifeOf(text) };
}
