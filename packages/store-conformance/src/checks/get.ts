import assert from 'node:assert/strict';
import { expectData, expectThere, observe, outlive } from '../expect.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const ROUNDS = 3;
const AT_ONCE_MS = 100;

/** GET: reading one session. */
export const get: Check[] = [
  {
    id: 'GET-1',
    level: 'MUST',
    since: '0.1',
    title: 'a sid that nobody stored is no session, without an error',
    why: 'Every first visit asks for an unknown sid. An error there is a 500 for a new visitor.',
    mend: 'Answer null (or undefined) where the backend has no row. Keep errors for failures.',
    // Of a callback, an error with the code ENOENT is no error here: express-session takes it for "no session".
    run: async (t) => assert.equal(await t.store.get(t.sid()), null, 'get() of a sid that nobody stored'),
  },
  {
    id: 'GET-1.a',
    level: 'SHOULD',
    since: '0.1',
    title: 'a missing session is answered as fast as a stored one',
    why: 'Seen: a store that tried five times before it said so, 275 ms for every new visitor.',
    mend: 'Do not retry on "not found": it is an answer.',
    run: missingIsFast,
  },
  {
    id: 'GET-1.b',
    level: 'SHOULD',
    since: '0.1',
    title: 'a missing session is told without an error, ENOENT included',
    why: 'express-session takes ENOENT for "no session"; @fastify/session, store.load() and your own code take it for a failure.',
    mend: 'Call back with (null, null) where the session is missing.',
    needs: ['callbacks'],
    run: async (t) => {
      const { calls } = await observe(t.store, 'get', t.sid());
      assert.equal(calls[0]?.[0] ?? null, null, 'the error of get() of a sid that nobody stored');
    },
  },
  {
    id: 'GET-2',
    level: 'MUST',
    since: '0.1',
    title: "what get() returns is the caller's own copy",
    why: "Two requests of one user that share an object see each other's half-made changes, saved or not.",
    mend: 'Store text and parse it at each get, or copy in and out.',
    run: async (t) => {
      const sid = await t.stored({ cart: { items: [1] } });
      const mine = await t.store.load(sid);
      mine['cart'].items.push(2);
      mine['added'] = true;
      await expectData(t.store, sid, { cart: { items: [1] } }, 'get() after the first answer was changed, not saved');
    },
  },
  {
    id: 'GET-2.a',
    level: 'MUST',
    since: '0.1',
    title: 'gets of one sid at the same time have a copy each',
    why: 'A store that shares one read between callers hands one object to several requests.',
    mend: 'Share the text if you like; parse it once per caller.',
    run: async (t) => {
      const sid = await t.stored({ cart: { items: [1] } });
      const copies = await Promise.all([1, 2, 3, 4].map(() => t.store.load(sid)));
      for (const copy of copies) copy['cart'].items.push(2);
      assert.deepEqual(
        copies.map((copy) => copy['cart'].items),
        copies.map(() => [1, 2]),
        'four copies, each changed once',
      );
    },
  },
  {
    id: 'GET-3',
    level: 'MUST',
    since: '0.1',
    title: 'get() adds nothing to the session',
    why: "A key of the store's own shows up in the application's data, and is saved with it.",
    mend: 'Keep what the store needs beside the session, not in it.',
    run: async (t) => {
      const sid = await t.stored({ user: 'ada' });
      const keys = Object.keys(await t.store.load(sid)).toSorted();
      assert.deepEqual(keys, ['cookie', 'user'], 'the keys of what get() returned');
    },
  },
  {
    id: 'GET-4',
    level: 'MUST',
    since: '0.1',
    title: 'get(sid, { extendMs }) reads the session and extends its life',
    why: 'It saves the middleware a command per request; if it only reads, active users are logged out.',
    mend: 'Extend a live session by at least extendMs from now, and create nothing.',
    needs: ['promises', 'tie'],
    timed: true,
    run: async (t) => {
      const extendMs = 30_000;
      const sid = await outlive(t, async (key, lifeMs) => {
        await t.put(key, { n: 1 }, lifeMs);
        assert.equal((await t.store.raw['get'](key, { extendMs }))?.n, 1, 'n of what get(sid, { extendMs }) returned');
      });
      assert.equal(await t.store.raw['get'](t.sid(), { extendMs }), null, 'the same for a sid that nobody stored');
      await expectThere(t.store, sid, 'the extended session, after its first life');
    },
  },
];

async function missingIsFast(t: Trial): Promise<void> {
  const sid = await t.stored();
  const stored = await fastest(() => t.store.get(sid));
  const missing = await fastest(() => t.store.get(t.sid()));
  const said = `a missing session took ${Math.round(missing)} ms at best, a stored one ${Math.round(stored)} ms`;
  assert.ok(missing < AT_ONCE_MS + 10 * stored, said);
}

async function fastest(work: () => Promise<unknown>): Promise<number> {
  const tookMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    await work();
    tookMs.push(performance.now() - startedAt);
  }
  return Math.min(...tookMs);
}
