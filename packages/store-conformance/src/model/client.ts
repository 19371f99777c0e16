import { isDeepStrictEqual } from 'node:util';
import { earlyMs } from '../expect.js';
import { asJson, dataOf, LONG_MS } from '../sessions.js';
import type { StoreUnderTest } from '../store-under-test.js';
import type { Trial } from '../trial.js';
import type { Session } from '../types.js';
import { type Action, isOdd } from './commands.js';
import { type Answer, type Call, counted, type Ends, type Operation, type Patch, patched } from './reference.js';

/** Long enough for a few calls, and soon over. */
export const BRIEF_MS = 25;
/** A clock may differ by this much from the one that made a date. */
const TOLERANCE_MS = 2;

/** A call without what it asked. */
export type Timed = Omit<Call, 'sid' | 'operation'>;
type Listed = Map<string, Session> | string[];
/** What no state of the model answers. */
const LISTED = { operation: { op: 'list' }, answer: { value: 'listed' } } as const;

/** What a client holds of a session: an object with a tie, and what it held at the last load or save. */
interface Held {
  readonly object: Session;
  base: Session;
}

/** What the clients of one history share. */
export class Bench {
  readonly trial: Trial;
  readonly sids: readonly string[];
  readonly lines: string[] = [];
  #ticks = 0;
  /** When the last of the short lives must be over. */
  #lastEnd = 0;

  readonly #turn: number;

  /** @param turn the number of this history: what it did to a plain sid is no business of the next one. */
  constructor(trial: Trial, sids: readonly string[], turn: number) {
    this.trial = trial;
    this.sids = sids;
    this.#turn = turn;
  }

  /** The sid that the store is given. */
  keyOf(sid: string): string {
    return isOdd(sid) ? sid : `${sid}${this.#turn}`;
  }

  /** The sid of the history that is meant by one of the store's. */
  nameOf(key: string): string {
    return this.sids.find((sid) => this.keyOf(sid) === key) ?? key;
  }

  tick(): number {
    this.#ticks += 1;
    return this.#ticks;
  }

  /** When a session ends that was given this life between two moments. */
  ends(from: number, to: number, lifeMs: number): Ends {
    const last = to + lifeMs + this.trial.resolutionMs + TOLERANCE_MS;
    if (lifeMs < LONG_MS) this.#lastEnd = Math.max(this.#lastEnd, last);
    return { first: from + lifeMs - earlyMs(this.trial), last };
  }

  /** Until every short life is over. */
  wait(): Promise<void> {
    return this.trial.clock.passUntil(this.#lastEnd + 1);
  }
}

/** Does what a history says on one store object, and notes what it was answered. */
export class Client {
  readonly #store: StoreUnderTest;
  readonly #bench: Bench;
  readonly #name: string;
  readonly #held = new Map<string, Held>();

  constructor(store: StoreUnderTest, bench: Bench, name: string) {
    this.#store = store;
    this.#bench = bench;
    this.#name = name;
  }

  /** Forgets what was loaded before the session ended: it may be taken for one of the next session's (DEL-5). */
  forget(sid: string): void {
    this.#held.delete(sid);
  }

  /** One call of the store, as one operation on each sid that it is about. */
  async act(action: Action): Promise<Call[]> {
    if (action.do === 'all' || action.do === 'ids') return this.#list(action.do);
    if (action.do === 'clear') return this.#clear();
    return 'sid' in action ? this.#one(action) : [];
  }

  /** How many sessions the store says that there are. */
  count(): Promise<Timed> {
    return this.#timed('length()', () => this.#store.length());
  }

  async #one(action: Extract<Action, { sid: string }>): Promise<Call[]> {
    const { sid } = action;
    // Before the cookie gets its date.
    const askedAt = this.#bench.trial.clock.now();
    const asked = this.#ask(action);
    if (!asked) return [];
    const [operation, work] = asked;
    const timed = await this.#timed(textOf(operation, sid), work, askedAt);
    const ends = 'lifeMs' in operation && { ends: this.#bench.ends(askedAt, timed.answeredAt, operation.lifeMs) };
    return [{ sid, operation, refusable: this.#mayRefuse(sid, operation), ...timed, ...ends }];
  }

  /** What the model is told, and what the store is asked. */
  #ask(action: Extract<Action, { sid: string }>): [Operation, () => Promise<unknown>] | undefined {
    const { sid } = action;
    if (action.do === 'put') return this.#put(sid, action.data, lifeOf(action));
    if (action.do === 'touch') return this.#touch(sid, lifeOf(action));
    if (action.do === 'get') return [{ op: 'get' }, () => this.#load(sid)];
    if (action.do === 'destroy') return [{ op: 'destroy' }, () => this.#store.destroy(this.#bench.keyOf(sid))];
    if (!('patch' in action)) return [{ op: 'count' }, () => this.#update(sid, counted)];
    if (action.do === 'save') return this.#save(sid, action.patch);
    const patch = json(action.patch);
    return [{ op: 'update', patch }, () => this.#update(sid, (session) => patched(session, patch))];
  }

  async #load(sid: string): Promise<Session | null> {
    const object = await this.#store.get(this.#bench.keyOf(sid));
    if (object === null) return null;
    const base = plainData(object);
    if (this.#store.has('tie')) this.#held.set(sid, { object, base });
    return base;
  }

  #put(sid: string, given: Session, lifeMs: number): [Operation, () => Promise<unknown>] {
    const object = this.#bench.trial.session(given, lifeMs);
    const data = plainData(object);
    const work = async (): Promise<void> => {
      await this.#store.set(this.#bench.keyOf(sid), object, lifeMs);
      if (this.#store.has('tie')) this.#held.set(sid, { object, base: data });
    };
    return [{ op: 'put', data, lifeMs }, work];
  }

  /** By an object without a tie, which sets what it says. */
  #touch(sid: string, lifeMs: number): [Operation, () => Promise<unknown>] {
    const session = this.#bench.trial.session({ stale: true }, lifeMs);
    const says = this.#store.has('tie') && this.#store.kind !== 'callback';
    const work = (): Promise<unknown> => this.#store.touch(this.#bench.keyOf(sid), session, lifeMs);
    return [{ op: 'touch', lifeMs }, () => work().then((touched) => (says ? touched : undefined))];
  }

  #save(sid: string, wanted: Patch): [Operation, () => Promise<unknown>] | undefined {
    const held = this.#held.get(sid);
    if (!held) return undefined;
    for (const [key, value] of wanted) assign(held.object, key, value);
    const mine = plainData(held.object);
    const patch = difference(held.base, mine);
    held.base = mine;
    return [{ op: 'save', patch }, () => this.#store.set(this.#bench.keyOf(sid), held.object)];
  }

  async #update(sid: string, change: (session: Session) => Session): Promise<Session | null> {
    const updated: Session | null = await this.#store.raw['update'](this.#bench.keyOf(sid), change);
    return updated && plainData(updated);
  }

  async #list(method: 'all' | 'ids'): Promise<Call[]> {
    const name = (key: string): string => this.#bench.nameOf(key);
    const all = async (): Promise<Listed> => new Map([...(await this.#store.all())].map(([key, session]) => [name(key), session]));
    const ids = async (): Promise<Listed> => (await this.#store.call<string[]>('ids')).map(name);
    const work = method === 'all' ? all : ids;
    const timed = await this.#timed(`${method}()`, work);
    const listed = 'value' in timed.answer ? (timed.answer.value as Listed) : undefined;
    const known = this.#bench.sids.map((sid) => ({ ...timed, sid, ...seenIn(listed, sid, timed.answer) }));
    return [...known, ...strangers(listed, this.#bench.sids).map((sid) => ({ ...timed, sid, ...LISTED }))];
  }

  async #clear(): Promise<Call[]> {
    const timed = await this.#timed('clear()', () => this.#store.clear());
    return this.#bench.sids.map((sid) => ({ ...timed, sid, operation: { op: 'destroy' } }));
  }

  async #timed(text: string, work: () => Promise<unknown>, askedAt = this.#bench.trial.clock.now()): Promise<Timed> {
    const [begun, line] = [this.#bench.tick(), this.#note(text)];
    const answer = await settled(work);
    this.#bench.lines[line] += answerText(answer);
    return { answer, askedAt, answeredAt: this.#bench.trial.clock.now(), begun, ended: this.#bench.tick() };
  }

  #note(text: string): number {
    return this.#bench.lines.push(`${this.#name}${text}`) - 1;
  }

  /** What a backend cannot hold, and for a store without ties an odd sid. */
  #mayRefuse(sid: string, operation: Operation): boolean {
    if (isOdd(sid) && !this.#store.has('tie')) return true;
    return operation.op === 'put' && /\\u0000|\\ud[89a-f]/.test(JSON.stringify(operation.data));
  }
}

function lifeOf({ brief }: { readonly brief: boolean }): number {
  return brief ? BRIEF_MS : LONG_MS;
}

async function settled(work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { value: await work() };
  } catch (thrown) {
    return { error: thrown instanceof Error ? thrown : new Error(`${String(thrown)} was thrown, which is no Error`) };
  }
}

/** Without the cookie, as JSON gives it. */
function plainData(session: Session): Session {
  return asJson(dataOf(session));
}

function json(patch: Patch): Patch {
  return patch.map(([key, value]) => [key, value === undefined ? undefined : asJson(value)]);
}

/** As the application would, but `__proto__` too. */
function assign(session: Session, key: string, value: unknown): void {
  if (value === undefined) delete session[key];
  else Object.defineProperty(session, key, { value, enumerable: true, writable: true, configurable: true });
}

function difference(base: Session, mine: Session): Patch {
  const keys = [...new Set([...Object.keys(base), ...Object.keys(mine)])];
  return keys.filter((key) => !isDeepStrictEqual(own(base, key), own(mine, key))).map((key) => [key, own(mine, key)]);
}

function own(object: Session, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sids that nobody stored, or that were listed before. */
function strangers(listed: Listed = [], sids: readonly string[]): string[] {
  const found = Array.isArray(listed) ? listed : [...listed.keys()];
  return found.filter((sid, i) => !sids.includes(sid) || found.indexOf(sid) < i);
}

function seenIn(listed: Listed | undefined, sid: string, answer: Answer): Pick<Call, 'operation' | 'answer'> {
  if (!listed) return { operation: { op: 'list' }, answer };
  if (Array.isArray(listed)) return { operation: { op: 'list' }, answer: { value: listed.includes(sid) } };
  const session = listed.get(sid);
  return { operation: { op: 'get' }, answer: { value: session ? plainData(session) : null } };
}

function textOf(operation: Operation, sid: string): string {
  const key = JSON.stringify(sid);
  if (operation.op === 'put') return `set(${key}, ${short(operation.data)}, ${operation.lifeMs} ms)`;
  if (operation.op === 'touch') return `touch(${key}, ${operation.lifeMs} ms)`;
  if (operation.op === 'save') return `set(${key}, what was loaded, with ${patchText(operation.patch)})`;
  if (operation.op === 'update') return `update(${key}, ${patchText(operation.patch)})`;
  return operation.op === 'count' ? `update(${key}, n + 1)` : `${operation.op}(${key})`;
}

function patchText(patch: Patch): string {
  if (patch.length === 0) return 'no change';
  return patch.map(([key, value]) => `${JSON.stringify(key)} ${value === undefined ? 'deleted' : `= ${short(value)}`}`).join(', ');
}

export function answerText(answer: Answer): string {
  if ('error' in answer) return ` -> ${answer.error.name}: ${answer.error.message}`;
  return answer.value === undefined ? ' -> ok' : ` -> ${short(answer.value)}`;
}

/** On one line, and not too much of it. */
export function short(value: unknown): string {
  const text = JSON.stringify(value instanceof Map ? Object.fromEntries(value) : value) ?? 'undefined';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
