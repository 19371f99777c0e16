import { createSecretKey, type KeyObject } from 'node:crypto';
import { sign, unsign } from 'cookie-signature';

/** What signs: a text, bytes, or a key. */
export type Secret = string | NodeJS.ArrayBufferView | KeyObject;

/** What a good signature tells. */
export interface Verified {
  id: string;
  /** Whether the newest secret made it. */
  isNewest: boolean;
}

/** How many good signatures are remembered: about 300 bytes each. */
const SEEN = 4096;

/** Signs ids, and knows its own signatures: the first secret signs, all of them verify. */
export class Signer {
  readonly #keys: readonly KeyObject[];
  readonly #seen = new Map<string, Verified>();

  /** @param secrets one or more, the newest first. */
  constructor(secrets: readonly Secret[]) {
    this.#keys = secrets.map(toKey);
  }

  /** `id`, a dot, and an HMAC-SHA256 of it. */
  sign(id: string): string {
    return sign(id, this.#keys[0] as KeyObject);
  }

  /**
   * The id in a signed text; undefined where no secret of ours signed it. Takes the same time wherever it differs.
   *
   * What was found good is remembered: a client sends the same text with each request. That tells nobody anything, since a text is
   * looked for as a whole.
   */
  verify(signed: string): Verified | undefined {
    const seen = this.#seen.get(signed);
    if (seen !== undefined) return seen;
    for (const [index, key] of this.#keys.entries()) {
      const id = unsign(signed, key);
      if (id !== false) return this.#remember(signed, { id, isNewest: index === 0 });
    }
    return undefined;
  }

  #remember(signed: string, verified: Verified): Verified {
    if (this.#seen.size >= SEEN) this.#seen.delete(this.#seen.keys().next().value as string);
    this.#seen.set(signed, verified);
    return verified;
  }
}

/** A prepared key signs faster than a text, which would be turned into one each time. */
function toKey(secret: Secret): KeyObject {
  if (typeof secret === 'string') return createSecretKey(Buffer.from(secret));
  return ArrayBuffer.isView(secret) ? createSecretKey(secret) : secret;
}

const signers = new Map<Secret, Signer>();
const SIGNERS = 1000;

/** The signer of a list of secrets. That of a single one is kept, since a function of the request gives the same ones again. */
export function signerOf(secret: Secret | readonly Secret[]): Signer {
  if (Array.isArray(secret)) return new Signer(secret as Secret[]);
  const one = secret as Secret;
  let signer = signers.get(one);
  if (signer === undefined) {
    signer = new Signer([one]);
    if (signers.size >= SIGNERS) signers.clear();
    signers.set(one, signer);
  }
  return signer;
}
