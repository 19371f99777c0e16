import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { expectData, expectThere, observe, type Observation } from '../expect.js';
import { isMissing, isPromise } from '../store-under-test.js';
import { eventually, quiet } from '../time.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const ANSWER_MS = 5000;

/** CB: the callbacks that express-session gives. */
export const callbacks: Check[] = [
  {
    id: 'CB-1',
    level: 'MUST',
    since: '0.1',
    title: 'a callback is called exactly once, in success and in failure',
    why: 'Twice is "headers already sent", or a second user\'s response; never is a request that hangs.',
    mend: 'Settle in one place, outside the try.',
    needs: ['callbacks'],
    run: (t) => everyCall(t, (seen, name) => assert.equal(seen.calls.length, 1, `how often ${name} called back`)),
  },
  {
    id: 'CB-2',
    level: 'MUST',
    since: '0.1',
    title: 'a callback is called after the method has returned, on every path',
    why: 'Sometimes before and sometimes after is a race that tests do not find.',
    mend: 'Answer in process.nextTick where the answer is known at once.',
    needs: ['callbacks'],
    run: (t) => everyCall(t, (seen, name) => assert.equal(seen.early, false, `whether ${name} called back before it returned`)),
  },
  {
    id: 'CB-2.a',
    level: 'MUST',
    since: '0.1',
    title: 'with a callback, nothing is thrown and no returned promise rejects',
    why: 'A failure told twice is one failure handled and one crash.',
    mend: 'Return nothing where a callback was given, and put everything into the callback.',
    needs: ['callbacks'],
    run: (t) =>
      everyCall(t, (seen, name) => {
        assert.equal(seen.threw, undefined, `what ${name} threw`);
        assert.equal(seen.rejected, undefined, `what the promise of ${name} was rejected with`);
      }),
  },
  {
    id: 'CB-3',
    level: 'MUST',
    since: '0.1',
    title: 'set, touch, destroy and clear work with the callback left out',
    why: 'express-session\'s own page allows it. Seen: "callback is not a function" as a crash.',
    mend: 'Make the callback optional.',
    needs: ['callbacks'],
    run: withoutCallbacks,
  },
  {
    id: 'CB-4',
    level: 'MUST',
    since: '0.1',
    title: 'a callback that throws is not called again, and the error surfaces as uncaught',
    why: 'Seen in most stores: the request handler runs twice. In one the session was deleted as well.',
    mend: 'Call callbacks in process.nextTick, outside any try and any promise.',
    needs: ['callbacks'],
    run: throwingCallbacks,
  },
  {
    id: 'CB-5',
    level: 'MUST',
    since: '0.1',
    title: 'a callback that throws harms no other call',
    why: 'Calls that are answered together would go down together.',
    mend: 'A process.nextTick for each callback.',
    needs: ['callbacks'],
    run: harmsNoNeighbour,
  },
  {
    id: 'CB-6',
    level: 'MUST',
    since: '0.1',
    title: 'a callback runs in the async context of its caller',
    why: 'Loggers and tracers keep the request in AsyncLocalStorage: otherwise lines of one user are filed under another.',
    mend: 'Bind the callback with AsyncResource.bind where calls are answered together.',
    needs: ['callbacks'],
    run: async (t) => {
      const sid = await t.stored();
      const context = new AsyncLocalStorage<number>();
      const ask = (n: number): Promise<number | undefined> =>
        context.run(n, () => new Promise((done) => t.store.raw['get'](sid, () => done(context.getStore()))));
      const seen = await Promise.all([1, 2, 3, 4].map(ask));
      // Else every promise of the process pays for it from now on.
      context.disable();
      assert.deepEqual(seen, [1, 2, 3, 4], 'the contexts of four callbacks');
    },
  },
  {
    id: 'CB-7',
    level: 'MUST',
    since: '0.1',
    title: 'the callback is told (error) or (null, result), and a missing session is (null, null) or (null, undefined)',
    why: 'It is what every middleware tests for.',
    mend: 'Give a failure alone, and null or undefined as the error of a success.',
    needs: ['callbacks'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      const [error, session] = (await observe(t.store, 'get', sid)).calls[0] ?? [];
      assert.deepEqual([error ?? null, Object(session)['n']], [null, 1], 'the error and n of a stored session');
      const [none, missing] = (await observe(t.store, 'get', t.sid())).calls[0] ?? [];
      // ENOENT is GET-1.b's to judge.
      const failed = isMissing(none) ? null : (none ?? null);
      assert.deepEqual([failed, missing ?? null], [null, null], 'the error and the session of an unknown sid');
    },
  },
  {
    id: 'CB-8',
    level: 'MUST',
    since: '0.1',
    title: 'every method answers by a promise when no callback is given, and by the callback alone when one is',
    why: 'One store for Express and Koa has to serve both ways.',
    mend: 'Return undefined where a callback was given.',
    needs: ['callbacks', 'promises'],
    run: bothWays,
  },
];

type Call = [name: string, method: string, ...args: unknown[]];

/** Calls every method that the store has, where it succeeds, where it finds nothing and where it fails. */
async function everyCall(t: Trial, judge: (seen: Observation, name: string) => void): Promise<void> {
  const calls = (await callsOf(t)).filter(([, method]) => t.store.has(method));
  const observed = calls.map(async ([name, method, ...args]) => ({ name, seen: await observe(t.store, method, ...args) }));
  for (const { name, seen } of await Promise.all(observed)) judge(seen, name);
  if (t.store.has('clear')) judge(await observe(t.store, 'clear'), 'clear()');
}

async function callsOf(t: Trial): Promise<Call[]> {
  const [read, touched, ended] = [await t.stored(), await t.stored(), await t.stored()];
  return [
    ['get()', 'get', read],
    ['get() of a missing session', 'get', t.sid()],
    ['set()', 'set', t.sid(), t.session()],
    ['set() of what cannot be serialised', 'set', t.sid(), t.session({ n: 1n })],
    ['touch()', 'touch', touched, t.session()],
    ['touch() with a browser session', 'touch', touched, t.session({}, null)],
    ['touch() of a missing session', 'touch', t.sid(), t.session()],
    ['destroy()', 'destroy', ended],
    ['destroy() of a missing session', 'destroy', t.sid()],
    ['all()', 'all'],
    ['ids()', 'ids'],
    ['length()', 'length'],
  ];
}

/** Each on a session of its own: nobody can tell when a call without a callback is over, and two at once are DEL-3's matter. */
async function withoutCallbacks(t: Trial): Promise<void> {
  const { raw } = t.store;
  const set = t.sid();
  await raw['set'](set, t.session({ n: 1 }));
  assert.ok(await eventually(ANSWER_MS, () => isThere(t, set)), 'set() without a callback stored nothing');
  const destroyed = await t.stored();
  await raw['destroy'](destroyed);
  assert.ok(await eventually(ANSWER_MS, () => isGone(t, destroyed)), 'destroy() without a callback removed nothing');
  if (t.store.has('clear')) await clearWithoutCallback(t);
  if (t.store.has('touch')) await touchWithoutCallback(t);
}

async function clearWithoutCallback(t: Trial): Promise<void> {
  const cleared = await t.stored();
  await t.store.listed();
  await t.store.raw['clear']();
  assert.ok(await eventually(ANSWER_MS, () => isGone(t, cleared)), 'clear() without a callback removed nothing');
}

/** That it extends is TCH-1's to judge. Last, since it leaves nothing to wait for but the errors that reach nobody. */
async function touchWithoutCallback(t: Trial): Promise<void> {
  const touched = await t.stored();
  await t.store.raw['touch'](touched, t.session());
  await quiet();
  await expectThere(t.store, touched, 'the session after touch() without a callback');
}

async function isThere(t: Trial, sid: string): Promise<boolean> {
  return (await t.store.get(sid)) !== null;
}

async function isGone(t: Trial, sid: string): Promise<boolean> {
  return !(await isThere(t, sid));
}

async function throwingCallbacks(t: Trial): Promise<void> {
  const session = t.session({ n: 1 });
  const [read, written] = [await t.stored({ n: 1 }), t.sid()];
  const calls: Call[] = [
    ['get()', 'get', read],
    ['get() of a missing session', 'get', t.sid()],
    ['set()', 'set', written, session],
    ['touch()', 'touch', await t.stored({ n: 1 }), session],
    ['destroy()', 'destroy', await t.stored()],
  ];
  for (const call of calls) if (t.store.has(call[1])) await throwOnce(t, call);
  await expectData(t.store, read, { n: 1 }, 'the session that was read by a callback that threw');
  await expectData(t.store, written, { n: 1 }, 'the session that was set with a callback that threw');
}

async function throwOnce(t: Trial, [name, method, ...args]: Call): Promise<void> {
  const thrown = new Error(`thrown by the callback of ${name}, on purpose`);
  let count = 0;
  const atOnce = callThrowing(t, method, args, () => {
    count += 1;
    throw thrown;
  });
  const escaped = (): boolean => atOnce === thrown || t.watch.saw(thrown);
  assert.ok(await eventually(ANSWER_MS, escaped), `what the callback of ${name} threw never surfaced`);
  await quiet();
  assert.equal(count, 1, `how often ${name} called a callback that throws`);
  const uncaught = atOnce === thrown ? [] : [{ origin: 'uncaughtException', error: thrown }];
  assert.deepEqual(t.watch.take(), uncaught, `the uncaught errors after ${name}`);
}

/**
 * @returns what came out of the method itself. Where it is what the callback threw, the callback was called at once: that is
 * CB-2's to judge, and the error has reached its caller.
 */
function callThrowing(t: Trial, method: string, args: unknown[], callback: () => void): unknown {
  try {
    t.store.raw[method](...args, callback);
    return undefined;
  } catch (error) {
    return error;
  }
}

async function harmsNoNeighbour(t: Trial): Promise<void> {
  const sids = [await t.stored({ n: 0 }), await t.stored({ n: 1 }), await t.stored({ n: 2 })];
  const later: Error[] = [];
  const answers: unknown[] = [];
  for (const sid of sids) {
    const error = new Error('thrown by a callback, on purpose');
    callThrowing(t, 'get', [sid], () => void answers.push(sid));
    const atOnce = callThrowing(t, 'get', [sid], () => {
      throw error;
    });
    if (atOnce !== error) later.push(error);
  }
  const all = (): boolean => answers.length === sids.length && later.every((error) => t.watch.saw(error));
  const came = await eventually(ANSWER_MS, all);
  const surfaced = sids.length - later.filter((error) => !t.watch.saw(error)).length;
  assert.ok(came, `beside three callbacks that threw, ${answers.length} of 3 answers came, and ${surfaced} of 3 errors surfaced`);
  await quiet();
  assert.equal(t.watch.take().length, later.length, 'how many errors surfaced later, for three callbacks that threw');
}

async function bothWays(t: Trial): Promise<void> {
  const calls = (await callsOf(t)).filter(([, method]) => t.store.has(method));
  for (const [name, method, ...args] of calls) {
    const seen = await observe(t.store, method, ...args);
    assert.equal(seen.returned, undefined, `what ${name} returned, given a callback`);
    const promise: unknown = t.store.raw[method](...args);
    assert.ok(isPromise(promise), `${name} without a callback returned no promise`);
    await promise.catch(() => undefined);
  }
}
