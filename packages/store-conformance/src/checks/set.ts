import assert from 'node:assert/strict';
import { expectData, expectThere, storeError } from '../expect.js';
import { asJson } from '../sessions.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

/** SET: storing one session. */
export const set: Check[] = [
  {
    id: 'SET-1',
    level: 'MUST',
    since: '0.1',
    title: 'set() stores a new session, and a new object replaces the whole old one',
    why: 'It is what a session store is for.',
    mend: 'Make set() an upsert.',
    run: async (t) => {
      const sid = await t.stored({ a: 1, b: 1 });
      await expectData(t.store, sid, { a: 1, b: 1 }, 'get() after the first set()');
      await t.put(sid, { b: 2 });
      await expectData(t.store, sid, { b: 2 }, 'get() after a second set() with an object that no store has seen');
    },
  },
  {
    id: 'SET-2',
    level: 'MUST',
    since: '0.1',
    title: 'set() stores the session as it was when it was called',
    why: 'What the application changes while a save is under way is stored half, or in the wrong save.',
    mend: 'Serialise before the first await.',
    run: async (t) => {
      const sid = t.sid();
      const session = t.session({ list: [1] });
      const saved = t.store.set(sid, session);
      session['list'].push(2);
      session['late'] = true;
      await saved;
      session['later'] = true;
      await expectData(t.store, sid, { list: [1] }, 'get() after the object was changed while set() was under way');
    },
  },
  {
    id: 'SET-3',
    level: 'MUST',
    since: '0.1',
    title: "set() leaves the caller's object as it is",
    why: 'Seen: a key that the store added to req.session, which then counted as a change of the application.',
    mend: 'Copy before you add anything.',
    run: async (t) => {
      const session = t.session({ user: { name: 'ada' } });
      const before = asJson(session);
      await t.store.set(t.sid(), session);
      assert.deepEqual(asJson(session), before, 'the object given to set(), afterwards');
    },
  },
  {
    id: 'SET-4',
    level: 'MUST',
    since: '0.1',
    title: 'sets of one sid at the same time all succeed, and the last call wins',
    why: 'Seen: unique violations as 500s, saves reported and dropped, and an older value left in 4 to 10 of 10 runs.',
    mend: 'Make set() one upsert statement, and send the commands of one sid one after the other.',
    run: lastCallWins,
  },
  {
    id: 'SET-5',
    level: 'MUST',
    since: '0.1',
    title: 'set() refuses what is no session, and leaves what was stored',
    why: 'A null or a text that is stored as a session breaks every later request of that user.',
    mend: 'Refuse null, arrays, functions and primitive values with ERR_STORE_INVALID_ARGUMENT.',
    needs: ['promises', 'tie'],
    run: refusesNoSession,
  },
];

async function lastCallWins(t: Trial): Promise<void> {
  const sids = [t.sid(), t.sid(), t.sid(), t.sid(), t.sid()];
  const turns = Array.from({ length: 20 }, (_, n) => n);
  await Promise.all(turns.flatMap((n) => sids.map((sid) => t.put(sid, { n }))));
  for (const sid of sids) await expectData(t.store, sid, { n: 19 }, 'get() after 20 sets at the same time, n = 0 to 19');
}

async function refusesNoSession(t: Trial): Promise<void> {
  const sid = await t.stored({ n: 1 });
  for (const value of [null, undefined, 'text', 7, true, [], () => undefined]) {
    const work = t.store.call('set', sid, value);
    await storeError(work, 'ERR_STORE_INVALID_ARGUMENT', `set() with ${typeof value} ${String(value)}`);
  }
  await expectThere(t.store, sid, 'the session that was stored before');
}
