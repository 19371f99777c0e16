import { hash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fstatSync, ftruncateSync, mkdtempSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../errors.js';
import { FINGERPRINT_BYTES } from './fingerprint.js';

/** What this copy knows of a session that it put into the target. */
export interface Entry {
  /** Of what it put there. */
  readonly fingerprint: Buffer;
  /** When that ends, in ms since 1970. */
  readonly endsAt: number;
  /** The pass that saw it in the source last. */
  readonly pass: number;
  /** Of what stood there before: where the copy was killed in between, either may. Undefined once it is known. */
  readonly before: Buffer | undefined;
}

const MAGIC = 'sessile1';
const HEADER_BYTES = 64;
const ID_BYTES = 16;
const SLOT_BYTES = 40;
const SLOTS_AT_ONCE = 8;
const RECENT = 10_000;
const LEAST_CAPACITY = 1 << 15;
/** Passes are counted in seven bits. */
const PASSES = 127;
const UNSURE = 0x80;
const NO_FINGERPRINT = Buffer.alloc(FINGERPRINT_BYTES);

/**
 * What a copy has put into the target, in a file: a hash table with 40 bytes for a session, of which half are free. So memory stays
 * the same whatever is copied, and a copy that was killed goes on where it was.
 *
 * Session ids are hashed with a salt of the file's own. A process that is killed loses nothing; a machine that loses its power may
 * lose the last moments, and the copy then compares those sessions with the target once more.
 */
export class Ledger {
  #file: number;
  readonly #path: string | undefined;
  readonly #isFrozen: boolean;
  readonly #isReadOnly: boolean;
  #salt = randomBytes(16);
  #stores: Buffer;
  #capacity = LEAST_CAPACITY;
  #count = 0;
  #pass = 1;
  #isDone = false;
  readonly #recent = new Map<string, { key: Buffer; at: number }>();
  readonly #window = Buffer.alloc(SLOTS_AT_ONCE * SLOT_BYTES);

  /**
   * @param path the file, made where it is missing; undefined for one that goes with the process.
   * @param stores names what is copied from where to where: a file of another copy is refused.
   * @param isFrozen nothing is written (`--dry-run`).
   * @throws UsageError where the file is none of ours, or another copy's.
   */
  constructor(path: string | undefined, stores: string, isFrozen = false) {
    this.#path = isFrozen ? undefined : path;
    this.#isFrozen = isFrozen;
    this.#stores = hash('sha256', stores, 'buffer').subarray(0, 16);
    const isThere = path !== undefined && existsSync(path);
    this.#isReadOnly = isThere && isFrozen;
    if (isThere) {
      this.#file = openSync(path, isFrozen ? 'r' : 'r+');
      this.#readHeader(path);
    } else {
      this.#file = this.#path === undefined ? openUnnamed() : openSync(this.#path, 'wx+', 0o600);
      this.#format();
    }
  }

  /** The pass that is under way, or to come: 1 to 127, then from 1 again. */
  get pass(): number {
    return this.#pass;
  }

  /** Whether the last pass came to its end. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** How many sessions it knows. */
  get size(): number {
    return this.#count;
  }

  /** A pass came to its end. */
  finish(): void {
    this.#isDone = true;
    this.#writeHeader();
  }

  /** Another pass begins. */
  begin(): void {
    this.#pass = (this.#pass % PASSES) + 1;
    this.#isDone = false;
    this.#writeHeader();
  }

  find(id: string): Entry | undefined {
    const key = this.#key(id);
    const slot = this.#slotOf(key);
    if (slot.isFree) return undefined;
    this.#remember(id, key, slot.at);
    return entryOf(slot.bytes);
  }

  note(id: string, entry: Entry): void {
    if (this.#isFrozen) return;
    const recent = this.#recent.get(id);
    if (recent === undefined) this.#add(id, entry);
    else writeSync(this.#file, bytesOf(recent.key, entry), 0, SLOT_BYTES, recent.at);
  }

  #add(id: string, entry: Entry): void {
    const key = this.#key(id);
    const { at, isFree } = this.#slotOf(key);
    writeSync(this.#file, bytesOf(key, entry), 0, SLOT_BYTES, at);
    this.#remember(id, key, at);
    if (!isFree) return;
    this.#count += 1;
    if (this.#count * 2 > this.#capacity) this.#grow();
  }

  /** A session that is noted is noted again soon, and its place does not change while the table does not grow. */
  #remember(id: string, key: Buffer, at: number): void {
    if (this.#recent.size >= RECENT) this.#recent.clear();
    this.#recent.set(id, { key, at });
  }

  close(): void {
    this.#writeHeader();
    closeSync(this.#file);
  }

  #key(id: string): Buffer {
    return hash('sha256', Buffer.concat([this.#salt, Buffer.from(id)]), 'buffer').subarray(0, ID_BYTES);
  }

  /** The session's slot, or the free one where it belongs. Slots are read several at a time: most walks end in the first. */
  #slotOf(key: Buffer): { at: number; isFree: boolean; bytes: Buffer } {
    for (let index = key.readUIntBE(0, 6) % this.#capacity; ;) {
      const slots = Math.min(SLOTS_AT_ONCE, this.#capacity - index);
      readSync(this.#file, this.#window, 0, slots * SLOT_BYTES, positionOf(index));
      for (let n = 0; n < slots; n += 1) {
        const bytes = this.#window.subarray(n * SLOT_BYTES, (n + 1) * SLOT_BYTES);
        const isFree = bytes[ID_BYTES] === 0;
        if (isFree || bytes.compare(key, 0, ID_BYTES, 0, ID_BYTES) === 0) return { at: positionOf(index + n), isFree, bytes };
      }
      index = (index + slots) % this.#capacity;
    }
  }

  /** Into a new file of twice the size, which then takes the place of this one: a process that is killed leaves either of them whole. */
  #grow(): void {
    this.#recent.clear();
    const [from, slots] = [this.#file, this.#capacity];
    const path = this.#path === undefined ? undefined : `${this.#path}.growing`;
    if (path !== undefined) rmSync(path, { force: true });
    this.#file = path === undefined ? openUnnamed() : openSync(path, 'wx+', 0o600);
    this.#capacity *= 2;
    this.#format();
    const window = Buffer.alloc(1024 * SLOT_BYTES);
    for (let index = 0; index < slots; index += 1024) {
      const read = readSync(from, window, 0, window.length, positionOf(index));
      for (let at = 0; at < read; at += SLOT_BYTES) this.#move(window.subarray(at, at + SLOT_BYTES));
    }
    closeSync(from);
    if (path !== undefined) renameSync(path, this.#path as string);
  }

  #move(bytes: Buffer): void {
    if (bytes[ID_BYTES] === 0) return;
    writeSync(this.#file, bytes, 0, SLOT_BYTES, this.#slotOf(bytes.subarray(0, ID_BYTES)).at);
  }

  #format(): void {
    ftruncateSync(this.#file, positionOf(this.#capacity));
    this.#writeHeader();
  }

  #writeHeader(): void {
    if (this.#isReadOnly) return;
    const header = Buffer.alloc(HEADER_BYTES);
    header.write(MAGIC, 'latin1');
    header.writeUIntBE(this.#capacity, 8, 6);
    header.writeUInt8(this.#pass, 20);
    header.writeUInt8(this.#isDone ? 1 : 0, 21);
    this.#salt.copy(header, 24);
    this.#stores.copy(header, 40);
    writeSync(this.#file, header, 0, HEADER_BYTES, 0);
  }

  #readHeader(path: string): void {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(this.#file, header, 0, HEADER_BYTES, 0);
    this.#capacity = header.readUIntBE(8, 6);
    const isOurs = header.toString('latin1', 0, 8) === MAGIC && fstatSync(this.#file).size === positionOf(this.#capacity);
    if (!isOurs) throw new UsageError(`${path} was not made by sessile copy. Name another FILE with --resume.`);
    if (header.compare(this.#stores, 0, 16, 40, 56) !== 0) {
      throw new UsageError(`${path} belongs to a copy between other stores, or with another --match. Name another FILE with --resume.`);
    }
    this.#pass = header.readUInt8(20);
    this.#isDone = header.readUInt8(21) === 1;
    this.#salt = Buffer.from(header.subarray(24, 40));
    this.#count = this.#recount();
  }

  /** Not kept in the header, which would have to be written for each session. */
  #recount(): number {
    const window = Buffer.alloc(1024 * SLOT_BYTES);
    let count = 0;
    for (let index = 0; index < this.#capacity; index += 1024) {
      const read = readSync(this.#file, window, 0, window.length, positionOf(index));
      for (let at = ID_BYTES; at < read; at += SLOT_BYTES) if (window[at] !== 0) count += 1;
    }
    return count;
  }
}

function positionOf(index: number): number {
  return HEADER_BYTES + index * SLOT_BYTES;
}

function entryOf(bytes: Buffer): Entry {
  const state = bytes.readUInt8(ID_BYTES);
  return {
    pass: state & ~UNSURE,
    fingerprint: Buffer.from(bytes.subarray(ID_BYTES + 1, ID_BYTES + 8)),
    endsAt: bytes.readDoubleBE(ID_BYTES + 8),
    before: (state & UNSURE) === 0 ? undefined : Buffer.from(bytes.subarray(ID_BYTES + 16, ID_BYTES + 16 + FINGERPRINT_BYTES)),
  };
}

function bytesOf(key: Buffer, { fingerprint, endsAt, pass, before }: Entry): Buffer {
  const bytes = Buffer.alloc(SLOT_BYTES);
  key.copy(bytes);
  bytes.writeUInt8(before === undefined ? pass : pass | UNSURE, ID_BYTES);
  fingerprint.copy(bytes, ID_BYTES + 1);
  bytes.writeDoubleBE(endsAt, ID_BYTES + 8);
  (before ?? NO_FINGERPRINT).copy(bytes, ID_BYTES + 16);
  return bytes;
}

/** A file without a name: it is gone with the process, however that ends. */
function openUnnamed(): number {
  const folder = mkdtempSync(join(tmpdir(), 'sessile-'));
  const file = openSync(join(folder, 'copy'), 'wx+', 0o600);
  rmSync(folder, { recursive: true });
  return file;
}

/** What stands for "nothing was there before". */
export const NOTHING_BEFORE = NO_FINGERPRINT;
