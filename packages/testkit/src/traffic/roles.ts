import type { SessionData, SessionStore } from '@sessile/core';
import type { Random } from '../random.js';
import { isOf, sessionOf } from './data.js';
import type { Judge, Outcome } from './judge.js';
import { Ledger } from './ledger.js';

/** One of those who use a store at the same time. */
export interface Role {
  readonly title: string;
  /** One visit. @returns whether each of its calls was answered. */
  turn(): Promise<boolean>;
}

/** What they share. */
export interface Scene {
  readonly judge: Judge;
  readonly random: Random;
  /** As of several processes on one server. */
  readonly stores: readonly SessionStore[];
}

/** Looks at a session that must be there. @returns undefined where it was not told. */
function owned(judge: Judge, sid: string, { value, failed }: Outcome<SessionData | null>): SessionData | undefined {
  if (failed) return undefined;
  if (value === null) judge.breach('missing session', `${sid} is there, and the answer was that it is not`);
  else if (!isOf(sid, value)) judge.breach('wrong data', `${sid} got another session, or a part of one`);
  else return value;
  return undefined;
}

/** A session of several writers, each with a key of its own: loaded, changed and saved, as middlewares do. */
export class Shared {
  readonly sid: string;
  readonly #judge: Judge;
  readonly #ledgers: readonly Ledger[];

  constructor({ judge, stores }: Scene, sid: string) {
    this.sid = sid;
    this.#judge = judge;
    this.#ledgers = stores.map((_, index) => new Ledger(judge, `key ${index} of ${sid}`));
  }

  get acknowledged(): number {
    return this.#ledgers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  /** Reads it, and looks whether everything is there that was acknowledged before. */
  async read(store: SessionStore): Promise<SessionData | undefined> {
    const least = this.#ledgers.map(({ acknowledged }) => acknowledged);
    const session = owned(this.#judge, this.sid, await this.#judge.call('get', () => store.get(this.sid)));
    if (session !== undefined) for (const [index, ledger] of this.#ledgers.entries()) ledger.check(session[`key${index}`], least[index]!);
    return session;
  }

  /** Counts its key up in a session that was read just now. @returns whether it was acknowledged. */
  async save(store: SessionStore, index: number, session: SessionData): Promise<boolean> {
    const ledger = this.#ledgers[index]!;
    const n = (ledger.attempted += 1);
    session[`key${index}`] = n;
    const { failed } = await this.#judge.call('set', () => store.set(this.sid, session));
    if (!failed) ledger.acknowledged = n;
    return !failed;
  }
}

export class Writer implements Role {
  constructor(
    readonly scene: Scene,
    readonly shared: Shared,
    readonly index: number,
  ) {}

  get title(): string {
    return `writer ${this.index} of ${this.shared.sid}`;
  }

  async turn(): Promise<boolean> {
    const store = this.scene.stores[this.index]!;
    const session = await this.shared.read(store);
    if (session === undefined || !(await this.shared.save(store, this.index, session))) return false;
    // Once more with the same object, which is tied to what it saved.
    return this.scene.random.chance(0.3) ? this.shared.save(store, this.index, session) : true;
  }
}

/** A number that all count up by `update()`. */
export class Counter {
  readonly sid: string;
  readonly ledger: Ledger;
  readonly #judge: Judge;

  constructor({ judge }: Scene, sid: string) {
    this.sid = sid;
    this.ledger = new Ledger(judge, `counter ${sid}`);
    this.#judge = judge;
  }

  async read(store: SessionStore): Promise<SessionData | undefined> {
    const least = this.ledger.acknowledged;
    const session = owned(this.#judge, this.sid, await this.#judge.call('get', () => store.get(this.sid)));
    if (session !== undefined) this.ledger.check(session['count'], least);
    return session;
  }

  /** @returns whether it was acknowledged. */
  async increment(store: SessionStore): Promise<boolean> {
    this.ledger.attempted += 1;
    const change = (session: SessionData) => void (session['count'] += 1);
    const { value, failed } = await this.#judge.call('update', () => store.update(this.sid, change));
    if (failed) return false;
    if (value === null) this.#judge.breach('missing session', `update of ${this.sid} found none`);
    else this.ledger.acknowledged += 1;
    return true;
  }
}

export class Updater implements Role {
  constructor(
    readonly scene: Scene,
    readonly counter: Counter,
    readonly index: number,
  ) {}

  get title(): string {
    return `updater ${this.index} of ${this.counter.sid}`;
  }

  turn(): Promise<boolean> {
    return this.counter.increment(this.scene.stores[this.index]!);
  }
}

/** Reads and touches what others write. */
export class Reader implements Role {
  readonly title = 'reader';

  constructor(
    readonly scene: Scene,
    readonly shared: readonly Shared[],
    readonly counters: readonly Counter[],
  ) {}

  async turn(): Promise<boolean> {
    const { judge, random, stores } = this.scene;
    const store = random.pick(stores);
    const one = random.pick([...this.shared, ...this.counters]);
    if ((await one.read(store)) === undefined) return false;
    if (!random.chance(0.3)) return true;
    const { value, failed } = await judge.call('touch', () => store.touch(one.sid, undefined, 600_000));
    if (!failed && !value) judge.breach('missing session', `touch of ${one.sid} found none`);
    return !failed;
  }
}

/** How many logouts are looked at again. */
const REMEMBERED = 24;

/** Logs in, looks, logs out while a request is under way, and stays logged out. */
export class Guest implements Role {
  readonly #scene: Scene;
  readonly title: string;
  readonly #gone: string[] = [];
  #visits = 0;

  constructor(scene: Scene, title: string) {
    this.#scene = scene;
    this.title = title;
  }

  async turn(): Promise<boolean> {
    const { judge, random, stores } = this.#scene;
    const [here, there] = [random.pick(stores), random.pick(stores)];
    const sid = `${this.title}-${(this.#visits += 1)}`;
    const session = sessionOf(sid);
    const login = await judge.call('set', () => here.set(sid, session));
    if (!login.failed) owned(judge, sid, await judge.call('get', () => there.get(sid)));
    session['late'] = true;
    const logout = await this.#leave(login.failed ? undefined : () => here.set(sid, session), () => there.destroy(sid));
    if (!logout.failed && !login.failed) await this.#isGone(sid);
    await this.#lookAgain();
    return !login.failed && !logout.failed;
  }

  /** A logout, and the save of a request that is under way: without a login that is known to be done, that would be one. */
  async #leave(save: (() => Promise<void>) | undefined, destroy: () => Promise<void>): Promise<Outcome<void>> {
    const { judge, random } = this.#scene;
    const late = async () => void (save && (await judge.call('set', save)));
    const isFirst = random.chance(0.5);
    const saved = isFirst ? late() : undefined;
    const logout = judge.call('destroy', destroy);
    await (saved ?? late());
    return logout;
  }

  async #isGone(sid: string): Promise<void> {
    const { judge, random, stores } = this.#scene;
    const { value, failed } = await judge.call('get', () => random.pick(stores).get(sid));
    if (!failed && value !== null) judge.breach('came back', `${sid} was destroyed, and is there`);
    this.#gone.push(sid);
  }

  /** What was on its way for longer may come later. */
  async #lookAgain(): Promise<void> {
    const { judge, random, stores } = this.#scene;
    const sid = this.#gone.length > REMEMBERED ? this.#gone.shift()! : undefined;
    if (sid === undefined) return;
    const { value, failed } = await judge.call('get', () => random.pick(stores).get(sid));
    if (!failed && value !== null) judge.breach('came back', `${sid} was destroyed a while ago, and is there`);
  }
}
