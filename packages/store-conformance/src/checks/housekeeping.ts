import assert from 'node:assert/strict';
import { birth, expectData, expectThere, passLife } from '../expect.js';
import { quiet } from '../time.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const SHORT_MS = 200;

/** PRN: what becomes of expired sessions. */
export const housekeeping: Check[] = [
  {
    id: 'PRN-1',
    level: 'MUST',
    since: '0.1',
    title: 'prune() says how many it removed, and removes no live session',
    why: 'A sweeper that is wrong about one clock logs out everybody.',
    mend: 'Delete where the expiry has passed, by the clock that decides about reads.',
    needs: ['promises', 'prune'],
    timed: true,
    run: async (t) => {
      const { live } = await mixed(t);
      const removed = await t.store.call<number>('prune');
      assert.ok(Number.isInteger(removed) && removed >= 0 && removed <= 5, `prune() said ${String(removed)}, with five expired`);
      await expectThere(t.store, live, 'the live session after prune()');
    },
  },
  {
    id: 'PRN-2',
    level: 'MUST',
    since: '0.1',
    title: 'expired sessions are removed without being read',
    why: 'Seen in a dozen stores: the table grows until the disk is full.',
    mend: 'Delete expired rows from a timer, in batches; or let the backend expire them.',
    needs: ['promises', 'prune', 'rows'],
    timed: true,
    run: async (t) => {
      await mixed(t);
      await t.store.call('prune');
      assert.equal(await t.target.rows?.(t.store.raw), 1, 'the rows after prune(), with one live session');
    },
  },
  {
    id: 'PRN-3',
    level: 'MUST',
    since: '0.1',
    title: 'cleaning up an expired session does not remove the one that is being set over it',
    why: 'Seen: 60 of 60 new sessions deleted by the get() that found the old one expired.',
    mend: 'Delete on condition that it is still the expired one.',
    timed: true,
    run: async (t) => cleansBeside(t, (sid) => t.store.get(sid)),
  },
  {
    id: 'PRN-3.a',
    level: 'MUST',
    since: '0.1',
    title: 'prune() does not remove a session that is being set over an expired one',
    why: 'The sweeper runs beside everything else.',
    mend: 'Let the statement that deletes check the expiry.',
    needs: ['promises', 'prune'],
    timed: true,
    run: async (t) => cleansBeside(t, () => t.store.call('prune')),
  },
];

/** Five expired sessions that nobody read, and a live one. */
async function mixed(t: Trial): Promise<{ live: string }> {
  const live = await t.stored();
  const expiring = [1, 2, 3, 4, 5].map(() => t.sid());
  const born = await birth(t, () => Promise.all(expiring.map((sid) => t.put(sid, {}, SHORT_MS))));
  await passLife(t, born, SHORT_MS);
  return { live };
}

async function cleansBeside(t: Trial, clean: (sid: string) => Promise<unknown>): Promise<void> {
  const sids = Array.from({ length: 30 }, () => t.sid());
  const born = await birth(t, () => Promise.all(sids.map((sid) => t.put(sid, { n: 1 }, SHORT_MS))));
  await passLife(t, born, SHORT_MS);
  await Promise.all(sids.flatMap((sid) => [clean(sid), t.put(sid, { n: 2 })]));
  await quiet();
  for (const sid of sids) await expectData(t.store, sid, { n: 2 }, 'a session set while its expired forerunner was cleaned up');
}
