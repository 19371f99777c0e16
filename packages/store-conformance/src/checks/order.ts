import assert from 'node:assert/strict';
import { expectData, expectGone } from '../expect.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

/** ORD: calls of one sid take effect in the order they were made. */
export const order: Check[] = [
  {
    id: 'ORD-1',
    level: 'MUST',
    since: '0.1',
    title: 'a get() sees the set() before it, waited for or not',
    why: 'Seen with a connection pool: stale in 191 of 200. A redirect right after a login finds no login.',
    mend: "Send a call when the sid's previous one has settled.",
    run: async (t) => {
      const sid = t.sid();
      for (let n = 0; n < 200; n += 1) {
        const saved = t.put(sid, { n });
        const read = await t.store.get(sid);
        await saved;
        assert.equal(read?.['n'], n, 'n, read after a set() that was not waited for');
      }
    },
  },
  {
    id: 'ORD-2',
    level: 'MUST',
    since: '0.1',
    title: 'set() and destroy() that were not waited for end as they were called',
    why: 'A logout that overtakes the save before it is undone by it.',
    mend: 'Keep one chain per sid over all kinds of calls.',
    run: async (t) => {
      const [gone, there] = [t.sid(), t.sid()];
      for (let n = 0; n < 20; n += 1) {
        await Promise.all([t.put(gone, { n }), t.store.destroy(gone)]);
        await Promise.all([t.store.destroy(there), t.put(there, { n })]);
        await expectGone(t.store, gone, 'set() and then destroy(), neither waited for');
        await expectData(t.store, there, { n }, 'destroy() and then set(), neither waited for');
      }
    },
  },
  {
    id: 'ORD-3',
    level: 'MUST',
    since: '0.1',
    title: 'of many sets at the same time, one that fails fails alone',
    why: 'A store that sends calls together must not punish the neighbours of a bad one.',
    mend: 'Settle each item by itself.',
    run: failsAlone,
  },
];

async function failsAlone(t: Trial): Promise<void> {
  const sids = Array.from({ length: 20 }, () => t.sid());
  const sets = sids.map((sid, n) => t.store.set(sid, t.session({ n: n === 7 ? 7n : n })));
  const outcomes = await Promise.allSettled(sets);
  const failed = outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []));
  assert.deepEqual(failed, [7], 'which of twenty sets failed, where number 7 holds a BigInt');
  for (const [n, sid] of sids.entries()) if (n !== 7) await expectData(t.store, sid, { n }, `get() of number ${n}`);
}
