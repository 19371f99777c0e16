import { createSecretKey, type KeyObject } from 'node:crypto';
import { sign, unsign } from 'cookie-signature';

/** What signs: a text, bytes, or a key. */
export type Secret = string | NodeJS.ArrayBufferView | KeyObject;

/** Signs ids, and knows its own signatures: the first secret signs, all of them verify. */
export class Signer {
  readonly #keys: readonly KeyObject[];

  /** @param secrets one or more, the newest first. */
  constructor(secrets: readonly Secret[]) {
    this.#keys = secrets.map(toKey);
  }

  /** `id`, a dot, and an HMAC-SHA256 of it. */
  sign(id: string): string {
    return sign(id, this.#keys[0] as KeyObject);
  }

  /** The id in a signed text; undefined where no secret of ours signed it. Takes the same time wherever it differs. */
  verify(signed: string): string | undefined {
    for (const key of this.#keys) {
      const id = unsign(signed, key);
      if (id !== false) return id;
    }
    return undefined;
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
