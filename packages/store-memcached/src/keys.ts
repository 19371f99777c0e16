import { createHash } from 'node:crypto';

/** memcached takes keys of at most 250 bytes, without spaces and control characters. */
const MAX_BYTES = 250;
const SAFE = /^[\x21-\x7e]*$/;

/** Begins what stands for a sid that cannot be a key as it is: written in ASCII, or, where that is too long, hashed. */
const WRITTEN = '~u:';
const HASHED = '~h:';

/**
 * Sids to memcached keys and back. A usual sid is a key as it is, as connect-memcached writes it; no two sids share a key, for one
 * that looks like a mark of ours is written out as well.
 */
export class Keys {
  readonly prefix: string;
  /** Room for the sid. */
  readonly #room: number;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.#room = MAX_BYTES - prefix.length;
  }

  /** Whether a prefix leaves room for what stands for a sid. */
  static isPrefix(prefix: unknown): prefix is string {
    return typeof prefix === 'string' && SAFE.test(prefix) && prefix.length <= 150;
  }

  of(sid: string): string {
    if (sid.length <= this.#room && SAFE.test(sid) && !sid.startsWith('~')) return this.prefix + sid;
    const written = WRITTEN + encodeURIComponent(sid);
    return this.prefix + (written.length <= this.#room ? written : HASHED + createHash('sha256').update(sid).digest('base64url'));
  }

  /** The sid of a key; of a hashed one, what stands for it. Undefined where the key is not of this store. */
  sidOf(key: string): string | undefined {
    if (!key.startsWith(this.prefix)) return undefined;
    const name = key.slice(this.prefix.length);
    return name.startsWith(WRITTEN) ? decoded(name.slice(WRITTEN.length)) : name;
  }
}

/** What another program wrote under our mark is none of ours. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
