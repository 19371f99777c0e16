import { checkBytes, defineTraits, invalidOption, type SessionStoreOptions, StoreError } from '@sessile/core';
import type { Call, Extend, Page, Replace, Replaced, Stored, StoreDriver, Traits, Write } from '@sessile/core/driver';
import { dump, type DumpedKey } from './crawler.js';
import { exptime } from './expiry.js';
import { Keys } from './keys.js';
import { refused } from './link.js';
import { dataOf, type Item } from './replies.js';
import { type Hosts, isClient, type MemcachedClient, Servers } from './servers.js';

export type { Hosts, MemcachedClient } from './servers.js';

/** Options of {@link MemcachedStore}, beside those of every store. */
export interface MemcachedStoreOptions extends SessionStoreOptions {
  /**
   * The servers: `'host:11211'`, several of them in an array or by commas, or weights by server. Default: the environment's
   * `MEMCACHED_URL`, else `127.0.0.1:11211`.
   */
  hosts?: Hosts | undefined;
  /**
   * A client of the package memcached in place of `hosts`: its servers, ring of hashes and namespace are used; connections are the
   * store's own.
   */
  client?: MemcachedClient | undefined;
  /** Put before every sid. At most 150 visible ASCII letters. Default: none, as in connect-memcached. */
  prefix?: string | undefined;
  /** With no prefix: every key on these servers is a session, so that they may be listed and cleared. Default: false. */
  ownsServer?: boolean | undefined;
  /** The server's `-I`, in bytes: larger sessions are refused before they are sent. Default: 1,048,576. */
  maxItemBytes?: number | undefined;
}

/** The names of the store's own options. */
export const OPTION_NAMES: readonly string[] = ['hosts', 'client', 'prefix', 'ownsServer', 'maxItemBytes'];

/** Names a text: by the server's number where one is known, which a write does not tell. */
export interface Token {
  text: string;
  cas: string | undefined;
}

/** The package's mark of a value that is JSON: connect-memcached then gives an object. */
const JSON_FLAG = 2;
/** An item holds its key and the server's own fields too. */
const ITEM_OVERHEAD_BYTES = 512;
const PAGE = 1000;
/** A dump may miss what moves while it goes through. */
const CLEAR_PASSES = 5;

/** Sessions as items of memcached. */
export class MemcachedDriver implements StoreDriver<Token> {
  readonly traits: Traits;
  readonly #servers: Servers;
  readonly #keys: Keys;
  readonly #mayList: boolean;

  constructor(options: MemcachedStoreOptions = {}) {
    const { hosts, client, prefix = '', ownsServer = false, maxItemBytes = 1_048_576, timeoutMs = 5000 } = options;
    check(options);
    this.traits = defineTraits({
      name: 'memcached',
      payload: 'json',
      maxPayloadBytes: checkBytes('maxItemBytes', maxItemBytes, 1024) - ITEM_OVERHEAD_BYTES,
      resolutionMs: 1000,
      keepsTtl: false,
      singles: 4,
    });
    this.#servers = new Servers(client ?? hosts ?? process.env['MEMCACHED_URL'] ?? '127.0.0.1:11211', timeoutMs);
    this.#keys = new Keys((client?.namespace ?? '') + prefix);
    this.#mayList = this.#keys.prefix !== '' || ownsServer;
  }

  open(report: (state: 'up' | 'down', cause?: unknown) => void): void {
    this.#servers.report = report;
  }

  async read(sid: string): Promise<Stored<Token> | null> {
    const key = this.#keys.of(sid);
    const [item] = await this.#items(this.#servers.of(key), `gets ${key}`);
    return stored(item);
  }

  /** One `gets` of many keys for each server. */
  async readMany(sids: readonly string[]): Promise<(Stored<Token> | null | Error)[]> {
    const keys = sids.map((sid) => this.#keys.of(sid));
    const answers = new Map<string, Stored<Token> | Error>();
    await Promise.all([...this.#byServer(keys)].map(([server, some]) => this.#readOf(server, some, answers)));
    return keys.map((key) => answers.get(key) ?? null);
  }

  /** A server that is away takes its own keys with it, and no others. */
  async #readOf(server: string, keys: readonly string[], answers: Map<string, Stored<Token> | Error>): Promise<void> {
    try {
      for (const item of await this.#items(server, `gets ${keys.join(' ')}`)) answers.set(item.key, found(item));
    } catch (error) {
      for (const key of keys) answers.set(key, error as Error);
    }
  }

  #byServer(keys: readonly string[]): Map<string, string[]> {
    const groups = new Map<string, string[]>();
    for (const key of keys) {
      const server = this.#servers.of(key);
      const group = groups.get(server);
      if (group === undefined) groups.set(server, [key]);
      else group.push(key);
    }
    return groups;
  }

  async write({ key: sid, payload, ttlMs }: Write): Promise<Token> {
    const key = this.#keys.of(sid);
    const answer = await this.#line(key, `set ${key} ${valueOf(payload, ttlMs)}`);
    if (answer !== 'STORED') throw refused(answer);
    return { text: payload, cas: undefined };
  }

  /** `cas`; where the number is not known, `gets` first, whose text must be the expected one. */
  async replace(item: Replace<Token>, call: Call): Promise<Replaced<Token>> {
    const { expected, payload, ttlMs } = item;
    if (ttlMs === 'keep') throw new TypeError('memcached does not tell what is left of a life, so that none can be kept');
    if (expected.cas === undefined) return this.#compare(item, call);
    const key = this.#keys.of(item.key);
    const answer = await this.#line(key, `cas ${key} ${valueOf(payload, ttlMs, expected.cas)}`);
    if (answer === 'STORED') return { outcome: 'replaced', token: { text: payload, cas: undefined } };
    if (answer === 'NOT_FOUND') return { outcome: 'missing' };
    if (answer === 'EXISTS') return { outcome: 'changed' };
    throw refused(answer);
  }

  async #compare(item: Replace<Token>, call: Call): Promise<Replaced<Token>> {
    const current = await this.read(item.key);
    if (current === null) return { outcome: 'missing' };
    if (current.payload !== item.expected.text) return { outcome: 'changed', current };
    return this.replace({ ...item, expected: current.token }, call);
  }

  async extend({ key: sid, ttlMs }: Extend): Promise<boolean> {
    const key = this.#keys.of(sid);
    const answer = await this.#line(key, `touch ${key} ${exptime(ttlMs)}`);
    if (answer === 'TOUCHED' || answer === 'NOT_FOUND') return answer === 'TOUCHED';
    throw refused(answer);
  }

  async remove(sid: string): Promise<boolean> {
    const key = this.#keys.of(sid);
    const answer = await this.#line(key, `delete ${key}`);
    if (answer === 'DELETED' || answer === 'NOT_FOUND') return answer === 'DELETED';
    throw refused(answer);
  }

  async *scan(payloads: boolean, call: Call): AsyncGenerator<Page<Token>> {
    for await (const [server, keys] of this.#walk(call)) {
      if (payloads) yield this.#page(await this.#items(server, `gets ${keys.map(({ key }) => key).join(' ')}`), keys);
      else yield keys.flatMap(({ key }) => this.#keys.sidOf(key) ?? []).map((key) => ({ key }));
    }
  }

  #page(items: readonly Item[], dumped: readonly DumpedKey[]): Page<Token> {
    const ends = new Map(dumped.map(({ key, endsAt }) => [key, endsAt]));
    const now = Date.now();
    return items.flatMap((item) => {
      const key = this.#keys.sidOf(item.key);
      // It was read just now, so it lives, whatever the clocks say.
      const ttlMs = Math.max((ends.get(item.key) ?? Number.NaN) - now, 1);
      return key === undefined ? [] : [{ key, stored: { ...found(item), ttlMs: Number.isNaN(ttlMs) ? undefined : ttlMs } }];
    });
  }

  /** Every key of this store, by pages, server by server. */
  async *#walk(call: Call): AsyncGenerator<[server: string, keys: DumpedKey[]]> {
    if (!this.#mayList) throw cannotList();
    for (const server of this.#servers.all) {
      for await (const keys of dump(() => this.#servers.connect(server), this.#keys.prefix, PAGE, call)) {
        yield [server, keys];
        call.progress();
      }
    }
  }

  async count(call: Call): Promise<number> {
    let count = 0;
    for await (const [, keys] of this.#walk(call)) count += keys.length;
    return count;
  }

  /** Never flush_all: others keep their items on these servers as well. */
  async clear(call: Call): Promise<void> {
    for (let pass = 0, removed = 1; removed > 0 && pass < CLEAR_PASSES; pass += 1) {
      removed = 0;
      for await (const [server, keys] of this.#walk(call)) {
        const link = await this.#servers.link(server);
        await Promise.all(keys.map(({ key }) => link.line(`delete ${key}`)));
        removed += keys.length;
      }
    }
  }

  async ping(): Promise<void> {
    const answers = await Promise.all(this.#servers.all.map(async (server) => (await this.#servers.link(server)).line('version')));
    for (const answer of answers) if (!answer.startsWith('VERSION')) throw refused(answer);
  }

  close(): void {
    this.#servers.close();
  }

  async #line(key: string, command: string): Promise<string> {
    return (await this.#servers.link(this.#servers.of(key))).line(command);
  }

  async #items(server: string, command: string): Promise<Item[]> {
    return (await this.#servers.link(server)).items(command);
  }
}

function check({ hosts, client, prefix, ownsServer }: MemcachedStoreOptions): void {
  if (hosts !== undefined && client !== undefined) throw invalidOption('hosts', hosts, "Pass either 'hosts' or 'client', not both.");
  if (client !== undefined && !isClient(client)) throw invalidOption('client', client, 'Pass a client of the package memcached.');
  if (hosts !== undefined && (hosts === null || typeof hosts === 'number' || hosts.length === 0))
    throw invalidOption('hosts', hosts, "Pass 'host:11211', an array of such, or an object with weights.");
  if (prefix !== undefined && !Keys.isPrefix(prefix))
    throw invalidOption('prefix', prefix, 'Pass at most 150 visible ASCII letters, without spaces.');
  if (ownsServer !== undefined && typeof ownsServer !== 'boolean') throw invalidOption('ownsServer', ownsServer, 'Pass true or false.');
}

/** `<flags> <exptime> <bytes> [<cas>]` and the data. */
function valueOf(payload: string, ttlMs: number, cas?: string): string {
  const data = dataOf(payload);
  return `${JSON_FLAG} ${exptime(ttlMs)} ${Buffer.byteLength(data)}${cas === undefined ? '' : ` ${cas}`}\r\n${data}`;
}

function stored(item: Item | undefined): Stored<Token> | null {
  return item === undefined ? null : found(item);
}

function found({ text, cas }: Item): Stored<Token> {
  return { payload: text, ttlMs: undefined, token: { text, cas } };
}

function cannotList(): StoreError {
  const advice = "Set the option 'prefix', or 'ownsServer: true' where every key on these servers is a session.";
  return new StoreError('ERR_STORE_UNSUPPORTED', `Without a prefix the store cannot tell sessions from other keys. ${advice}`);
}
