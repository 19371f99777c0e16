/**
 * Which keys are there, in pages: SCAN over every primary.
 *
 * @module
 */
import type { Call } from '@sessile/core/driver';
import type { Connection } from './connection.js';
import type { Server } from './link.js';
import { keysIn, lookAt, type Places } from './slots.js';

const PAGE = '1000';

/**
 * The keys that begin with a prefix, a page per SCAN, also where it is empty. A key may come twice where Redis resizes its table
 * meanwhile, or its slot moves, never in one page. What has expired does not come.
 *
 * @param prefix as Redis sees it. Taken literally.
 * @returns pages of what follows the prefix.
 */
export async function* keysOf(connection: Connection, prefix: string): AsyncGenerator<string[]> {
  if (!connection.link.sharded) {
    for (const server of await connection.servers()) yield* keysOn(connection, server, prefix);
    return;
  }
  const { servers, places } = await lookAt(connection);
  for (const server of servers) yield* keysOn(connection, server, prefix);
  if (places !== undefined) yield* keysMoved(connection, places, prefix);
}

/** What a slot took along that moved to a primary which had been gone through: asked for again, until nothing moves in between. */
async function* keysMoved(connection: Connection, begun: Places, prefix: string): AsyncGenerator<string[]> {
  for (let before = begun, asked = false; ; asked = true) {
    const { places } = await lookAt(connection);
    const slots = places?.doubtfulSince(before, asked) ?? [];
    if (places === undefined || slots.length === 0) return;
    yield within(await keysIn(connection, places, slots), prefix);
    before = places;
  }
}

function within(keys: readonly string[], prefix: string): string[] {
  return keys.filter((key) => key.startsWith(prefix) && key !== prefix).map((key) => key.slice(prefix.length));
}

async function* keysOn(connection: Connection, server: Server, prefix: string): AsyncGenerator<string[]> {
  const match = `${escapeGlob(prefix)}*`;
  for (let cursor = '0'; ;) {
    const args = [cursor, 'match', match, 'count', PAGE, 'type', 'string'];
    const [next, keys] = (await connection.ask(server, 'scan', args)) as [string | number, string[]];
    yield within([...new Set(keys)], prefix);
    cursor = String(next);
    if (cursor === '0') return;
  }
}

function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
}

/** How many different keys there are. */
export async function countKeys(pages: AsyncIterable<readonly string[]>, call: Call): Promise<number> {
  const seen = new Fingerprints();
  for await (const page of pages) {
    for (const key of page) seen.add(key);
    call.progress();
  }
  return seen.size;
}

/**
 * A set of texts that knows their 53-bit hashes alone: 16 to 32 bytes each. Of a million texts two are taken for one with a
 * probability of 1 in 18,000.
 */
export class Fingerprints {
  size = 0;
  #slots = new Float64Array(1024);

  add(text: string): void {
    if (this.size * 2 >= this.#slots.length) this.#grow();
    if (put(this.#slots, fingerprint(text))) this.size += 1;
  }

  #grow(): void {
    const larger = new Float64Array(this.#slots.length * 2);
    for (const hash of this.#slots) if (hash !== 0) put(larger, hash);
    this.#slots = larger;
  }
}

/** Open addressing; 0 is a free place. */
function put(slots: Float64Array, hash: number): boolean {
  for (let at = hash % slots.length; ; at = (at + 1) % slots.length) {
    if (slots[at] === hash) return false;
    if (slots[at] !== 0) continue;
    slots[at] = hash;
    return true;
  }
}

/** cyrb53: two 32-bit multiplications per character. */
function fingerprint(text: string): number {
  let one = 0xdeadbeef;
  let two = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    one = Math.imul(one ^ code, 2654435761);
    two = Math.imul(two ^ code, 1597334677);
  }
  one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909);
  two = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909);
  return 4294967296 * (2097151 & two) + (one >>> 0) || 1;
}
