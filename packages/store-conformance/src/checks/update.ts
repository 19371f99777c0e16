import assert from 'node:assert/strict';
import { expectData, expectGone, expectThere, rejection, storeError } from '../expect.js';
import { dataOf } from '../sessions.js';
import type { Check, Session } from '../types.js';

const count = (session: Session): void => void (session['n'] += 1);

/** UPD: read, change and write in one step. */
export const update: Check[] = [
  {
    id: 'UPD-1',
    level: 'MUST',
    since: '0.1',
    title: 'fifty increments by update() at the same time count to fifty',
    why: 'Counters and queues are what merging cannot help: both sides change one leaf.',
    mend: 'Read, apply the change, compare-and-set; on a conflict start again from the read.',
    needs: ['promises', 'update'],
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      await Promise.all(Array.from({ length: 50 }, () => t.store.raw['update'](sid, count)));
      await expectData(t.store, sid, { n: 50 }, 'get() after fifty increments');
    },
  },
  {
    id: 'UPD-1.a',
    level: 'MUST',
    since: '0.1',
    title: 'increments by two store objects count as well',
    why: 'Two processes count one visitor.',
    mend: 'Compare and set in the backend.',
    needs: ['promises', 'update', 'second'],
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      const stores = [t.store.raw, (await t.second()).raw];
      await Promise.all(Array.from({ length: 40 }, (_, i) => stores[i % 2]?.['update'](sid, count)));
      await expectData(t.store, sid, { n: 40 }, 'get() after twenty increments by each of two store objects');
    },
  },
  {
    id: 'UPD-2',
    level: 'MUST',
    since: '0.1',
    title: 'update() of a missing session is null, and creates nothing',
    why: 'A counter must not log anybody in.',
    mend: 'Do not call the change where there is no session.',
    needs: ['promises', 'update'],
    run: async (t) => {
      const sid = t.sid();
      assert.equal(await t.store.raw['update'](sid, count), null, 'update() of a sid that nobody stored');
      await expectGone(t.store, sid, 'get() afterwards');
    },
  },
  {
    id: 'UPD-3',
    level: 'MUST',
    since: '0.1',
    title: 'update() gives the session as it is stored, whether the change mutates it or returns a new one',
    why: 'Both ways of writing a change are common.',
    mend: 'Take what the change returns; where it returns nothing, take the object it was given.',
    needs: ['promises', 'update'],
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      assert.deepEqual(dataOf(await t.store.raw['update'](sid, count)), { n: 1 }, 'update() with a change that mutates');
      const returned = await t.store.raw['update'](sid, (session: Session) => ({ ...session, n: 7 }));
      assert.deepEqual(dataOf(returned), { n: 7 }, 'update() with a change that returns');
      await expectData(t.store, sid, { n: 7 }, 'get() afterwards');
    },
  },
  {
    id: 'UPD-4',
    level: 'MUST',
    since: '0.1',
    title: 'a change that throws rejects with that error, and stores nothing',
    why: '"Not enough stock" is how an application refuses.',
    mend: 'Let the error through before anything is written.',
    needs: ['promises', 'update'],
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      const refusal = new Error('not enough stock');
      const work = t.store.raw['update'](sid, (session: Session) => {
        session['n'] = 99;
        throw refusal;
      });
      assert.equal(await rejection(work, 'update() with a change that throws'), refusal, 'what update() rejected with');
      await expectData(t.store, sid, { n: 0 }, 'get() afterwards');
    },
  },
  {
    id: 'UPD-5',
    level: 'MUST',
    since: '0.1',
    title: 'a change that returns a promise is refused',
    why: 'An asynchronous change would hold the session, or be lost in silence.',
    mend: 'Refuse it with ERR_STORE_INVALID_ARGUMENT.',
    needs: ['promises', 'update'],
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      const work = t.store.raw['update'](sid, async (session: Session) => count(session));
      await storeError(work, 'ERR_STORE_INVALID_ARGUMENT', 'update() with an asynchronous change');
      await expectThere(t.store, sid, 'the session afterwards');
    },
  },
];
