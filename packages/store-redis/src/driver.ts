import { defineTraits, StoreError } from '@sessile/core';
import type { Call, Each, Extend, Page, ReadAndExtend, Replace, Replaced, Stored, StoreDriver, Traits, Write } from '@sessile/core/driver';
import { Connection, type Task } from './connection.js';
import type { Command } from './link.js';
import { type RedisStoreOptions, settingsOf } from './options.js';
import { Reads } from './reads.js';
import { EXTEND, floorOf, isOne, lifeOf, REMOVE, REPLACE, replacedOf, WRITE } from './scripts.js';
import { countKeys, keysOf } from './walk.js';

/** How many sessions of a walk are read by one command: it holds the server, and their texts are in memory together. */
const READ_AT_ONCE = 250;

/** Sessions as texts of Redis, under a prefix. A session's text is its token, so data that another library wrote can be compared too. */
export class RedisDriver implements StoreDriver<string> {
  readonly traits: Traits;
  readonly #connection: Connection;
  readonly #reads: Reads;
  readonly #prefix: string;
  readonly #own: boolean;
  readonly #ownsDatabase: boolean;

  /** @throws StoreError ERR_STORE_INVALID_OPTION */
  constructor(options: RedisStoreOptions = {}) {
    const { open, own, sharded, prefix, ownsDatabase } = settingsOf(options);
    this.traits = defineTraits({
      name: 'redis',
      // A compare-and-set sends two texts, and a command is one string of Node's, which holds 512 MiB.
      maxPayloadBytes: 250_000_000,
      // On a cluster each call goes by itself, or one primary that is slow would hold up the sessions of all.
      singles: sharded ? Infinity : 2,
      batchItems: 32,
    });
    this.#connection = new Connection(open);
    this.#reads = new Reads(this.#connection);
    this.#prefix = prefix;
    this.#own = own;
    this.#ownsDatabase = ownsDatabase;
  }

  open(report: (state: 'up' | 'down', cause?: unknown) => void): void {
    this.#connection.report = report;
  }

  /** GET, PTTL in one script. */
  read(key: string): Promise<Stored<string> | null> {
    return this.#reads.one(this.#prefix + key);
  }

  /** SET … PX */
  write(item: Write): Promise<string> {
    return this.#connection.send(this.#set(item), () => item.payload);
  }

  /** GET, then SET, in one script. ioredis sends it again after a lost connection, and the second time finds what the first one wrote. */
  replace(item: Replace<string>): Promise<Replaced<string>> {
    const { epoch } = this.#connection;
    return this.#connection.run(REPLACE, this.#replacement(item), (answer) => {
      const replaced = replacedOf(answer, item.payload);
      return replaced.outcome === 'changed' ? { ...replaced, unsure: this.#connection.epoch !== epoch } : replaced;
    });
  }

  /** PEXPIRE, or in a script where it may only lengthen, since PEXPIRE GT needs Redis 7, or is never to end: PERSIST. */
  extend(item: Extend): Promise<boolean> {
    if (!item.onlyLonger && item.ttlMs !== Infinity) {
      const key = this.#prefix + item.key;
      return this.#connection.send({ name: 'pexpire', args: [key, String(item.ttlMs)], key }, isOne);
    }
    return this.#connection.run(EXTEND, this.#extension(item), isOne);
  }

  /** UNLINK */
  remove(key: string): Promise<boolean> {
    return this.#connection.send(this.#unlink([key]), isOne);
  }

  /** MGET, and PTTL with PEXPIRE in a script that looks at no more than the start of a text; of one, a script for all of it. */
  readAndExtendMany(items: readonly ReadAndExtend[]): Each<Stored<string> | null> {
    return this.#reads.kept(items.map(({ key, ttlMs, startsWith }) => this.#task(key, lifeOf(ttlMs), startsWith)));
  }

  /** MGET, and PTTL in a script. */
  readMany(keys: readonly string[]): Each<Stored<string> | null> {
    return this.#reads.many(keys.map((key) => this.#prefix + key));
  }

  /** Plain SETs where they leave in one write anyway, else one script. */
  writeMany(items: readonly Write[]): Each<string> {
    const done = (_answer: unknown, index: number) => (items[index] as Write).payload;
    const { sharded, corks } = this.#connection.link;
    if (sharded || corks) {
      return this.#connection.sendEach(
        items.map((item) => this.#set(item)),
        done,
      );
    }
    const tasks = items.map(({ key, payload, ttlMs }) => this.#task(key, payload, lifeOf(ttlMs)));
    return this.#connection.runEach(WRITE, tasks, done);
  }

  replaceMany(items: readonly Replace<string>[]): Each<Replaced<string>> {
    return this.#connection.runEach(
      REPLACE,
      items.map((item) => this.#replacement(item)),
      (answer, index) => replacedOf(answer, (items[index] as Replace<string>).payload),
    );
  }

  extendMany(items: readonly Extend[]): Each<boolean> {
    return this.#connection.runEach(
      EXTEND,
      items.map((item) => this.#extension(item)),
      isOne,
    );
  }

  removeMany(keys: readonly string[]): Each<boolean> {
    return this.#connection.runEach(
      REMOVE,
      keys.map((key) => this.#task(key)),
      isOne,
    );
  }

  /** SCAN over every primary. Where Redis resizes its table meanwhile, a session may come twice. */
  async *scan(payloads: boolean): AsyncGenerator<Page<string>> {
    for await (const keys of this.#pages()) {
      if (!payloads) yield keys.map((key) => ({ key }));
      else for (let at = 0; at < keys.length || at === 0; at += READ_AT_ONCE) yield await this.#page(keys.slice(at, at + READ_AT_ONCE));
    }
  }

  /** SCAN; DBSIZE in a database of its own. */
  async count(call: Call): Promise<number> {
    if (!this.#ownsAll()) return countKeys(this.#pages(), call);
    const sizes = await this.#onAll('dbsize');
    return sizes.reduce<number>((sum, size) => sum + Number(size), 0);
  }

  /** SCAN and UNLINK; FLUSHDB ASYNC in a database of its own. */
  async clear(call: Call): Promise<void> {
    if (this.#ownsAll()) return void (await this.#onAll('flushdb', ['async']));
    for await (const keys of this.#pages()) {
      await this.#removeAll(keys);
      call.progress();
    }
  }

  /** PING to every primary. */
  async ping(): Promise<void> {
    await this.#onAll('ping');
  }

  close(): void {
    this.#connection.close(this.#own);
  }

  #task(key: string, ...args: string[]): Task {
    return { key: this.#prefix + key, args };
  }

  #replacement({ key, payload, ttlMs, onlyLonger, expected }: Replace<string>): Task {
    return this.#task(key, expected, payload, lifeOf(ttlMs), floorOf(ttlMs, onlyLonger));
  }

  #extension({ key, ttlMs, onlyLonger }: Extend): Task {
    return this.#task(key, lifeOf(ttlMs), floorOf(ttlMs, onlyLonger));
  }

  #set({ key, payload, ttlMs }: Write): Command {
    const full = this.#prefix + key;
    return { name: 'set', args: ttlMs === Infinity ? [full, payload] : [full, payload, 'px', String(ttlMs)], key: full };
  }

  #unlink(keys: readonly string[]): Command {
    const full = keys.map((key) => this.#prefix + key);
    return { name: 'unlink', args: full, key: full[0] ?? '' };
  }

  #pages(): AsyncIterable<string[]> {
    const prefix = this.#connection.link.keyPrefix + this.#prefix;
    if (prefix === '' && !this.#ownsDatabase) throw new StoreError('ERR_STORE_UNSUPPORTED', NOT_OWNED);
    return keysOf(this.#connection, prefix);
  }

  /** Whether every key of the database is a session. A client that prefixes keys itself shares it with others. */
  #ownsAll(): boolean {
    return this.#ownsDatabase && this.#connection.link.keyPrefix === '';
  }

  async #page(keys: readonly string[]): Promise<Page<string>> {
    if (keys.length === 0) return [];
    const found = await this.readMany(keys);
    return found.flatMap((stored, index) => {
      // One that is away would be missing as if it were no session; one that cannot be read is left out.
      if (StoreError.isInstance(stored) && stored.retryable) throw stored;
      return stored === null || stored instanceof Error ? [] : [{ key: keys[index] as string, stored }];
    });
  }

  async #removeAll(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    if (!this.#connection.link.sharded) return this.#connection.send(this.#unlink(keys), () => undefined);
    const answers = await this.#connection.sendEach(
      keys.map((key) => this.#unlink([key])),
      () => undefined,
    );
    const failed = answers.find((answer) => answer instanceof Error);
    if (failed !== undefined) throw failed;
  }

  async #onAll(name: string, args: readonly string[] = []): Promise<unknown[]> {
    const servers = await this.#connection.servers();
    return Promise.all(servers.map((server) => this.#connection.ask(server, name, args)));
  }
}

const NOT_OWNED =
  'With an empty prefix the store cannot tell sessions from other keys. If nothing but sessions is in this database, set the option ownsDatabase: true; else give them a prefix.';
