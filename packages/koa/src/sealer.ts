import { seal, type SealingKey, toSealingKey, unseal } from '@sessile/core';
import type { EncryptOption } from './options.js';
import type { KoaContext } from './types.js';

type Secrets = readonly (string | Buffer)[];

const SEALED = /^s1\.([\w-]{8})\.([\w-]+)$/;

/** Encrypts what is kept in cookies: AES-256-GCM, a key of its own for each, bound to the cookie's name. */
export class Sealer {
  readonly #option: EncryptOption;
  #secrets: Secrets | undefined;
  #keys: SealingKey[] = [];

  constructor(option: EncryptOption) {
    this.#option = option;
  }

  /** @param name of the cookie: the value opens under no other. */
  seal(text: string, name: string, ctx: KoaContext): string {
    const key = this.#keysFor(ctx)[0] as SealingKey;
    return `s1.${key.id}.${seal(key, Buffer.from(text), bound(name)).toString('base64url')}`;
  }

  /** @returns undefined where it is not one of ours, was changed, or its key is not listed. */
  open(value: string, names: readonly string[], ctx: KoaContext): string | undefined {
    const [, id, body] = SEALED.exec(value) ?? [];
    const key = this.#keysFor(ctx).find((one) => one.id === id);
    if (key === undefined || body === undefined) return undefined;
    for (const name of names) {
      try {
        return unseal(key, Buffer.from(body, 'base64url'), bound(name)).toString();
      } catch {
        // Changed, or of another cookie.
      }
    }
    return undefined;
  }

  /** Whether a value that is not encrypted may be read. */
  accepts(value: string): boolean {
    return typeof this.#option === 'object' && this.#option.acceptPlain === true && !SEALED.test(value);
  }

  #keysFor(ctx: KoaContext): SealingKey[] {
    const secrets = (typeof this.#option === 'object' ? this.#option.keys : undefined) ?? listOf(ctx.app.keys);
    if (secrets !== this.#secrets) {
      this.#secrets = secrets;
      this.#keys = secrets.map((secret) => toSealingKey(secret as string));
    }
    return this.#keys;
  }
}

/** @throws TypeError where the keys of the app cannot be had. */
function listOf(keys: unknown): Secrets {
  if (Array.isArray(keys) && keys.length > 0) return keys as Secrets;
  throw new TypeError('encrypt option needs app.keys to be a list of texts; or give it keys of its own: encrypt: { keys: [...] }');
}

function bound(name: string): Buffer {
  return Buffer.from(`sessile:cookie:1:${name}`);
}
