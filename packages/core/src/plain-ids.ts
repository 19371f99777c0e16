import type { Awaitable, Call, Extend, Page, Replace, Replaced, Stored, StoreDriver, Traits, Write } from './driver.js';
import { compareHere } from './compare-here.js';
import { isMarked, markedId } from './ids.js';

/** Where a session was found: under its hash, or still under its plain sid. */
interface Place {
  plain: boolean;
  token: unknown;
}

/**
 * A driver while a store moves to hashed ids: it is asked by sid, and looks under the hash, then under the plain sid.
 *
 * `remove`, `extend` and writes act on both keys; a write moves the session to its hash. It has no plural verbs: it serves
 * for the time of a move, and the plural verbs of the backend come back with it.
 *
 * @see RST-7 in docs/contract.md
 */
export class PlainIdDriver implements StoreDriver<Place> {
  readonly traits: Traits;
  readonly #driver: StoreDriver;
  readonly #until: number;
  readonly prune?: StoreDriver['prune'];

  constructor(driver: StoreDriver, until: number) {
    this.#driver = driver;
    this.#until = until;
    this.traits = driver.traits;
    if (driver.prune !== undefined) this.prune = driver.prune.bind(driver);
  }

  open(report: (state: 'up' | 'down', cause?: unknown) => void): void {
    this.#driver.open?.(report);
  }

  async read(sid: string, call: Call): Promise<Stored<Place> | null> {
    const hashed = await this.#driver.read(keyOf(sid), call);
    if (hashed !== null) return placed(hashed, false);
    const plain = this.#looksBack(sid) ? await this.#driver.read(sid, call) : null;
    return plain === null ? null : placed(plain, true);
  }

  async write(item: Write, call: Call): Promise<Place> {
    const token = await this.#driver.write({ ...item, key: keyOf(item.key) }, call);
    if (this.#looksBack(item.key)) await this.#driver.remove(item.key, call);
    return { plain: false, token };
  }

  async replace(item: Replace<Place>, call: Call): Promise<Replaced<Place>> {
    const { plain, token } = item.expected;
    const key = plain ? item.key : keyOf(item.key);
    const answer = await this.#compare({ ...item, key, expected: token }, call);
    if (answer.outcome === 'replaced')
      return plain ? this.#move(item, call) : { outcome: 'replaced', token: { plain, token: answer.token } };
    if (answer.outcome === 'missing' && plain) return this.#elsewhere(item, call);
    return answer.outcome === 'changed' ? changed(answer.current, plain) : answer;
  }

  /** The plain session is no longer there: was it destroyed, or did another process move it? */
  async #elsewhere(item: Replace<Place>, call: Call): Promise<Replaced<Place>> {
    const moved = await this.#driver.read(keyOf(item.key), call);
    return moved === null ? { outcome: 'missing' } : changed(moved, false);
  }

  /**
   * The plain session now holds the new text and is moved. If it is gone when it is to be removed, a logout came between,
   * and the copy goes as well: rather a login too many than one too few.
   */
  async #move(item: Replace<Place>, call: Call): Promise<Replaced<Place>> {
    const plain = await this.#driver.read(item.key, call);
    if (plain === null) return this.#elsewhere(item, call);
    const write = { key: keyOf(item.key), payload: plain.payload, ttlMs: plain.ttlMs ?? (item.ttlMs === 'keep' ? Infinity : item.ttlMs) };
    const token = await this.#driver.write(write, call);
    if (await this.#driver.remove(item.key, call)) return { outcome: 'replaced', token: { plain: false, token } };
    await this.#driver.remove(write.key, call);
    return { outcome: 'missing' };
  }

  #compare(item: Replace<unknown>, call: Call): Awaitable<Replaced<unknown>> {
    return this.#driver.replace === undefined ? compareHere(this.#driver, item, call) : this.#driver.replace(item, call);
  }

  async extend(item: Extend, call: Call): Promise<boolean> {
    const hashed = await this.#driver.extend({ ...item, key: keyOf(item.key) }, call);
    const plain = this.#looksBack(item.key) && (await this.#driver.extend(item, call));
    return hashed || plain;
  }

  async remove(sid: string, call: Call): Promise<boolean> {
    const hashed = await this.#driver.remove(keyOf(sid), call);
    const plain = this.#looksBack(sid) && (await this.#driver.remove(sid, call));
    return hashed || plain;
  }

  scan(payloads: boolean, call: Call): AsyncIterable<Page<Place>> {
    return this.#walk(payloads, call);
  }

  async *#walk(payloads: boolean, call: Call): AsyncGenerator<Page<Place>> {
    for await (const page of this.#driver.scan(payloads, call)) {
      yield page.map(({ key, stored }) => (stored === undefined ? { key } : { key, stored: placed(stored, !isMarked(key)) }));
    }
  }

  clear(call: Call): Awaitable<void> {
    return this.#driver.clear(call);
  }

  async ping(call: Call): Promise<void> {
    if (this.#driver.ping === undefined) await this.#driver.read('sessile-ping', call);
    else await this.#driver.ping(call);
  }

  close(): Awaitable<void> {
    return this.#driver.close();
  }

  #looksBack(sid: string): boolean {
    return !isMarked(sid) && Date.now() < this.#until;
  }
}

/** A stored id, as `revoke` passes it, is a key already. */
function keyOf(sid: string): string {
  return isMarked(sid) ? sid : markedId(sid);
}

function placed({ payload, ttlMs, token }: Stored<unknown>, plain: boolean): Stored<Place> {
  return { payload, ttlMs, token: { plain, token } };
}

function changed(current: Stored<unknown> | undefined, plain: boolean): Replaced<Place> {
  return current === undefined ? { outcome: 'changed' } : { outcome: 'changed', current: placed(current, plain) };
}
