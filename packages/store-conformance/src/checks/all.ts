import assert from 'node:assert/strict';
import { birth, passLife } from '../expect.js';
import { dataOf } from '../sessions.js';
import type { StoreUnderTest } from '../store-under-test.js';
import type { Trial } from '../trial.js';
import type { Check, Session } from '../types.js';

const SHORT_MS = 300;

/** ALL: the sessions of a store. */
export const all: Check[] = [
  {
    id: 'ALL-1',
    level: 'MUST',
    since: '0.1',
    title: 'all() gives every live session under its sid',
    why: 'Seen: raw rows, sessions without their sid, and sessions whose own "id" was overwritten by it.',
    mend: 'Give an object from sid to session. Write nothing into the sessions.',
    needs: ['all'],
    run: async (t) => {
      const [one, two] = [await t.stored({ n: 1, id: 'mine' }), await t.stored({ n: 2 })];
      const found = await t.store.all();
      assert.deepEqual([...found.keys()].toSorted(), [one, two].toSorted(), 'the sids in all()');
      const [first, second] = [found.get(one), found.get(two)];
      assert.deepEqual([first?.['n'], first?.['id'], second?.['n']], [1, 'mine', 2], 'n and id of the first, n of the second');
      assert.equal(second && 'id' in second, false, 'a key "id" in the second session, which has none');
    },
  },
  {
    id: 'ALL-2',
    level: 'MUST',
    since: '0.1',
    title: 'all() leaves out what has expired or was destroyed',
    why: 'An admin page that shows ended sessions is wrong about who is logged in.',
    mend: 'Check the expiry here as in get().',
    needs: ['all'],
    timed: true,
    run: async (t) => {
      const live = await oneLive(t);
      assert.deepEqual([...(await t.store.all()).keys()], [live], 'the sids in all(), one of three sessions being live');
    },
  },
  {
    id: 'ALL-2.a',
    level: 'MUST',
    since: '0.1',
    title: 'ids() and entries() leave out what has expired or was destroyed',
    why: 'As for all().',
    mend: 'Check the expiry here as in get().',
    needs: ['promises', 'ids', 'entries'],
    timed: true,
    run: async (t) => {
      const live = await oneLive(t);
      assert.deepEqual(await t.store.call('ids'), [live], 'ids(), one of three sessions being live');
      assert.deepEqual([...(await walk(t.store)).keys()], [live], 'the ids in entries()');
    },
  },
  {
    id: 'ALL-3',
    level: 'MUST',
    since: '0.1',
    title: 'all() and length() agree',
    why: 'Seen: a count of 12 above a list of 3.',
    mend: 'Count what you would list.',
    needs: ['all', 'length'],
    timed: true,
    run: async (t) => {
      await oneLive(t);
      await t.stored();
      assert.equal(await t.store.length(), (await t.store.all()).size, 'length(), beside the size of all()');
    },
  },
  {
    id: 'ALL-4',
    level: 'MUST',
    since: '0.1',
    title: 'one corrupted value does not break all()',
    why: 'Seen in nine stores: one bad row, and nobody can list the sessions.',
    mend: 'Leave it out, and say so by an "error" event.',
    needs: ['all', 'spoil'],
    run: async (t) => {
      const [bad, good] = [await t.stored({ n: 1 }), await t.stored({ n: 2 })];
      if (!(await t.spoil(bad, 'no { json'))) return;
      const found = await t.store.all();
      assert.deepEqual(found.get(good)?.['n'], 2, 'the good session in all()');
      assert.equal(found.get(bad)?.['n'], undefined, 'the data of the corrupted one');
    },
  },
  {
    id: 'ALL-5',
    level: 'MUST',
    since: '0.1',
    title: 'the object of all() has no prototype',
    why: 'all()["constructor"] would find a function, and a session called "__proto__" would vanish.',
    mend: 'Object.create(null).',
    needs: ['all', 'tie'],
    run: async (t) => {
      await t.put('__proto__', { n: 1 });
      const found = await t.store.call<Session>('all');
      assert.equal(Object.getPrototypeOf(found), null, 'the prototype of what all() gives');
      assert.deepEqual(Object.keys(found), ['__proto__'], 'its keys');
    },
  },
  {
    id: 'ALL-6',
    level: 'MUST',
    since: '0.1',
    title: 'ids() is an array of the stored ids, and entries() walks [stored id, session], each once',
    why: 'A walk over millions of sessions cannot be one object.',
    mend: 'Read page by page.',
    needs: ['promises', 'ids', 'entries'],
    run: async (t) => {
      const sids = [];
      for (let n = 0; n < 25; n += 1) sids.push(await t.stored({ n }));
      const ids = await t.store.call<unknown>('ids');
      assert.ok(Array.isArray(ids), 'ids() is no array');
      const found = await walk(t.store);
      assert.deepEqual(new Set(ids), new Set(found.keys()), 'ids(), beside the ids of entries()');
      const numbers = [...found.values()].map((session) => dataOf(session)['n']).toSorted((a, b) => a - b);
      assert.deepEqual(
        numbers,
        sids.map((_, n) => n),
        'the sessions of entries(), by number',
      );
    },
  },
  {
    id: 'ALL-7',
    level: 'MUST',
    since: '0.1',
    title: 'a walk may be left early, and sessions may come and go while it lasts',
    why: 'A walk takes minutes; the site goes on meanwhile.',
    mend: 'Hold no lock and no snapshot; end the scan where the caller leaves.',
    needs: ['promises', 'entries'],
    run: async (t) => {
      const sids = [await t.stored(), await t.stored(), await t.stored()];
      for await (const _ of t.store.raw['entries']()) break;
      for await (const _ of t.store.raw['entries']()) {
        await t.store.destroy(sids.pop() ?? t.sid());
        await t.stored({ late: true }, 60_000);
        if (sids.length === 0) break;
      }
      assert.equal(await t.store.get('never'), null, 'get() after both walks');
    },
  },
  {
    id: 'ALL-8',
    level: 'MUST',
    since: '0.1',
    title: 'revoke(stored id) ends the session of that id, and says whether there was one',
    why: 'An admin page knows stored ids, which need not be the sids.',
    mend: 'Remove by the key that ids() gives.',
    needs: ['promises', 'ids', 'revoke'],
    run: async (t) => {
      const sid = await t.stored();
      const [id] = await t.store.call<string[]>('ids');
      assert.equal(await t.store.raw['revoke'](id), true, 'revoke() of a live session');
      assert.equal(await t.store.get(sid), null, 'get() of its sid');
      assert.equal(await t.store.raw['revoke'](id), false, 'revoke() of the same again');
    },
  },
];

/** A live session beside an expired and a destroyed one. */
async function oneLive(t: Trial): Promise<string> {
  const live = await t.stored({ n: 1 });
  await t.store.destroy(await t.stored({ n: 2 }));
  const born = await birth(t, () => t.put(t.sid(), { n: 3 }, SHORT_MS));
  await passLife(t, born, SHORT_MS);
  return live;
}

async function walk(store: StoreUnderTest): Promise<Map<string, Session>> {
  const found = new Map<string, Session>();
  await store.listed();
  const entries: AsyncIterable<[string, Session]> = store.raw['entries']();
  for await (const [id, session] of entries) {
    assert.equal(found.has(id), false, 'an id that entries() gave before');
    found.set(id, session);
  }
  return found;
}
