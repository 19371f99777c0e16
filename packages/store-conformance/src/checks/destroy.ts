import assert from 'node:assert/strict';
import { expectData, expectGone } from '../expect.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

/** DEL: ending a session. */
export const destroy: Check[] = [
  {
    id: 'DEL-1',
    level: 'MUST',
    since: '0.1',
    title: 'destroy() of a missing or destroyed session is no error',
    why: 'A second click on "log out" must not be a 500.',
    mend: 'Treat "nothing removed" as a success.',
    run: async (t) => {
      const sid = await t.stored();
      await t.store.destroy(sid);
      await t.store.destroy(sid);
      await t.store.destroy(t.sid());
    },
  },
  {
    id: 'DEL-2',
    level: 'MUST',
    since: '0.1',
    title: 'a destroyed session is gone',
    why: 'It is what a logout is.',
    mend: 'Remove it before the call settles.',
    run: async (t) => {
      const [gone, stays] = [await t.stored(), await t.stored({ n: 1 })];
      await t.store.destroy(gone);
      await expectGone(t.store, gone, 'get() after destroy()');
      await expectData(t.store, stays, { n: 1 }, 'another session');
    },
  },
  {
    id: 'DEL-3',
    level: 'MUST',
    since: '0.1',
    title: 'destroy() wins over a touch() at the same time',
    why: 'Seen: 100 of 100 sessions came back, because touch wrote the whole session again.',
    mend: 'Let touch extend what is there and create nothing, in one command.',
    needs: ['touch'],
    run: destroyBesideTouch,
  },
  {
    id: 'DEL-4',
    level: 'MUST',
    since: '0.1',
    title: 'a session destroyed while a request was in flight stays gone when that request saves it',
    why: 'Seen in 24 of 25 stores: a logout is undone by a slow request, and the old cookie works again.',
    mend: 'Save what was loaded only over a live session (compare-and-set). Or declare it in the target\'s "known".',
    run: async (t) => {
      const sid = await t.stored({ user: 'ada' });
      const slow = await t.store.load(sid);
      await t.store.load(sid);
      await t.store.destroy(sid);
      slow['seen'] = true;
      await t.store.set(sid, slow);
      await expectGone(t.store, sid, 'get() after destroy(), then set() of what was loaded before it');
    },
  },
  {
    id: 'DEL-4.a',
    level: 'MUST',
    since: '0.1',
    title: 'what was saved by set(), destroyed and saved again stays gone',
    why: 'The request that created a session may save it twice, with a logout in between.',
    mend: 'Tie the object given to a successful set() as well.',
    needs: ['tie'],
    run: async (t) => {
      const sid = t.sid();
      const session = t.session({ n: 1 });
      await t.store.set(sid, session);
      await t.store.destroy(sid);
      session['n'] = 2;
      await t.store.set(sid, session);
      await expectGone(t.store, sid, 'get() after set(), destroy() and set() of the same object');
    },
  },
  {
    id: 'DEL-5',
    level: 'MUST',
    since: '0.1',
    title: 'a new session can be stored under a sid that was destroyed',
    why: 'Applications with sids of their own (an externalKey) log in again under the same one.',
    mend: 'Keep no tombstone that outlives the requests it is for.',
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      await t.store.destroy(sid);
      await t.put(sid, { n: 2 });
      await expectData(t.store, sid, { n: 2 }, 'get() after destroy() and set() of a new object');
    },
  },
  {
    id: 'DEL-6',
    level: 'MUST',
    since: '0.1',
    title: 'destroy(key, { ctx }) is understood, and a second argument is not taken for a callback',
    why: 'koa-session and egg call it so.',
    mend: 'Take the last argument for a callback only if it is a function.',
    needs: ['promises'],
    run: async (t) => {
      const sid = await t.stored();
      await t.store.raw['destroy'](sid, { ctx: {} });
      assert.equal(await t.store.get(sid), null, 'get() after destroy(key, { ctx })');
    },
  },
];

async function destroyBesideTouch(t: Trial): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const sid = await t.stored({ n: 1 });
    const session = await t.store.load(sid);
    const calls = [() => t.store.touch(sid, session), () => t.store.destroy(sid)];
    if (round % 2) calls.reverse();
    await Promise.all(calls.map((call) => call()));
    await expectGone(t.store, sid, 'get() after a destroy() and a touch() at the same time');
  }
}
