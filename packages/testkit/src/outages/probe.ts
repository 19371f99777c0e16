import { randomBytes } from 'node:crypto';
import type { SessionData, SessionStore } from '@sessile/core';
import { isOf, sessionOf } from '../traffic/data.js';

/** A method of a store, in the ways that differ. */
export type Verb =
  | 'get'
  | 'get of none'
  | 'get many'
  | 'get and extend'
  | 'set new'
  | 'set many'
  | 'set large'
  | 'set loaded'
  | 'touch'
  | 'update'
  | 'destroy'
  | 'ids'
  | 'length'
  | 'entries'
  | 'ping';

/** What became of a call. `wrong`: it answered, and not what it should. */
export interface Answer {
  readonly verb: Verb;
  readonly ms: number;
  readonly outcome: 'worked' | 'failed' | 'wrong';
  readonly error?: Error & { code?: unknown };
}

const LOADED = ['read', 'extended', 'saved', 'touched', 'updated', 'destroyed'] as const;
const TTL_MS = 600_000;

/** So many that most of them share a command. */
const MANY = Array.from({ length: 40 }, (_, n) => n);

/** More than is left anywhere on a disk that is full, also where a server compresses. */
const LARGE = randomBytes(200_000).toString('base64');

/** Asks a store everything that it can be asked, all at once: each call about a session of its own. */
export class Probe {
  readonly #store: SessionStore;
  readonly #name: string;
  #loaded: SessionData = {};

  constructor(store: SessionStore, name: string) {
    this.#store = store;
    this.#name = name;
  }

  #sid(what: string): string {
    return `${this.#name}-${what}`;
  }

  /** While all is well. */
  async prepare(): Promise<void> {
    const make = (what: string) => this.#store.set(this.#sid(what), sessionOf(this.#sid(what), { version: 0, count: 0 }), TTL_MS);
    await Promise.all([...LOADED, ...MANY.map((n) => `many${n}`)].map(make));
    this.#loaded = (await this.#store.get(this.#sid('saved')))!;
    this.#loaded['version'] = 1;
  }

  async ask(): Promise<Answer[]> {
    const store = this.#store;
    const isMine = (what: string) => (session: SessionData | null) => session !== null && isOf(this.#sid(what), session);
    const done = () => true;
    const make = (what: string) => store.set(this.#sid(what), sessionOf(this.#sid(what)), TTL_MS);
    const lists = (ids: readonly string[]) => LOADED.slice(0, 5).every((what) => ids.includes(this.#sid(what)));
    return Promise.all([
      timed('get', store.get(this.#sid('read')), isMine('read')),
      timed('get of none', store.get(this.#sid('none')), (session) => session === null),
      timed('get many', Promise.all(MANY.map((n) => store.get(this.#sid(`many${n}`)))), (all) =>
        all.every((one, n) => isMine(`many${n}`)(one)),
      ),
      timed('get and extend', store.get(this.#sid('extended'), { extendMs: 2 * TTL_MS }), isMine('extended')),
      timed('set new', make('new'), done),
      timed('set many', Promise.all(MANY.map((n) => make(`made${n}`))), done),
      timed('set large', store.set(this.#sid('large'), sessionOf(this.#sid('large'), { large: LARGE }), TTL_MS), done),
      timed('set loaded', store.set(this.#sid('saved'), this.#loaded), done),
      timed('touch', store.touch(this.#sid('touched'), undefined, 2 * TTL_MS), (isLive) => isLive),
      timed('update', store.update(this.#sid('updated'), increment), isMine('updated')),
      timed('destroy', store.destroy(this.#sid('destroyed')), done),
      timed('ids', store.ids(), lists),
      timed('length', store.length(), (length) => length >= LOADED.length - 1),
      timed('entries', idsOf(store), lists),
      timed('ping', store.ping(), done),
    ]);
  }

  /** When all is well again: whether what was not asked for has happened. @returns what is wrong. */
  async look(): Promise<string[]> {
    const found = await Promise.all(LOADED.map((what) => this.#store.get(this.#sid(what))));
    return LOADED.flatMap((what, index) => this.#wrong(what, found[index] ?? null));
  }

  #wrong(what: (typeof LOADED)[number], session: SessionData | null): string[] {
    if (session === null) return what === 'destroyed' ? [] : [`the session that was to be ${what} is gone`];
    const isRight = isOf(this.#sid(what), session) && session['version'] <= 1 && session['count'] <= 1;
    return isRight ? [] : [`the session that was to be ${what} is another`];
  }
}

function increment(session: SessionData): void {
  session['count'] += 1;
}

async function idsOf(store: SessionStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const [id] of store.entries()) ids.push(id);
  return ids;
}

async function timed<R>(verb: Verb, call: Promise<R>, isRight: (value: R) => boolean): Promise<Answer> {
  const begun = performance.now();
  try {
    const outcome = isRight(await call) ? 'worked' : 'wrong';
    return { verb, ms: performance.now() - begun, outcome };
  } catch (error) {
    return { verb, ms: performance.now() - begun, outcome: 'failed', error: error as NonNullable<Answer['error']> };
  }
}

export const READS: readonly Verb[] = ['get', 'get of none', 'get many', 'ids', 'length', 'entries', 'ping'];
