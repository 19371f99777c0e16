import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { expectData, expectGone, expectThere, observe, rejection, storeError } from '../expect.js';
import { eventually, quiet, within } from '../time.js';
import type { Trial } from '../trial.js';
import type { Check, Session } from '../types.js';

const CORRUPT: readonly string[] = ['no { json', '{"n":1', '"a text"', '7', 'null', '[1]', ''];
const SECRET = 'k7Qw-sekret-9ZxP';
/** Sessile's default is 5 s; others should not be slower. */
const OUTAGE_MS = 8000;

/** ERR: failures. */
export const errors: Check[] = [
  {
    id: 'ERR-1',
    level: 'MUST',
    since: '0.1',
    title: 'a failing call reports once, and never also as an unhandled rejection or uncaught exception',
    why: 'Node ends the process on those: one bad session takes the site down.',
    mend: "Handle every promise that you make, and throw nothing from a driver's callback.",
    run: async (t) => {
      await rejection(t.store.set(t.sid(), t.session({ n: 1n })), 'set() of a BigInt');
      if (t.store.kind !== 'promise') await failsByCallback(t);
      await quiet();
      assert.deepEqual(t.watch.take(), [], 'the errors that reached nobody, after set() of a BigInt');
    },
  },
  {
    id: 'ERR-2',
    level: 'MUST',
    since: '0.1',
    title: 'an outage is an error, never "no session" and never a success',
    why: '"No session" logs every user out, and the middleware stores a new empty session over the old one.',
    mend: 'Let errors of the client through; catch nothing to null.',
    needs: ['disrupt'],
    run: async (t) =>
      void (await broken(t, async (sid) => {
        await rejection(t.store.get(sid), 'get() while the backend is away');
        await rejection(t.put(t.sid()), 'set() while the backend is away');
        await rejection(t.store.destroy(sid), 'destroy() while the backend is away');
      })),
  },
  {
    id: 'ERR-3',
    level: 'MUST',
    since: '0.1',
    title: 'while the backend is away, every call settles in a stated time',
    why: 'Seen: more than 12 s without an answer. Requests pile up until the process is out of memory.',
    mend: 'Give every call a time limit, counted from the call.',
    needs: ['disrupt'],
    run: async (t) =>
      void (await broken(t, async (sid) => {
        const calls = [t.store.get(sid), t.put(t.sid()), t.store.destroy(t.sid())];
        await within(OUTAGE_MS, 'get(), set() and destroy() with the backend away', Promise.allSettled(calls));
      })),
  },
  {
    id: 'ERR-4',
    level: 'MUST',
    since: '0.1',
    title: 'when the backend is back the store works again, and nothing fires late',
    why: 'Seen: a failed first connection that was remembered for ever.',
    mend: 'Keep no failed initialisation.',
    needs: ['disrupt'],
    run: async (t) => {
      const sid = await broken(t, (stored) => t.store.get(stored).catch(() => undefined));
      const works = (): Promise<boolean> =>
        t.store.get(sid).then(
          () => true,
          () => false,
        );
      assert.ok(await eventually(10_000, works), 'get() still fails 10 s after the repair');
    },
  },
  {
    id: 'ERR-5',
    level: 'MUST',
    since: '0.1',
    title: 'a corrupted value gives an error or no session, asynchronously, and can be replaced and destroyed',
    why: "Seen: a crash of the process at each request of one user, and no way out but the database's shell.",
    mend: "Parse where a throw becomes the call's own error; let set() and destroy() not read.",
    needs: ['spoil'],
    run: corrupted,
  },
  {
    id: 'ERR-6',
    level: 'MUST',
    since: '0.1',
    title: 'one corrupted value harms nobody else',
    why: 'Seen: one bad row announced as an outage; all users were served without a session.',
    mend: 'Keep "disconnect" for connections.',
    needs: ['spoil'],
    run: async (t) => {
      const [bad, good] = [await t.stored({ n: 1 }), await t.stored({ n: 2 })];
      if (!(await t.spoil(bad, 'no { json'))) return;
      const left: string[] = [];
      if (t.store.has('on')) t.store.raw['on']('disconnect', () => left.push('disconnect'));
      await Promise.allSettled([t.store.get(bad), t.store.get(bad), t.store.get(good)]);
      await expectData(t.store, good, { n: 2 }, 'another session, after get() of the corrupted one');
      assert.deepEqual(left, [], 'the outages announced');
    },
  },
  {
    id: 'ERR-7',
    level: 'MUST',
    since: '0.1',
    title: 'saving what was loaded onto a value that became unreadable fails, and leaves the value',
    why: 'A merge needs both sides; guessing one of them loses data that a person could still save.',
    mend: 'Reject with ERR_STORE_DECODE. destroy() and a new session always work.',
    needs: ['spoil', 'tie'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      const mine = await t.store.load(sid);
      if (!(await t.spoil(sid, 'no { json'))) return;
      mine['n'] = 2;
      await rejection(t.store.set(sid, mine), 'set() of what was loaded before the value was corrupted');
      await rejection(t.store.get(sid), 'get() afterwards');
      await t.store.destroy(sid);
      await expectGone(t.store, sid, 'get() after destroy()');
    },
  },
  {
    id: 'ERR-8',
    level: 'MUST',
    since: '0.1',
    title: 'an error is a StoreError: code, retryable, store, operation',
    why: 'Programs act on a code. Messages are for people, and change.',
    mend: 'Throw StoreError of @sessile/core.',
    needs: ['promises', 'tie'],
    run: async (t) => {
      const error = await storeError(t.store.set(t.sid(), t.session({ n: 1n })), 'ERR_STORE_ENCODE', 'set() of a BigInt');
      const { name, retryable, store, operation }: Session = error;
      assert.deepEqual(
        [name, retryable, operation, typeof store],
        ['StoreError', false, 'set', 'string'],
        'name, retryable, operation and the type of store',
      );
      await storeError(t.store.get(''), 'ERR_STORE_INVALID_ARGUMENT', 'get() of an empty sid');
    },
  },
  {
    id: 'ERR-9',
    level: 'MUST',
    since: '0.1',
    title: 'no error shows a sid or session data: not in its message, its stack, its cause or util.inspect',
    why: 'Errors go to logs, and logs to many people. A sid in a log is a login.',
    mend: 'Name the operation and the kind of failure. Scrub the errors of clients and of JSON.parse.',
    run: async (t) => {
      for (const error of await provoke(t)) refuseSecret(inspect(error, { depth: 8, showHidden: true }), 'an error');
    },
  },
  {
    id: 'ERR-9.a',
    level: 'MUST',
    since: '0.1',
    title: 'util.inspect of a store shows no sid and no session data',
    why: "console.log(store), or a debugger's dump in a log, would show every session of a memory store.",
    mend: 'Hold what is secret in private fields, or give the class an inspect of its own.',
    needs: ['tie'],
    run: async (t) => {
      const sid = `${t.sid()}-${SECRET}`;
      await t.put(sid, { password: SECRET });
      await t.store.load(sid);
      refuseSecret(inspect(t.store.raw, { depth: 12, maxArrayLength: null, maxStringLength: null }), 'the store');
    },
  },
];

async function failsByCallback(t: Trial): Promise<void> {
  const seen = await observe(t.store, 'set', t.sid(), t.session({ n: 1n }));
  assert.ok(seen.calls[0]?.[0] instanceof Error, 'the callback of set() of a BigInt was given no Error');
}

/** Works on a store whose backend is broken, and repairs it whatever happens. */
async function broken(t: Trial, work: (sid: string) => Promise<unknown>): Promise<string> {
  const sid = await t.stored();
  const repair = await t.target.disrupt?.(t.store.raw);
  try {
    await work(sid);
  } finally {
    await repair?.();
  }
  return sid;
}

async function corrupted(t: Trial): Promise<void> {
  for (const text of CORRUPT) {
    const [sid, other] = [await t.stored({ n: 1 }), await t.stored({ n: 1 })];
    if (!(await t.spoil(sid, text)) || !(await t.spoil(other, text))) continue;
    await errorOrNull(t, sid, text);
    await t.put(sid, { n: 2 });
    await expectData(t.store, sid, { n: 2 }, `get() after a new session was set over ${JSON.stringify(text)}`);
    await t.store.destroy(other);
    await t.put(other, { n: 3 });
    await expectThere(t.store, other, `a session set after ${JSON.stringify(text)} was destroyed`);
  }
}

async function errorOrNull(t: Trial, sid: string, text: string): Promise<void> {
  const found = await t.store.get(sid).catch((error: unknown) => error);
  assert.ok(found === null || found instanceof Error, `get() of ${JSON.stringify(text)} gave ${inspect(found)}`);
  if (t.store.kind === 'promise') return;
  const seen = await observe(t.store, 'get', sid);
  assert.deepEqual(
    [seen.calls.length, seen.early, seen.threw],
    [1, false, undefined],
    `get() of ${JSON.stringify(text)}: how often it called back, whether early, what it threw`,
  );
}

/** Errors of many kinds, each of which had a secret at hand. */
async function provoke(t: Trial): Promise<unknown[]> {
  const sid = `${t.sid()}-${SECRET}`;
  await t.put(sid, { password: SECRET });
  const circle: Session = { [SECRET]: SECRET };
  circle[`${SECRET}-self`] = circle;
  const throwing = { toJSON: () => { throw new Error(`about ${SECRET}`); } }; // prettier-ignore
  const calls = [
    () => t.store.set(sid, t.session({ circle })),
    () => t.store.set(sid, t.session({ [SECRET]: 1n })),
    () => t.store.set(sid, t.session({ throwing })),
    () => t.store.get(`${SECRET}${'x'.repeat(5000)}`),
    () => t.store.call('get', { [SECRET]: SECRET }),
    () => corruptedError(t, sid),
  ];
  const found: unknown[] = [];
  for (const call of calls) await call().catch((error: unknown) => found.push(error));
  return found;
}

async function corruptedError(t: Trial, sid: string): Promise<unknown> {
  if (!t.target.spoil || !(await t.spoil(sid, SECRET))) return undefined;
  return t.store.get(sid);
}

function refuseSecret(text: string, whose: string): void {
  const at = text.indexOf(SECRET);
  const shown = text.slice(Math.max(0, at - 60), at + 60).replaceAll(SECRET, '<the secret>');
  assert.ok(at === -1, `${whose} shows it: …${shown}…`);
}
