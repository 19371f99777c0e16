import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { StoreError } from './errors.js';
import type { Dict } from './json.js';
import type { CodecOptions } from './options.js';
import { seal, type SealingKey, toSealingKey, unseal } from './sealing.js';

/** What a transformed payload looks like. It is JSON, since json columns and other tools must hold it. */
interface Envelope {
  $sessile: 1;
  /** Which key encrypted it. */
  k?: string;
  /** How it was compressed. */
  z?: 'deflate';
  /** Base64 of the text; encrypted: salt, nonce, tag, ciphertext. */
  d: string;
}

/** Begins with a rare letter, which makes it quick to look for. */
const MARK = '$sessile":1';

/** What has a SHA-256: a sid. */
interface Hashed {
  hash(): string;
}

/**
 * Session to payload and back: serialize, compress, encrypt.
 *
 * What one set of options wrote, another reads, as long as it has the key.
 *
 * @see RST-1 to RST-5 in docs/contract.md
 */
export class Codec {
  readonly #options: CodecOptions;
  readonly #keys: readonly SealingKey[];

  constructor(options: CodecOptions) {
    this.#options = options;
    this.#keys = (options.encrypt?.keys ?? []).map(toSealingKey);
  }

  /**
   * The text of a session, taken now.
   *
   * @throws StoreError ERR_STORE_ENCODE when it cannot be serialized, or is not an object once it is.
   */
  stringify(session: object): string {
    const text = this.#serialize(session);
    if (typeof text !== 'string' || (this.#options.serializer === undefined && !text.startsWith('{'))) {
      throw encodeError('it gives no object; is there a toJSON method that returns something else?');
    }
    return text;
  }

  #serialize(session: object): string | undefined {
    try {
      const { serializer } = this.#options;
      return serializer === undefined ? JSON.stringify(session) : serializer.stringify(session as Dict);
    } catch (error) {
      throw encodeError(error instanceof TypeError ? 'it is circular or holds a BigInt' : 'its serializer or a toJSON method threw');
    }
  }

  /**
   * The session of a text.
   *
   * @throws StoreError ERR_STORE_DECODE when it is no text of a session.
   */
  parse(text: string): Dict {
    return asSession(this.#parse(text));
  }

  #parse(text: string): unknown {
    const { serializer } = this.#options;
    if (serializer === undefined) return parseJson(text);
    try {
      return serializer.parse(text);
    } catch {
      // Sessions stored before the serializer was set are JSON.
      return parseJson(text);
    }
  }

  /**
   * The payload that a driver stores for a text.
   *
   * @param text what {@link stringify} gave.
   * @param id its SHA-256 is what the ciphertext is bound to.
   * @param json whether the backend takes nothing but JSON.
   */
  encode(text: string, id: Hashed, json: boolean): string {
    const { compress, encrypt, serializer } = this.#options;
    const foreign = serializer !== undefined && json;
    if (compress === undefined && encrypt === undefined && !foreign && !looksWrapped(text)) return text;
    return this.#wrap(text, id, foreign);
  }

  #wrap(text: string, id: Hashed, foreign: boolean): string {
    const plain = Buffer.from(text);
    const packed = this.#compress(plain);
    const key = this.#keys[0];
    if (key === undefined && packed === plain && !foreign && !looksWrapped(text)) return text;
    const envelope: Envelope = { $sessile: 1, d: '' };
    if (key !== undefined) envelope.k = key.id;
    if (packed !== plain) envelope.z = 'deflate';
    envelope.d = (key === undefined ? packed : seal(key, packed, aad(envelope, id.hash()))).toString('base64');
    return JSON.stringify(envelope);
  }

  #compress(plain: Buffer): Buffer {
    const { compress } = this.#options;
    if (compress === undefined || plain.length <= compress.aboveBytes) return plain;
    const packed = deflateRawSync(plain);
    return packed.length < plain.length ? packed : plain;
  }

  /**
   * The text in a payload and the session in the text, which a plain payload needs one parsing for.
   *
   * @throws StoreError ERR_STORE_DECODE when it is encrypted with a key that is not listed, was changed or swapped, is
   *   too large once inflated, is plain where `encrypt` is on and `acceptPlain` is not, or is no text of a session.
   */
  decode(payload: string, id: Hashed): { text: string; session: Dict } {
    const { serializer, encrypt } = this.#options;
    const value: unknown = serializer === undefined ? parseJson(payload) : tryJson(payload);
    const envelope = isEnvelope(value) ? value : undefined;
    if (encrypt !== undefined && !encrypt.acceptPlain && envelope?.k === undefined) {
      throw decodeError('it is not encrypted; set encrypt.acceptPlain to true while such sessions are left');
    }
    if (envelope === undefined && serializer === undefined) return { text: payload, session: asSession(value) };
    const text = envelope === undefined ? payload : this.#open(envelope, id);
    return { text, session: this.parse(text) };
  }

  /** Whether a payload is the very text of a session, which can be told without parsing it; false where it takes {@link decode}. */
  isPlain(payload: string): boolean {
    const { serializer, encrypt } = this.#options;
    const whole = payload.startsWith('{') && payload.endsWith('}');
    return serializer === undefined && encrypt === undefined && whole && !payload.includes(MARK);
  }

  #open(envelope: Envelope, id: Hashed): string {
    let data: Buffer = Buffer.from(envelope.d, 'base64');
    if (envelope.k !== undefined) data = this.#unseal(envelope, data, id.hash());
    if (envelope.z === undefined) return data.toString();
    try {
      return inflateRawSync(data, { maxOutputLength: this.#options.maxInflatedBytes }).toString();
    } catch {
      throw decodeError('it does not inflate, or to more than compress.maxInflatedBytes');
    }
  }

  #unseal(envelope: Envelope, data: Buffer, idHash: string): Buffer {
    const key = this.#keys.find(({ id }) => id === envelope.k);
    if (key === undefined) throw decodeError('it is encrypted with a key that is not in encrypt.keys');
    try {
      return unseal(key, data, aad(envelope, idHash));
    } catch {
      throw decodeError('its ciphertext was changed, or belongs to another session');
    }
  }
}

/** What a payload shows to who has neither keys nor a serializer. */
export type Peek =
  /** `plain`: JSON as it is. `packed`: JSON that was compressed, or wrapped. `text` is the JSON. */
  | { readonly form: 'plain' | 'packed'; readonly session: Dict; readonly text: string }
  | { readonly form: 'encrypted' }
  /** Another serializer's text, something that is no session, or damaged. */
  | { readonly form: 'other' };

/** Looks into a payload as far as that goes. */
export function peek(payload: string): Peek {
  const value = tryJson(payload);
  if (isEnvelope(value) && value.k !== undefined) return { form: 'encrypted' };
  try {
    const { text, session } = KEYLESS.decode(payload, NOBODY);
    return { form: isEnvelope(value) ? 'packed' : 'plain', session, text };
  } catch {
    return { form: 'other' };
  }
}

/** A text that is not JSON, as a backend takes it that holds JSON alone. A store with the same serializer reads it. */
export function asJson(payload: string): string {
  if (tryJson(payload) !== undefined) return payload;
  return JSON.stringify({ $sessile: 1, d: Buffer.from(payload).toString('base64') } satisfies Envelope);
}

/** Whether nothing is in it: what stands for data that only another library can read. */
export function isHollow(payload: string): boolean {
  if (payload.length > 200) return false;
  const value = tryJson(payload);
  return isEnvelope(value) && value.d === '';
}

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null) return false;
  const { $sessile, d } = value as Partial<Envelope>;
  return $sessile === 1 && typeof d === 'string';
}

/** Session data that would be taken for an envelope when it is read is wrapped in one. */
function looksWrapped(text: string): boolean {
  return text.includes(MARK) && isEnvelope(tryJson(text));
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asSession(value: unknown): Dict {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw decodeError('the stored value is not an object');
  return value as Dict;
}

const KEYLESS = new Codec({ serializer: undefined, compress: undefined, encrypt: undefined, maxInflatedBytes: 16 * 1024 * 1024 });
const NOBODY: Hashed = { hash: () => '' };

function aad(envelope: Envelope, idHash: string): Buffer {
  return Buffer.from(`sessile:1:${envelope.k}:${envelope.z ?? ''}:${idHash}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's own message quotes the text.
    throw decodeError('it is not JSON');
  }
}

/** SHA-256 of a sid, in hex. */
export function sha256(sid: string): string {
  return createHash('sha256').update(sid).digest('hex');
}

function encodeError(reason: string): StoreError {
  return new StoreError('ERR_STORE_ENCODE', `The session cannot be serialized (${reason}). What was stored before is unchanged.`);
}

function decodeError(reason: string): StoreError {
  return new StoreError('ERR_STORE_DECODE', `A stored session cannot be read: ${reason}. It was left as it is; destroy() removes it.`);
}
