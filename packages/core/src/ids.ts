import { sha256 } from './codec.js';
import { StoreError } from './errors.js';

const MAX_SID_BYTES = 1024;
const MARK = 'h1-';
const MARKED = /^h1-[0-9a-f]{64}$/;

/** A session's names. */
export class Id {
  /** What the middleware calls it; of a session found by its stored id, that. */
  readonly sid: string;
  /** What the driver is asked for. */
  readonly key: string;
  /** What admin tools see. */
  readonly storedId: string;
  #hash: string | undefined;

  constructor(sid: string, key: string, storedId: string, hash?: string) {
    this.sid = sid;
    this.key = key;
    this.storedId = storedId;
    this.#hash = hash;
  }

  /** SHA-256 of the sid in hex: what ciphertexts are bound to. */
  hash(): string {
    this.#hash ??= sha256(this.sid);
    return this.#hash;
  }
}

/** The id of a stored key, as a walk finds it. */
export function storedId(key: string): Id {
  return new Id(key, key, key, isMarked(key) ? key.slice(MARK.length) : undefined);
}

/** The form in which a hashed sid is stored. */
export function markedId(sid: string): string {
  return MARK + sha256(sid);
}

/** Whether a sid looks like a stored hash: what a thief would send who read the backend. It never finds anything. */
export function isMarked(sid: string): boolean {
  return sid.startsWith(MARK) && MARKED.test(sid);
}

/**
 * The id of a sid.
 *
 * @param sid any non-empty, well-formed string up to 1,024 bytes of UTF-8. A lone surrogate has no form of its own in UTF-8:
 *   two sids would be one.
 * @param hashIds whether the backend sees a hash of it.
 * @param hashedByDriver whether the driver makes that hash: while sessions from before the switch are still found.
 * @throws StoreError ERR_STORE_INVALID_ARGUMENT for anything else.
 * @see SID-1 in docs/contract.md
 */
export function idOf(sid: unknown, hashIds: boolean, hashedByDriver: boolean): Id {
  if (typeof sid !== 'string') throw invalidSid(`a value of type ${sid === null ? 'null' : typeof sid}`);
  if (sid.length === 0) throw invalidSid('empty');
  if (sid.length * 3 > MAX_SID_BYTES && Buffer.byteLength(sid) > MAX_SID_BYTES) throw invalidSid(`longer than ${MAX_SID_BYTES} bytes`);
  if (!(sid as string & { isWellFormed(): boolean }).isWellFormed()) throw invalidSid('not well-formed Unicode');
  if (!hashIds) return new Id(sid, sid, sid);
  const hash = sha256(sid);
  return new Id(sid, hashedByDriver ? sid : MARK + hash, MARK + hash, hash);
}

function invalidSid(given: string): StoreError {
  return new StoreError('ERR_STORE_INVALID_ARGUMENT', `The sid is ${given}. Pass a non-empty string of at most ${MAX_SID_BYTES} bytes.`);
}
