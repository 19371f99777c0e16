import assert from 'node:assert/strict';
import { expectData, expectGone } from '../expect.js';
import type { Check } from '../types.js';

/** CLR: clearing, and the neighbours on one backend. */
export const clear: Check[] = [
  {
    id: 'CLR-1',
    level: 'MUST',
    since: '0.1',
    title: 'clear() removes every session of the store',
    why: '"Log everybody out" is for emergencies.',
    mend: 'Remove all keys of the namespace, and settle when that is done.',
    needs: ['clear'],
    run: async (t) => {
      const [sid, ...others] = [await t.stored(), await t.stored(), await t.stored()] as const;
      await t.store.clear();
      for (const gone of [sid, ...others]) await expectGone(t.store, gone, 'get() after clear()');
      if (t.store.has('length')) assert.equal(await t.store.length(), 0, 'length() after clear()');
      await t.put(sid, { n: 1 });
      await expectData(t.store, sid, { n: 1 }, 'a session set after clear()');
    },
  },
  {
    id: 'CLR-2',
    level: 'MUST',
    since: '0.1',
    title: 'clear() removes nothing of another namespace',
    why: 'Seen: a flush of the whole server, other applications included; and prefixes taken for patterns.',
    mend: 'Escape the prefix, and remove only keys that begin with it.',
    needs: ['clear', 'neighbour'],
    run: async (t) => {
      const other = await t.neighbour();
      const sid = t.sid();
      await other.set(sid, t.session({ n: 2 }), 60_000);
      await t.put(sid, { n: 1 });
      await t.store.clear();
      await expectData(other, sid, { n: 2 }, "the neighbour's session, after clear()");
    },
  },
  {
    id: 'CLR-3',
    level: 'MUST',
    since: '0.1',
    title: 'two namespaces share one backend, and one sid is two sessions there',
    why: 'Seen: the second table could not be made beside the first ("relation already exists").',
    mend: 'Put the namespace into every name: keys, tables, indexes.',
    needs: ['neighbour'],
    run: async (t) => {
      const other = await t.neighbour();
      const sid = t.sid();
      await t.put(sid, { n: 1 });
      await other.set(sid, t.session({ n: 2 }), 60_000);
      await expectData(t.store, sid, { n: 1 }, 'the session of this namespace');
      await other.destroy(sid);
      await expectData(t.store, sid, { n: 1 }, 'the same, after the neighbour destroyed its own');
    },
  },
  {
    id: 'CLR-4',
    level: 'MUST',
    since: '0.1',
    title: 'all() and length() see this namespace only',
    why: 'An admin page of one application must not show the users of another.',
    mend: 'List and count by the literal prefix or the own table.',
    needs: ['all', 'length', 'neighbour'],
    run: async (t) => {
      const other = await t.neighbour();
      await other.set(t.sid(), t.session(), 60_000);
      const sid = await t.stored();
      assert.deepEqual([...(await t.store.all()).keys()], [sid], "the sids in all(), with a neighbour's session beside");
      assert.equal(await t.store.length(), 1, 'length()');
    },
  },
];
