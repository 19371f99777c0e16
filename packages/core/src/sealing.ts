import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What encrypts: a secret, and the name that a ciphertext knows it by. */
export interface SealingKey {
  id: string;
  secret: Buffer;
}

/** @param secret a text or bytes, long and random. */
export function toSealingKey(secret: string | Buffer): SealingKey {
  const bytes = Buffer.from(secret as string);
  const id = Buffer.from(hkdfSync('sha256', bytes, '', 'sessile key id', 6)).toString('base64url');
  return { id, secret: bytes };
}

/** Each message has a key of its own, so that no count of messages wears a key out. */
function messageKey(key: SealingKey, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key.secret, salt, 'sessile session', 32));
}

/**
 * AES-256-GCM.
 *
 * @param bound what the ciphertext belongs to: it opens with the same alone.
 * @returns salt, nonce, tag, ciphertext.
 */
export function seal(key: SealingKey, plain: Buffer, bound: Buffer): Buffer {
  const head = randomBytes(SALT_BYTES + NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', messageKey(key, head.subarray(0, SALT_BYTES)), head.subarray(SALT_BYTES));
  const sealed = [cipher.setAAD(bound).update(plain), cipher.final()];
  return Buffer.concat([head, cipher.getAuthTag(), ...sealed]);
}

/** @throws where it was changed, or is bound to something else. */
export function unseal(key: SealingKey, data: Buffer, bound: Buffer): Buffer {
  const nonceEnd = SALT_BYTES + NONCE_BYTES;
  const start = nonceEnd + TAG_BYTES;
  const nonce = data.subarray(SALT_BYTES, nonceEnd);
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv('aes-256-gcm', messageKey(key, data.subarray(0, SALT_BYTES)), nonce, options);
  decipher.setAAD(bound).setAuthTag(data.subarray(nonceEnd, start));
  return Buffer.concat([decipher.update(data.subarray(start)), decipher.final()]);
}
