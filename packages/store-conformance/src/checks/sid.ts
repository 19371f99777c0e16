import assert from 'node:assert/strict';
import { expectData, expectGone, rejection, storeError } from '../expect.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const HOSTILE: readonly string[] = [
  'constructor',
  'toString',
  'hasOwnProperty',
  '__proto__',
  '__length__',
  'prototype',
  ' ',
  'with space',
  ' leading and trailing ',
  "quote' or '1'='1",
  'double"quote`and\\backslash',
  'line\nbreak\r\nand\ttab',
  'nul\0inside',
  '*',
  'a[b]?{c}*',
  '%',
  '_',
  '$ne',
  '{"$ne":null}',
  '../x',
  'x/../../etc/passwd',
  'x',
  'ünïcödé 漢字 😀',
  'null',
  '0',
  ';DROP TABLE sessions;--',
  'x'.repeat(300),
];

/** No UTF-8 has them: two of them may be one to a backend. */
const ILL_FORMED: readonly string[] = ['lone\ud800surrogate', '\udc00'];

const ALIKE: readonly (readonly [string, string])[] = [
  ['case', 'CASE'],
  ['space', 'space '],
  ['caf\u00e9', 'cafe\u0301'],
  ['\ud800', '\ud801'],
  ['nul', 'nul\0'],
  ['../up', 'up'],
];

const NO_SID: readonly unknown[] = [null, undefined, {}, { $ne: null }, { $gt: '' }, [], ['x'], true, () => 'x', Number.NaN];

/** SID: what a session id may be. */
export const sid: Check[] = [
  {
    id: 'SID-1',
    level: 'MUST',
    since: '0.1',
    title: 'a sid is any text: each one is stored by itself, or refused by an error',
    why: 'Seen: get("constructor") gave a function, a quote broke the query, and "../x" wrote outside the directory.',
    mend: 'Pass the sid as a parameter, never as part of a query, path, pattern or object key.',
    run: hostile,
  },
  {
    id: 'SID-1.a',
    level: 'MUST',
    since: '0.1',
    title: 'every non-empty string up to 1 KiB of UTF-8 works as a sid',
    why: 'Applications choose their own sids, and prefix them.',
    mend: 'Map what the backend cannot hold to a hash.',
    needs: ['tie'],
    run: async (t) => {
      for (const key of [...HOSTILE, 'x'.repeat(1024), '漢'.repeat(341)]) {
        await t.put(key, { key: key.length });
        await expectData(t.store, key, { key: key.length }, `get() of the sid ${JSON.stringify(key.slice(0, 40))}`);
      }
    },
  },
  {
    id: 'SID-2',
    level: 'MUST',
    since: '0.1',
    title: 'sids that are alike are still two: by case, spaces, accents, NUL or path',
    why: "Some databases compare texts without case and trailing spaces: one user gets another's session.",
    mend: 'Compare bytes (a binary collation), and do not normalise.',
    run: alike,
  },
  {
    id: 'SID-3',
    level: 'MUST',
    since: '0.1',
    title: 'what is no string finds no session',
    why: "Seen: get({ $ne: null }) gives a stranger's session.",
    mend: 'Check the type before anything is asked.',
    run: async (t) => {
      await t.put('x', { secret: true });
      for (const value of NO_SID) {
        const found = (await t.store.call('get', value).catch(() => null)) ?? null;
        assert.equal(found, null, `get() of ${typeof value} ${JSON.stringify(value) ?? String(value)}`);
      }
    },
  },
  {
    id: 'SID-4',
    level: 'MUST',
    since: '0.1',
    title: 'the names of Object.prototype find nothing until they are stored, and can be destroyed',
    why: 'A plain object used as a map answers to "constructor" and never lets go of "__proto__".',
    mend: 'Use a Map, or Object.create(null).',
    run: async (t) => {
      for (const key of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
        await expectGone(t.store, key, `get() of "${key}", which nobody stored`);
        await t.put(key, { n: 1 });
        await t.store.destroy(key);
        await expectGone(t.store, key, `get() of "${key}" after destroy()`);
      }
    },
  },
  {
    id: 'SID-5',
    level: 'MUST',
    since: '0.1',
    title: 'the empty string, what is over 1 KiB, and what is no string (numbers too) is refused by every method',
    why: 'An undefined sid is a bug of the caller. Found nothing, it looks like a logout.',
    mend: 'Reject with ERR_STORE_INVALID_ARGUMENT before anything is sent.',
    needs: ['promises', 'tie'],
    run: async (t) => {
      for (const value of ['', 'x'.repeat(1025), '漢'.repeat(342), 7, ...NO_SID]) {
        const name = typeof value === 'string' ? `a string of ${value.length}` : typeof value;
        for (const call of callsWith(t, value)) await storeError(call, 'ERR_STORE_INVALID_ARGUMENT', `a sid that is ${name}`);
      }
    },
  },
  {
    id: 'SID-6',
    level: 'MUST',
    since: '0.1',
    title: 'an empty or over-long sid is refused by an error, or finds nothing',
    why: "A column of 36 or 128 characters that cuts sids off gives one user another's session.",
    mend: 'Refuse what you cannot hold whole.',
    run: async (t) => {
      await expectNothing(t, '');
      const long = 'y'.repeat(20_000);
      await t.store.set(`${long}1`, t.session({ n: 1 })).catch(() => undefined);
      await expectNothing(t, `${long}2`);
    },
  },
];

async function hostile(t: Trial): Promise<void> {
  const kept: string[] = [];
  for (const key of [...HOSTILE, ...ILL_FORMED]) if (await storedOrRefused(t, key)) kept.push(key);
  for (const key of kept) await expectData(t.store, key, { key }, `get() of the sid ${JSON.stringify(key.slice(0, 40))}`);
  for (const key of kept) {
    await t.store.destroy(key);
    await expectGone(t.store, key, `get() after destroy() of the sid ${JSON.stringify(key.slice(0, 40))}`);
  }
}

async function storedOrRefused(t: Trial, key: string): Promise<boolean> {
  const saved = t.put(key, { key }).then(() => true);
  const outcome = await saved.catch((error: unknown) => error);
  if (outcome === true) return true;
  await rejection(Promise.reject(outcome), `set() of the sid ${JSON.stringify(key.slice(0, 40))}`);
  return false;
}

async function alike(t: Trial): Promise<void> {
  for (const [one, two] of ALIKE) {
    if (!(await storedOrRefused(t, one)) || !(await storedOrRefused(t, two))) continue;
    await expectData(t.store, one, { key: one }, `get() of ${JSON.stringify(one)}, with ${JSON.stringify(two)} stored after it`);
    await t.store.destroy(two);
    await expectData(t.store, one, { key: one }, `the same, after ${JSON.stringify(two)} was destroyed`);
  }
}

async function expectNothing(t: Trial, key: string): Promise<void> {
  const found = await t.store.get(key).catch(() => null);
  assert.equal(found, null, `get() of a sid of ${key.length} characters that nobody stored`);
}

function callsWith(t: Trial, value: unknown): Promise<unknown>[] {
  const { store } = t;
  const session = t.session();
  return [store.call('get', value), store.call('set', value, session), store.call('touch', value, session), store.call('destroy', value)];
}
