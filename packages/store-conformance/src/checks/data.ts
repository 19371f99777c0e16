import assert from 'node:assert/strict';
import { expectData, rejection } from '../expect.js';
import { asJson, dataOf } from '../sessions.js';
import type { Trial } from '../trial.js';
import type { Check, Session } from '../types.js';

const VALUES: readonly [string, unknown][] = [
  ['a Date', new Date(1e12)],
  ['undefined in an object', { gone: undefined, here: null }],
  ['undefined in an array', [undefined, 1]],
  ['NaN and Infinity', [Number.NaN, Infinity, -Infinity]],
  ['numbers', [0, -1, 1.5, 1e21, 5e-324, Number.MAX_SAFE_INTEGER, 0.1 + 0.2]],
  ['false, null, zero and an empty text', [false, null, 0, '']],
  ['emoji and scripts', '😀👨‍👩‍👧 漢字 العربية'],
  ['lone surrogates', 'a\ud800b\udc00c'],
  ['control characters', '\u0001\u0008\u001f\u2028\u2029\ufeff'],
  ['quotes and backslashes', `'"\\\`\${}`],
  ['empty containers', { object: {}, array: [] }],
  ['nested deeply', nest(60)],
  ['a toJSON of its own', { toJSON: () => 'said by toJSON' }],
  ['a Map and a class instance', { map: new Map([[1, 2]]), url: new URL('https://example.com/a?b=c') }],
];

const KEYS: readonly string[] = [
  'a.b',
  '.',
  '$set',
  '$sessile',
  '',
  'id',
  '_id',
  'sid',
  'session',
  'expires',
  'lastModified',
  '__lastAccess',
  'constructor',
  'toString',
  'flash',
  'k\u0001',
  '😀',
];

/** DAT: what comes back is what JSON makes of what was given. */
export const data: Check[] = [
  {
    id: 'DAT-1',
    level: 'MUST',
    since: '0.1',
    title: 'what comes back equals JSON.parse(JSON.stringify(session)), or set() fails',
    why: 'Seen: live Dates that turn into strings after a restart, values dropped, texts cut off.',
    mend: 'Store JSON text, in a column that holds any text of any length.',
    run: async (t) => {
      for (const [name, value] of VALUES) await expectSame(t, { value }, name);
    },
  },
  {
    id: 'DAT-1.a',
    level: 'MUST',
    since: '0.1',
    title: "any key comes back: dots, dollars, the names of the store's own columns",
    why: 'Seen: keys with dots refused, and a user\'s own "id" overwritten.',
    mend: 'Keep the session apart from what the store needs.',
    run: async (t) => {
      await expectSame(t, Object.fromEntries(KEYS.map((key, n) => [key, n])), 'a session of odd keys');
      await expectSame(t, { inside: Object.fromEntries(KEYS.map((key, n) => [key, n])) }, 'the same keys, one level down');
    },
  },
  {
    id: 'DAT-1.b',
    level: 'MUST',
    since: '0.1',
    title: 'a NUL comes back, or set() fails and the old session stays',
    why: "PostgreSQL's jsonb cannot hold it; a store that cuts the text there loses the rest.",
    mend: 'Refuse what the backend cannot hold.',
    run: async (t) => {
      await expectSame(t, { text: 'a\0b' }, 'a NUL in a value');
      await expectSame(t, { 'k\0k': 1 }, 'a NUL in a key');
    },
  },
  {
    id: 'DAT-2',
    level: 'MUST',
    since: '0.1',
    title: 'a key called __proto__ stays data, and changes no prototype',
    why: 'JSON can hold it. A store that assigns it lets a request change what every object inherits.',
    mend: 'Copy with Object.defineProperty, or not at all.',
    run: async (t) => {
      const hostile: Session = JSON.parse('{"__proto__":{"admin":true},"deep":{"__proto__":{"admin":true}}}');
      await expectSame(t, hostile, 'a session with __proto__ as a key');
      assert.equal(({} as Session)['admin'], undefined, 'a key on every object, after that');
    },
  },
  {
    id: 'DAT-2.a',
    level: 'MUST',
    since: '0.1',
    title: '__proto__ stays data through a merge',
    why: 'A merge is where prototypes get polluted.',
    mend: 'Set keys in a merge with Object.defineProperty.',
    needs: ['tie'],
    run: mergesProto,
  },
  {
    id: 'DAT-3',
    level: 'MUST',
    since: '0.1',
    title: 'a session of 300 KB comes back whole',
    why: 'Seen: a TEXT column of 64 KB that cut it off.',
    mend: 'Use a column without a limit, or refuse what is over yours.',
    run: (t) => expectSame(t, { text: 'é'.repeat(150_000) }, 'a session of 300 KB'),
  },
  {
    id: 'DAT-3.a',
    level: 'MUST',
    since: '0.1',
    title: 'a session of 2 MB comes back whole, or is refused and the old one stays',
    why: "A backend's limit must be an error, not a session that is gone.",
    mend: 'Check the size before you send it.',
    run: (t) => expectSame(t, { list: Array.from({ length: 20_000 }, (_, n) => `${n}`.padEnd(96, 'x')) }, 'a session of 2 MB'),
  },
  {
    id: 'DAT-4',
    level: 'MUST',
    since: '0.1',
    title: 'a session that cannot be serialised gives one asynchronous error, and the old one stays',
    why: 'Seen: a crash of the process; "[Circular]" stored; the old session lost.',
    mend: 'Serialise first, and answer what that throws through the callback or the promise.',
    run: unserialisable,
  },
  {
    id: 'DAT-5',
    level: 'MUST',
    since: '0.1',
    title: "a session that looks like the store's own envelope comes back as data, or is refused",
    why: 'Data that a user can choose must not be taken for an encrypted or compressed text.',
    mend: 'Mark what is transformed in a way that data cannot have, or refuse such data.',
    needs: ['tie'],
    run: async (t) => {
      for (const value of [
        { $sessile: 1, d: 'AAAA' },
        { $sessile: 1, k: 'x', z: 1, d: 'AAAA' },
      ]) {
        const sid = await t.stored({ n: 1 });
        const refused = await t.store.set(sid, { ...value }).catch((error: unknown) => error);
        const after = await t.store.load(sid);
        assert.deepEqual(refused ? dataOf(after) : after, refused ? { n: 1 } : value, 'get() after set() of such a session');
      }
    },
  },
];

function nest(depth: number): unknown {
  return depth === 0 ? 'the bottom' : { in: nest(depth - 1) };
}

/** Sent and fetched, it is what JSON makes of it; or it is refused, and the session before it stays. */
async function expectSame(t: Trial, value: Session, name: string): Promise<void> {
  const sid = await t.stored({ before: true });
  const session = Object.defineProperties({}, Object.getOwnPropertyDescriptors(value)) as Session;
  session['cookie'] = t.cookie();
  const refused = await t.store.set(sid, session).catch((error: unknown) => error);
  if (refused === undefined) return expectEqual(t, sid, value, name);
  await rejection(Promise.reject(refused), `set() of ${name}`);
  await expectData(t.store, sid, { before: true }, `the session before, after ${name} was refused`);
}

async function expectEqual(t: Trial, sid: string, value: Session, name: string): Promise<void> {
  const { cookie: _, ...got } = await t.store.load(sid);
  // Destructuring copies __proto__ as data, so both sides are plain objects.
  assert.deepEqual(got, asJson(value), `get() after set() of ${name}`);
}

async function mergesProto(t: Trial): Promise<void> {
  const sid = await t.stored({ deep: { n: 0 } });
  const [one, two] = [await t.store.load(sid), await t.store.load(sid)];
  one['other'] = 1;
  two['deep'] = JSON.parse('{"n":0,"__proto__":{"admin":true}}');
  await t.store.set(sid, one);
  await t.store.set(sid, two);
  const after = await t.store.load(sid);
  assert.equal(JSON.stringify(dataOf(after)), '{"deep":{"n":0,"__proto__":{"admin":true}},"other":1}', 'the merged session');
  assert.equal(({} as Session)['admin'], undefined, 'a key on every object, after that');
}

async function unserialisable(t: Trial): Promise<void> {
  const circular: Session = {};
  circular['self'] = circular;
  const throws = {
    toJSON: () => {
      throw new Error('refused by its toJSON');
    },
  };
  for (const [name, value] of [
    ['a circle', circular],
    ['a BigInt', 1n],
    ['a toJSON that throws', throws],
  ] as const) {
    const sid = await t.stored({ n: 1 });
    const work = (): Promise<void> => t.store.set(sid, t.session({ value }));
    await rejection(work(), `set() of ${name}`);
    await expectData(t.store, sid, { n: 1 }, `get() after set() of ${name}`);
  }
}
