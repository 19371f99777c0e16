import { attributesOf } from './options.js';
import type { Scope } from './scope.js';
import type { Dict } from './types.js';

const EPOCH = new Date(0);

/** A request's cookie: under which name it came, and what it goes out with. `ctx.cookies` reads, signs and writes it. */
export class SessionCookie {
  readonly #scope: Scope;
  /** The name that older releases gave it, where the client sent that. */
  #sentAs: string | undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** The value, where it is there and its signature is good. */
  read(): string | undefined {
    const { ctx, settings, site } = this.#scope;
    const value = ctx.cookies.get(settings.key, site.attributes);
    if (value || site.oldKey === undefined) return value;
    const old = ctx.cookies.get(site.oldKey, site.attributes);
    if (old) this.#sentAs = site.oldKey;
    return old;
  }

  /**
   * Sends the cookie, under the name that it came with: whoever goes back to the older release finds it.
   *
   * @throws Error `.keys required for signed cookies`, and what `ctx.cookies` says of its options.
   */
  write(value: string): void {
    const { ctx, settings } = this.#scope;
    const attributes = this.#attributes();
    if (typeof settings.maxAge === 'number') attributes['maxAge'] = settings.maxAge;
    ctx.cookies.set(this.#sentAs ?? settings.key, value, attributes);
  }

  /** Takes the cookie away, under each name that the client may have it by. */
  erase(): void {
    const { ctx, settings, site } = this.#scope;
    const attributes = { ...this.#attributes(), expires: EPOCH, maxAge: false };
    ctx.cookies.set(settings.key, '', attributes);
    if (site.oldKey !== undefined && ctx.cookies.get(site.oldKey, { signed: false })) ctx.cookies.set(site.oldKey, '', attributes);
  }

  #attributes(): Dict {
    const { settings, site } = this.#scope;
    return settings === site.settings ? { ...site.attributes } : attributesOf(settings);
  }
}
