import { debug } from '@sessile/engine';
import { SessionCookie } from './cookie.js';
import type { Keeper, Save, Taken } from './keeper.js';
import { lifeIn, type Scope } from './scope.js';
import { type Life, lifeOf, withFields } from './stored.js';
import type { Dict } from './types.js';

/** Keeps sessions in the cookie itself. */
export class CookieKeeper implements Keeper {
  readonly #scope: Scope;
  readonly #cookie: SessionCookie;
  readonly key = undefined;
  readonly loads = false;
  readonly waits = false;
  endsAt: number | undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#cookie = new SessionCookie(scope);
  }

  mayHave(): boolean {
    return Boolean(this.#cookie.read());
  }

  load(): void {}

  take(): Taken | undefined {
    const value = this.#cookie.read();
    const decoded = value ? this.#decode(value) : undefined;
    if (decoded === undefined || !this.#scope.accepts(decoded.data, undefined, (expire) => expire < Date.now())) return undefined;
    this.#scope.adopt(lifeIn(decoded.data));
    this.endsAt = decoded.data['_expire'] as number | undefined;
    return { data: decoded.data, text: decoded.life?.data };
  }

  /** @returns undefined where the cookie is none of a session. */
  #decode(value: string): { data: Dict; life: Life | undefined } | undefined {
    const { decode } = this.#scope.settings;
    try {
      if (decode) return { data: decode(value) as Dict, life: undefined };
      const text = Buffer.from(value, 'base64').toString();
      return { data: JSON.parse(text) as Dict, life: lifeOf(text) };
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

  save({ data, text, fields }: Save): void {
    const { encode } = this.#scope.settings;
    this.#cookie.write(encode ? encode({ ...data, ...fields }) : Buffer.from(withFields(text, fields)).toString('base64'));
  }

  remove(): void {
    this.#cookie.erase();
  }

  renewKey(): void {}
}
