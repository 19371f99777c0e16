import assert from 'node:assert/strict';
import { expectData, expectGone } from '../expect.js';
import { asJson, dataOf, expiresAt } from '../sessions.js';
import type { StoreUnderTest } from '../store-under-test.js';
import type { Trial } from '../trial.js';
import type { Check, Need, Session } from '../types.js';

const TIES: readonly Need[] = ['tie'];

/** CON: ties, and what becomes of two saves of one session. */
export const concurrency: Check[] = [
  {
    id: 'CON-1',
    level: 'MUST',
    since: '0.1',
    title: 'two requests that each set a key of their own: both keys stay',
    why: 'Every other store keeps the last one only: a cart item or a login is lost.',
    mend: 'Save the difference to what was loaded, by compare-and-set.',
    needs: TIES,
    run: async (t) => {
      const after = await race(
        t,
        { n: 0 },
        (one) => (one['a'] = 1),
        (two) => (two['b'] = 2),
      );
      assert.deepEqual(after, { n: 0, a: 1, b: 2 }, 'the session after both saves');
    },
  },
  {
    id: 'CON-1.a',
    level: 'MUST',
    since: '0.1',
    title: 'twenty requests at the same time, each with a key of its own: all keys stay',
    why: 'A page that fires twenty calls must not lose nineteen.',
    mend: 'On a conflict apply the difference to the current text, and try again.',
    needs: TIES,
    run: manyAtOnce,
  },
  {
    id: 'CON-2',
    level: 'MUST',
    since: '0.1',
    title: 'nested keys merge as well',
    why: 'session.cart.a and session.cart.b are as far apart as two sessions to the people who wrote them.',
    mend: 'Compute the difference leaf by leaf.',
    needs: TIES,
    run: async (t) => {
      const start = { cart: { items: { x: 1 }, note: 'n' } };
      const after = await race(
        t,
        start,
        (one) => (one['cart'].items.y = 2),
        (two) => (two['cart'].note = 'm'),
      );
      assert.deepEqual(after, { cart: { items: { x: 1, y: 2 }, note: 'm' } }, 'the session after both saves');
    },
  },
  {
    id: 'CON-3',
    level: 'MUST',
    since: '0.1',
    title: 'a key that one request deleted stays deleted when the other changed something else',
    why: 'A used token that comes back can be used again.',
    mend: 'A deletion is a change like any other.',
    needs: TIES,
    run: async (t) => {
      const start = { token: 'x', user: { name: 'ada', admin: true } };
      const drop = (one: Session): void => {
        delete one['token'];
        delete one['user'].admin;
      };
      const after = await race(t, start, drop, (two) => (two['user'].name = 'bea'));
      assert.deepEqual(after, { user: { name: 'bea' } }, 'the session after both saves');
    },
  },
  {
    id: 'CON-4',
    level: 'MUST',
    since: '0.1',
    title: "an array is one value: the later writer's array is taken whole",
    why: 'Merging arrays by index makes lists that nobody wrote.',
    mend: 'Treat arrays and class instances as leaves.',
    needs: TIES,
    run: async (t) => {
      const start = { list: [1, 2] };
      const after = await race(
        t,
        start,
        (one) => one['list'].push(3),
        (two) => (two['list'] = [9]),
      );
      assert.deepEqual(after, { list: [9] }, 'the session after both saves');
    },
  },
  {
    id: 'CON-5',
    level: 'MUST',
    since: '0.1',
    title: 'where both changed one leaf, the later save wins',
    why: 'It has to be one of them, and it must be predictable.',
    mend: 'Apply the difference of the later save to the current text.',
    needs: TIES,
    run: async (t) => {
      const after = await race(
        t,
        { n: 0 },
        (one) => (one['n'] = 1),
        (two) => (two['n'] = 2),
      );
      assert.deepEqual(after, { n: 2 }, 'the session after n = 1, then n = 2 was saved');
    },
  },
  {
    id: 'CON-6',
    level: 'MUST',
    since: '0.1',
    title: 'a request that saves twice keeps what another one saved in between',
    why: "A store that takes the merged text for what the caller had deletes the other's keys at the second save.",
    mend: "After a save the base is the caller's own object as saved, not the merged text.",
    needs: TIES,
    run: savesTwice,
  },
  {
    id: 'CON-6.a',
    level: 'MUST',
    since: '0.1',
    title: 'the object of a successful set() is tied as well',
    why: 'The request that creates a session saves it again while others already use it.',
    mend: 'Tie what was set under this sid.',
    needs: TIES,
    run: async (t) => {
      const sid = t.sid();
      const mine = t.session({ n: 1 });
      await t.store.set(sid, mine);
      await change(t.store, sid, (other) => (other['other'] = true));
      mine['n'] = 2;
      await t.store.set(sid, mine);
      await expectData(t.store, sid, { n: 2, other: true }, "get() after set(), another's save, and set() of the same object");
    },
  },
  {
    id: 'CON-7',
    level: 'MUST',
    since: '0.1',
    title: 'a save that changes nothing writes nothing over what another request saved',
    why: 'express-session with resave: true saves every session in every request.',
    mend: 'Where the difference is empty, extend the life and leave the data.',
    needs: TIES,
    run: async (t) => {
      const after = await race(
        t,
        { n: 0 },
        (one) => (one['n'] = 1),
        () => undefined,
      );
      assert.deepEqual(after, { n: 1 }, 'the session after a changed save and an unchanged one');
    },
  },
  {
    id: 'CON-8',
    level: 'MUST',
    since: '0.1',
    title: "a merge does not change the caller's object",
    why: 'Keys that appear in req.session while a request runs are a surprise in the middle of a function.',
    mend: 'Merge texts, not the objects of callers.',
    needs: TIES,
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      const mine = await t.store.load(sid);
      await change(t.store, sid, (other) => (other['other'] = true));
      mine['n'] = 1;
      const before = asJson(mine);
      await t.store.set(sid, mine);
      assert.deepEqual(asJson(mine), before, 'the object given to a set() that merged, afterwards');
    },
  },
  {
    id: 'CON-9',
    level: 'MUST',
    since: '0.1',
    title: 'a copy of a loaded object has no tie: it is stored whole',
    why: 'An application that replaces its session means the whole of it.',
    mend: 'Tie the object itself, weakly (WeakMap), and nothing that is reachable from it.',
    needs: TIES,
    run: async (t) => {
      const sid = await t.stored({ a: 1, b: 1 });
      const { b: _, ...copy } = await t.store.load(sid);
      await change(t.store, sid, (other) => (other['other'] = true));
      await t.store.set(sid, copy);
      await expectData(t.store, sid, { a: 1 }, 'get() after set() of a copy');
    },
  },
  {
    id: 'CON-10',
    level: 'MUST',
    since: '0.1',
    title: 'a tie includes the sid: what was loaded under one is new under another',
    why: 'regenerate() destroys the old sid and saves the same object under a new one. It must not be dropped.',
    mend: 'Look the tie up by object and sid.',
    needs: TIES,
    run: async (t) => {
      const [old, next] = [await t.stored({ user: 'ada' }), t.sid()];
      const mine = await t.store.load(old);
      await t.store.destroy(old);
      await t.store.set(next, mine);
      await expectData(t.store, next, { user: 'ada' }, 'get() of the new sid');
      await expectGone(t.store, old, 'get() of the old sid');
    },
  },
  {
    id: 'CON-11',
    level: 'MUST',
    since: '0.1',
    title: 'of two saves whose cookies differ by the date alone, the later date stands',
    why: 'Rolling sessions move the date in every request; the slowest one must not move it back.',
    mend: 'Merge the cookie as one value, by its date.',
    needs: TIES,
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      const [one, two] = [await t.store.load(sid), await t.store.load(sid)];
      const [later, sooner] = [expiresAt(t.session({}, 90_000)), expiresAt(t.session({}, 70_000))];
      one['cookie'].expires = new Date(later);
      two['cookie'].expires = new Date(sooner);
      await t.store.set(sid, one);
      await t.store.set(sid, two);
      const reported = expiresAt(await t.store.load(sid));
      assert.ok(reported > (sooner + later) / 2, `the date is ${later - reported} ms early`);
    },
  },
  {
    id: 'CON-11.a',
    level: 'MUST',
    since: '0.1',
    title: "a cookie that changed beyond its date is taken whole, and the other request's data stays",
    why: 'A cookie mixed from two requests can be neither of them: "secure" of one, the path of the other.',
    mend: 'Merge the cookie as one value.',
    needs: TIES,
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      const [one, two] = [await t.store.load(sid), await t.store.load(sid)];
      one['n'] = 1;
      two['cookie'] = { ...t.cookie(90_000).data, path: '/admin' };
      await t.store.set(sid, one);
      await t.store.set(sid, two);
      const after = await t.store.load(sid);
      assert.deepEqual(
        [after['n'], after['cookie'].path, after['cookie'].originalMaxAge],
        [1, '/admin', 90_000],
        'n, path and originalMaxAge',
      );
    },
  },
  {
    id: 'CON-12',
    level: 'MUST',
    since: '0.1',
    title: "koa-session's ctx ties: get(key, maxAge, { ctx }) and set(key, other object, maxAge, { ctx }) merge",
    why: 'koa-session saves another object than it loaded; ctx is all that the two calls have in common.',
    mend: 'Tie ctx with the sid where it is given.',
    needs: ['promises', 'tie'],
    run: tiesByContext,
  },
  {
    id: 'CON-12.a',
    level: 'MUST',
    since: '0.1',
    title: "koa-session's regenerate() keeps its session: one ctx, another key",
    why: 'Destroy of the old key and save under the new one come from the same ctx.',
    mend: 'Look the tie up by ctx and key.',
    needs: ['promises', 'tie'],
    run: async (t) => {
      const { raw } = t.store;
      const [ctx, old, next] = [{}, await t.stored({ n: 1 }), t.sid()];
      await raw['get'](old, 60_000, { ctx, rolling: false });
      await raw['destroy'](old, { ctx });
      await raw['set'](next, { n: 1 }, 60_000, { ctx, rolling: false, changed: true });
      await expectData(t.store, next, { n: 1 }, 'get() of the new key');
    },
  },
  {
    id: 'CON-13',
    level: 'MUST',
    since: '0.1',
    title: 'tie(object, sid) ties an object that came another way',
    why: '@fastify/session copies what it loads; its plugin ties the copy.',
    mend: 'Take the object as it is for its base.',
    needs: TIES,
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      const copy = { ...(await t.store.load(sid)) };
      t.store.raw['tie'](copy, sid);
      await change(t.store, sid, (other) => (other['other'] = true));
      await t.store.set(sid, { ...copy, n: 5 });
      await expectData(t.store, sid, { n: 5 }, 'get() after set() of a copy of the tied object');
      await change(t.store, sid, (other) => (other['other'] = true));
      const tied: Session = { ...(await t.store.load(sid)) };
      t.store.raw['tie'](tied, sid);
      await change(t.store, sid, (other) => (other['more'] = true));
      tied['n'] = 6;
      await t.store.set(sid, tied);
      await expectData(t.store, sid, { n: 6, other: true, more: true }, 'get() after set() of the tied object');
    },
  },
  {
    id: 'CON-14',
    level: 'MUST',
    since: '0.1',
    title: 'two store objects on one backend lose nothing of each other',
    why: 'Two processes behind a load balancer are two store objects.',
    mend: 'Let the backend compare and set in one atomic command; order within a process is not enough.',
    needs: ['tie', 'second'],
    run: twoProcesses,
  },
  {
    id: 'CON-14.a',
    level: 'MUST',
    since: '0.1',
    title: 'a session destroyed by one store object is not saved back by another',
    why: 'The logout and the slow request may be on two machines.',
    mend: 'Drop a save only, and always, where the backend says that there is no live session.',
    needs: ['tie', 'second'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      const other = await t.second();
      const slow = await t.store.load(sid);
      await other.destroy(sid);
      slow['n'] = 2;
      await t.store.set(sid, slow);
      await expectGone(other, sid, 'get() by the one that destroyed it, after the other saved');
    },
  },
];

type Edit = (session: Session) => unknown;

/** Two requests load, change and save, the first one first. */
async function race(t: Trial, start: Session, first: Edit, second: Edit): Promise<Session> {
  const sid = await t.stored(start);
  const [one, two] = [await t.store.load(sid), await t.store.load(sid)];
  first(one);
  second(two);
  await t.store.set(sid, one);
  await t.store.set(sid, two);
  return dataOf(await t.store.load(sid));
}

/** One request from load to save. */
async function change(store: StoreUnderTest, sid: string, edit: Edit): Promise<void> {
  const session = await store.load(sid);
  edit(session);
  await store.set(sid, session);
}

async function manyAtOnce(t: Trial): Promise<void> {
  const sid = await t.stored({ n: 0 });
  const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
  const loaded = await Promise.all(keys.map(() => t.store.load(sid)));
  await Promise.all(loaded.map((mine, i) => t.store.set(sid, Object.assign(mine, { [`k${i}`]: i }))));
  const expected = Object.fromEntries(keys.map((key, i) => [key, i]));
  await expectData(t.store, sid, { n: 0, ...expected }, 'get() after twenty saves at the same time');
}

async function savesTwice(t: Trial): Promise<void> {
  const sid = await t.stored({ n: 0 });
  const mine = await t.store.load(sid);
  await change(t.store, sid, (other) => (other['first'] = true));
  mine['n'] = 1;
  await t.store.set(sid, mine);
  await change(t.store, sid, (other) => (other['second'] = true));
  mine['n'] = 2;
  await t.store.set(sid, mine);
  await expectData(t.store, sid, { n: 2, first: true, second: true }, 'get() after two saves with others in between');
}

async function tiesByContext(t: Trial): Promise<void> {
  const { raw } = t.store;
  const sid = await t.stored({ n: 0 });
  const options = { ctx: {}, rolling: false, changed: true };
  const loaded = await raw['get'](sid, 60_000, options);
  await change(t.store, sid, (other) => (other['other'] = true));
  await raw['set'](sid, { ...loaded, n: 1 }, 60_000, options);
  await expectData(t.store, sid, { n: 1, other: true }, 'get() after a save by the same ctx, with another object');
}

async function twoProcesses(t: Trial): Promise<void> {
  const sid = await t.stored({ n: 0 });
  const [here, there] = [t.store, await t.second()];
  const keys = Array.from({ length: 10 }, (_, i) => `k${i}`);
  await Promise.all(keys.map((key, i) => change(i % 2 ? here : there, sid, (session) => (session[key] = i))));
  const expected = Object.fromEntries(keys.map((key, i) => [key, i]));
  await expectData(t.store, sid, { n: 0, ...expected }, 'get() after ten saves by two store objects');
}
