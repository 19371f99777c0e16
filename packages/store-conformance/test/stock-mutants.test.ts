import { describe, expect, it } from 'vitest';
import { checks, runConformance } from '@sessile/store-conformance';
import { MemoryStore } from '@sessile/store-memory';

/** Each middleware calls the methods in its own form. */
type Method = (sid: string, ...args: any[]) => any;
type Store = { set: Method; touch: Method; on(event: 'drop', listener: (dropped: { id: string }) => void): unknown };

interface Mutant {
  readonly name: string;
  /** The checks that must catch it: these, and no others. */
  readonly caughtBy: readonly string[];
  readonly breaks: (store: Store) => void;
}

/** A save that skips some sessions, and says that it went well. */
function skipping(store: Store, skips: (sid: string, session: any, rest: readonly any[]) => boolean): void {
  const set = store.set.bind(store);
  store.set = (sid, session, ...rest) => (skips(sid, session, rest) ? succeed(rest) : set(sid, session, ...rest));
}

function succeed(rest: readonly any[]): unknown {
  const callback = rest.find((arg) => typeof arg === 'function');
  if (!callback) return Promise.resolve();
  process.nextTick(callback, null);
  return undefined;
}

/** An object of no request. */
function untied(store: Store): Method {
  const set = store.set.bind(store);
  return (sid, session, ...rest) => set(sid, { ...session }, ...rest.filter((arg) => typeof arg !== 'object'));
}

const MUTANTS: readonly Mutant[] = [
  {
    name: 'saves the whole of a session',
    caughtBy: ['MID-6', 'MID-6.a', 'MID-6.b', 'MID-7', 'MID-7.a', 'MID-7.b'],
    breaks: (store) => void (store.set = untied(store)),
  },
  {
    name: 'saves a destroyed session back',
    caughtBy: ['MID-7', 'MID-7.a', 'MID-7.b'],
    breaks: (store) => {
      const [set, put] = [store.set.bind(store), untied(store)];
      const last = new Map<string, unknown>();
      store.set = (sid, session, ...rest) => set(sid, last.set(sid, session) && session, ...rest);
      store.on('drop', ({ id }) => void put(id, last.get(id)));
    },
  },
  {
    name: 'stores nothing where the cookie of express-session names no end',
    caughtBy: ['MID-8'],
    breaks: (store) => skipping(store, (_, { cookie }) => cookie?.expires === null),
  },
  {
    name: "takes koa-session's word 'session' for a number",
    caughtBy: ['MID-8.a'],
    breaks: (store) => {
      const set = store.set.bind(store);
      store.set = (sid, session, ...rest) =>
        rest[0] === 'session' ? Promise.reject(new Error('value is not an integer')) : set(sid, session, ...rest);
    },
  },
  {
    name: 'stores nothing where koa-generic-session gives no lifetime',
    caughtBy: ['MID-8.b'],
    breaks: (store) => skipping(store, (_sid, _session, rest) => rest.length === 1 && rest[0] === undefined),
  },
  {
    name: 'does nothing in touch()',
    caughtBy: ['MID-9'],
    breaks: (store) => void (store.touch = (_, ...rest) => succeed(rest)),
  },
  {
    name: 'skips what koa-session calls unchanged',
    caughtBy: ['MID-9.a'],
    breaks: (store) => skipping(store, (_sid, _session, rest) => rest[1]?.changed === false),
  },
  {
    name: 'skips what it saved before',
    caughtBy: ['MID-9.b'],
    breaks: (store) => {
      const last = new Map<string, string>();
      skipping(store, (sid, session) => {
        const [text, before] = [JSON.stringify(session), last.get(sid)];
        last.set(sid, text);
        return text === before;
      });
    },
  },
];

const MIDDLEWARES: ReadonlySet<string> = new Set(['express-session', 'koa-session', 'koa-generic-session']);
const stock = checks.filter(({ needs = [] }) => needs.some((need) => MIDDLEWARES.has(need))).map((check) => ({ ...check, timed: true }));

async function failed(breaks?: Mutant['breaks']): Promise<string[]> {
  const create = (): MemoryStore => {
    const store = new MemoryStore();
    breaks?.(store as unknown as Store);
    return store;
  };
  const { results } = await runConformance({ name: 'a store in a middleware', create }, { checks: stock, only: [] });
  return results.filter(({ status }) => status !== 'pass').map(({ id }) => id);
}

describe('inside the stock middlewares, the kit', () => {
  it.concurrent('passes a store that is right', async () => expect(await failed()).toEqual([]));

  for (const { name, caughtBy, breaks } of MUTANTS) {
    it.concurrent(`catches one that ${name}: ${caughtBy.join(', ')}`, async () => expect(await failed(breaks)).toEqual(caughtBy));
  }

  it('has a mutant for each check', () => {
    const covered = new Set(MUTANTS.flatMap(({ caughtBy }) => caughtBy));
    expect(stock.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([]);
  });
});
