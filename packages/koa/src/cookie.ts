import { attributesOf, isByCookies } from './options.js';
import type { Scope } from './scope.js';
import type { Dict } from './types.js';
import { readSigned, writeSigned } from './verified.js';

const EPOCH = new Date(0);
/** What a browser keeps of a cookie: name, value and attributes. */
const LONGEST_BYTES = 4096;
/** What the attributes of a cookie hardly ever take. */
const ROOM_BYTES = 512;

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
    const { ctx, settings, site, notes } = this.#scope;
    const header = ctx.req.headers['cookie'] as string | undefined;
    // A `get` that a test has put there has cookies of its own.
    if (header === undefined && !Object.hasOwn(ctx.cookies, 'get')) return undefined;
    const value = this.#get(settings.key) ?? this.#plain();
    if (value) return value;
    const old = site.oldKey === undefined ? undefined : this.#get(site.oldKey);
    if (old) this.#sentAs = site.oldKey;
    else if (header?.includes(`${settings.key}=`)) notes.session = 'the client sent a cookie that no key of ours has signed';
    return old;
  }

  #get(name: string): string | undefined {
    const { ctx, settings, site } = this.#scope;
    return settings.signed ? readSigned(ctx, name, site.attributes) : ctx.cookies.get(name, site.attributes);
  }

  /** What was signed alone, before `ctx.cookies` encrypted, where the app reads such too. */
  #plain(): string | undefined {
    const { ctx, settings, site } = this.#scope;
    const { encrypt } = settings;
    const isAccepted = typeof encrypt === 'object' && isByCookies(encrypt) && encrypt.acceptPlain === true;
    return isAccepted ? ctx.cookies.get(settings.key, { ...site.attributes, encrypt: false, signed: true }) : undefined;
  }

  /**
   * Sends the cookie, under the name that it came with: whoever goes back to the older release finds it.
   *
   * @returns false where a browser would not keep it: then nothing was sent.
   * @throws Error `.keys required for signed cookies`, and what `ctx.cookies` says of its options.
   */
  write(value: string): boolean {
    const { ctx, settings, lifeMs } = this.#scope;
    const name = this.#sentAs ?? settings.key;
    const attributes = this.#attributes();
    if (lifeMs !== undefined) attributes['maxAge'] = lifeMs;
    if (name.length + value.length + ROOM_BYTES < LONGEST_BYTES) {
      writeSigned(ctx, name, value, attributes);
      return true;
    }
    const before = [ctx.res.getHeader('set-cookie') ?? []].flat() as string[];
    ctx.cookies.set(name, value, attributes);
    const lines = [ctx.res.getHeader('set-cookie')].flat() as string[];
    if (lines.every((line) => !line.startsWith(`${name}=`) || Buffer.byteLength(line) <= LONGEST_BYTES)) return true;
    if (before.length > 0) ctx.res.setHeader('set-cookie', before);
    else ctx.res.removeHeader('set-cookie');
    return false;
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
