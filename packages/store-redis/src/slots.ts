/**
 * Where the slots of a cluster are, so that a walk finds what moves from one primary to another meanwhile.
 *
 * @module
 */
import { StoreError } from '@sessile/core';
import type { Connection } from './connection.js';
import type { Server } from './link.js';

const SLOTS = 16_384;
/** How many slots are asked for at a time. */
const AT_ONCE = 200;
/** Of keys in a slot: all. */
const ALL = '2147483647';

/** What a primary says of a slot: that it has it, that it gives it to another one, or that it takes it from another one. */
interface Claim {
  readonly by: string;
  readonly kind: 'has' | 'gives' | 'takes';
  readonly other: string;
}

/** What the primaries say of the slots, at one moment. */
export class Places {
  readonly #byId: ReadonlyMap<string, Server>;
  /** By slot, who has it. */
  readonly #holders = Array.from<string | undefined>({ length: SLOTS });
  /** What else is said, of the few slots that are on their way. */
  readonly #more = new Map<number, Claim[]>();

  /** @param told the answers to CLUSTER NODES, of which each tells of its own slots. */
  constructor(servers: readonly Server[], told: readonly string[]) {
    const own = told.map(lineOf);
    this.#byId = new Map(servers.map((server, index) => [own[index]?.id ?? '', server]));
    for (const { id, slots } of own) for (const slot of slots) this.#claim(id, slot);
  }

  /** `5`, `0-5460`, `[77->-<id>]` for one that is given away, `[77-<-<id>]` for one that is taken. */
  #claim(by: string, text: string): void {
    const [, slot, arrow, other = ''] = /^\[(\d+)-([<>])-(\w+)\]$/.exec(text) ?? [];
    if (slot !== undefined) return this.#add(Number(slot), { by, kind: arrow === '>' ? 'gives' : 'takes', other });
    const [from = 0, to = from] = text.split('-').map(Number);
    for (let at = from; at <= to; at += 1) {
      if (this.#holders[at] === undefined) this.#holders[at] = by;
      else this.#add(at, { by, kind: 'has', other: '' });
    }
  }

  #add(slot: number, claim: Claim): void {
    this.#more.set(slot, [...(this.#more.get(slot) ?? []), claim]);
  }

  /** A slot of which nobody says anything is on a primary that the client does not know. */
  get isWhole(): boolean {
    return this.#holders.every((holder, slot) => holder !== undefined || this.#more.has(slot));
  }

  /**
   * The slots of which a walk may have missed a key.
   *
   * @param before what was said when it began, or when they were last asked for by `keysIn`.
   * @param asked whether they were asked for one by one, each first where its keys came from.
   */
  doubtfulSince(before: Places, asked: boolean): number[] {
    return [...this.#holders.keys()].filter((slot) => {
      if (this.#isSame(before, slot)) return !asked && this.#more.has(slot);
      return !asked || !this.#hasArrived(before, slot);
    });
  }

  #isSame(before: Places, slot: number): boolean {
    if (this.#holders[slot] !== before.#holders[slot]) return false;
    const [now, then] = [this.#more.get(slot), before.#more.get(slot)];
    return now === then || JSON.stringify(now) === JSON.stringify(then);
  }

  /** What was on its way when it was asked for, and now is where it went. */
  #hasArrived(before: Places, slot: number): boolean {
    const goal = before.#more.get(slot)?.find(({ kind }) => kind === 'gives')?.other;
    return goal !== undefined && this.#holders[slot] === goal && !this.#more.has(slot);
  }

  /** The primaries that may have keys of a slot: those first from which they go. */
  holdersOf(slot: number): Server[] {
    const more = this.#more.get(slot) ?? [];
    const from = more.flatMap(({ by, kind }) => (kind === 'gives' ? [by] : []));
    const to = more.flatMap(({ by, kind, other }) => (kind === 'gives' ? [other] : [by]));
    const ids = new Set([...from, this.#holders[slot] ?? '', ...to]);
    return [...ids].flatMap((id) => this.#byId.get(id) ?? []);
  }
}

/** The line of CLUSTER NODES that is about the primary itself: `<id> <address> myself,master - 0 0 1 connected 0-5460 [77->-<id>]` */
function lineOf(told: string): { id: string; slots: readonly string[] } {
  const line = told.split('\n').find((one) => /^\S+ \S+ \S*\bmyself\b/.test(one)) ?? '';
  const [id = '', ...rest] = line.trim().split(' ');
  return { id, slots: rest.slice(7) };
}

const TRIES = 10;
const PAUSE_MS = 100;

/**
 * Asks every primary. While the client does not know all of them it is made to look again.
 *
 * @returns without `places` where the user may not ask: then slots are taken to stay where they are.
 * @throws StoreError ERR_STORE_UNAVAILABLE where a slot has no primary.
 */
export async function lookAt(connection: Connection): Promise<{ servers: readonly Server[]; places?: Places }> {
  for (let tries = 1; ; tries += 1) {
    const servers = await connection.servers();
    const places = await placesOf(connection, servers);
    if (places === undefined) return { servers };
    if (places.isWhole) return { servers, places };
    if (tries === TRIES) throw new StoreError('ERR_STORE_UNAVAILABLE', 'A slot of the Redis cluster has no primary that the client knows.');
    connection.link.refresh?.();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function placesOf(connection: Connection, servers: readonly Server[]): Promise<Places | undefined> {
  try {
    const told = await Promise.all(servers.map((server) => connection.ask(server, 'cluster', ['nodes'])));
    return new Places(servers, told.map(String));
  } catch (error) {
    if (StoreError.isInstance(error) && error.code === 'ERR_STORE_DENIED') return undefined;
    throw error;
  }
}

/** The keys of some slots, wherever they are. What has expired, or is no text, is none. */
export async function keysIn(connection: Connection, places: Places, slots: readonly number[]): Promise<string[]> {
  const keys = new Set<string>();
  for (let at = 0; at < slots.length; at += AT_ONCE) {
    await Promise.all(
      slots.slice(at, at + AT_ONCE).map(async (slot) => {
        for (const server of places.holdersOf(slot)) {
          const found = (await connection.ask(server, 'cluster', ['getkeysinslot', String(slot), ALL])) as string[];
          for (const key of found) keys.add(key);
        }
      }),
    );
  }
  return await texts(connection, [...keys]);
}

async function texts(connection: Connection, keys: readonly string[]): Promise<string[]> {
  const types = await connection.sendEach(
    keys.map((key) => ({ name: 'type', args: [key], key })),
    String,
  );
  return keys.filter((_, index) => {
    const type = types[index];
    if (type instanceof Error) throw type;
    return type === 'string';
  });
}
