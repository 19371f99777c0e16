import assert from 'node:assert/strict';
import type { Traits } from '@sessile/core/driver';
import { call, type Driver, lifeOf, opened, passShort, put, replace, scanned, SHORT_MS, text, there } from '../driver-under-test.js';
import { outlive, refuseNone } from '../expect.js';
import { LONG_MS } from '../sessions.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const TRAITS: Readonly<Record<keyof Traits, (value: unknown) => boolean>> = {
  name: (value) => typeof value === 'string' && value !== '',
  payload: (value) => value === 'text' || value === 'json',
  maxPayloadBytes: isPositive,
  resolutionMs: isPositive,
  clock: (value) => value === 'backend' || value === 'app',
  keepsTtl: (value) => typeof value === 'boolean',
  blocks: (value) => typeof value === 'boolean',
  singles: (value) => typeof value === 'number' && value >= 0,
  batchItems: isPositive,
  batchBytes: isPositive,
};

const VERBS = ['read', 'write', 'extend', 'remove', 'scan', 'clear', 'close'] as const;

/** DRV: a bare driver, below a store. */
export const driver: Check[] = [
  {
    id: 'DRV-1',
    level: 'MUST',
    since: '0.1',
    title: 'a driver has every trait and every verb that is needed',
    why: 'The core sizes batches and rounds lifetimes by them: with undefined there it compares with NaN, and never says so.',
    mend: "Make the traits with defineTraits({ name: '...' }), and write the seven verbs.",
    needs: ['driver'],
    run: async (t) => {
      const { traits } = opened(t.store);
      for (const [name, fits] of Object.entries(TRAITS)) {
        const value = (traits as unknown as Record<string, unknown> | undefined)?.[name];
        assert.ok(fits(value), `traits.${name} is ${String(value)}`);
      }
      for (const verb of VERBS) assert.equal(typeof t.store.raw[verb], 'function', `what ${verb} is`);
    },
  },
  {
    id: 'DRV-2',
    level: 'MUST',
    since: '0.1',
    title: 'read() gives what was written: payload, ttlMs and a token; and null where nothing was',
    why: 'Everything else is built on it.',
    mend: 'Answer null for a missing key, and the stored text as it is for another.',
    needs: ['driver'],
    run: async (t) => {
      const d = opened(t.store);
      const key = t.sid();
      assert.equal(await d.read(key, call()), null, 'read() of a key that nobody wrote');
      for (const payload of [text(1), text('é😀 "\\'), text(2)]) {
        await put(d, t, key, payload);
        const stored = await there(d, key, 'read() after write()');
        assert.equal(stored.payload, payload, 'the payload of read() after write()');
        assert.ok(isLife(t, stored.ttlMs), `ttlMs of read() after write() with ${LONG_MS} ms is ${stored.ttlMs}`);
        refuseNone(stored.token, 'a token', 'none', 'the token of read()');
      }
    },
  },
  {
    id: 'DRV-3',
    level: 'MUST',
    since: '0.1',
    title: 'an expired session is null, and cannot be replaced, extended or removed as a live one',
    why: 'The core drops and keeps saves on this word: a session that ended comes back.',
    mend: 'Let each verb ask for "not expired" in the same command.',
    needs: ['driver'],
    timed: true,
    run: expired,
  },
  {
    id: 'DRV-4',
    level: 'MUST',
    since: '0.1',
    title: 'replace() says "replaced", "changed" or "missing", and does what it says',
    why: 'It is what keeps two processes from losing saves of each other.',
    mend: 'Compare and write in one atomic command.',
    needs: ['driver', 'replace'],
    run: replaces,
  },
  {
    id: 'DRV-5',
    level: 'MUST',
    since: '0.1',
    title: "replace() with 'keep' and onlyLonger keeps its word about the life",
    why: 'Otherwise a save shortens "remember me", or keeps a session for ever.',
    mend: "With 'keep' leave the expiry; with onlyLonger take the later one.",
    needs: ['driver', 'replace'],
    timed: true,
    run: replacedLives,
  },
  {
    id: 'DRV-6',
    level: 'MUST',
    since: '0.1',
    title: 'extend() keeps the text and the token, and creates nothing',
    why: 'A touch that makes a new token fails the save beside it; one that creates is an empty login.',
    mend: 'Change the expiry alone, of a live session alone.',
    needs: ['driver'],
    run: extendsOnly,
  },
  {
    id: 'DRV-7',
    level: 'MUST',
    since: '0.1',
    title: 'extend() sets the life, and with onlyLonger never shortens it',
    why: 'The touch of an old request would end a session that a newer one made longer.',
    mend: 'With onlyLonger take the later of both.',
    needs: ['driver'],
    timed: true,
    run: extendedLives,
  },
  {
    id: 'DRV-8',
    level: 'MUST',
    since: '0.1',
    title: 'remove() says whether it removed a live session',
    why: 'revoke() and events tell people by it.',
    mend: 'Answer by the number of rows that were removed.',
    needs: ['driver'],
    run: async (t) => {
      const d = opened(t.store);
      const [key, other] = [t.sid(), t.sid()];
      for (const one of [key, other]) await put(d, t, one, text(1));
      assert.equal(await d.remove(key, call()), true, 'remove() of a live session');
      assert.equal(await d.read(key, call()), null, 'read() after remove()');
      assert.equal(await d.remove(key, call()), false, 'remove() once more');
      await there(d, other, 'another session, after that');
    },
  },
  {
    id: 'DRV-9',
    level: 'MUST',
    since: '0.1',
    title: 'scan() gives each live session once, with its payload when asked; count() agrees',
    why: 'all(), ids() and length() are made of it.',
    mend: 'Page by key, and leave out what has expired.',
    needs: ['driver'],
    timed: true,
    run: scans,
  },
  {
    id: 'DRV-10',
    level: 'MUST',
    since: '0.1',
    title: 'clear() removes every session, and the driver goes on working',
    why: '"Log everybody out" is for emergencies.',
    mend: 'Remove all keys of the namespace.',
    needs: ['driver'],
    run: async (t) => {
      const d = opened(t.store);
      const keys = [t.sid(), t.sid(), t.sid()];
      for (const key of keys) await put(d, t, key, text(key));
      await t.store.listed();
      await d.clear(call());
      for (const key of keys) assert.equal(await d.read(key, call()), null, 'read() after clear()');
      assert.deepEqual(await scanned(t, d, false), [], 'scan() after clear()');
      await put(d, t, keys[0] ?? '', text(1));
      await there(d, keys[0] ?? '', 'a session written after clear()');
    },
  },
  {
    id: 'DRV-11',
    level: 'MUST',
    since: '0.1',
    title: 'plural verbs answer by position what the singular ones would, and one item harms no other',
    why: 'The core hands the answer at position n to the caller of item n: a shift gives one user the session of another.',
    mend: 'Bring the answers into the order of the items, with null where there is none.',
    needs: ['driver'],
    run: plurals,
  },
  {
    id: 'DRV-12',
    level: 'MUST',
    since: '0.1',
    title: 'close() may be called twice',
    why: 'Signal handlers and test hooks both call it.',
    mend: 'Do nothing the second time.',
    needs: ['driver'],
    run: async (t) => {
      const d = opened(t.store);
      await put(d, t, t.sid(), text(1));
      await d.close();
      await d.close();
    },
  },
];

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0;
}

/** Undefined where the backend cannot tell. */
function isLife(t: Trial, ttlMs: number | undefined): boolean {
  return ttlMs === undefined || (ttlMs > 0 && ttlMs <= LONG_MS + t.resolutionMs);
}

async function expired(t: Trial): Promise<void> {
  const d = opened(t.store);
  const keys = [t.sid('read'), t.sid('replace'), t.sid('extend'), t.sid('remove'), t.sid('both'), t.sid('kept')] as const;
  const tokens: unknown[] = [];
  for (const key of keys) tokens.push(await put(d, t, key, text(1), SHORT_MS));
  await passShort(t);
  const [read, replaced, extended, removed, both, kept] = keys;
  assert.equal(await d.read(read, call()), null, 'read() of an expired session');
  if (d.replace) assert.equal((await replace(d, replaced, tokens[1])).outcome, 'missing', 'replace() of an expired session');
  const longer = { ttlMs: lifeOf(t, LONG_MS), onlyLonger: false };
  assert.equal(await d.extend({ key: extended, ...longer }, call()), false, 'extend() of an expired session');
  assert.equal(await d.remove(removed, call()), false, 'remove() of an expired session');
  if (d.readAndExtend) assert.equal(await d.readAndExtend({ key: both, ...longer }, call()), null, 'readAndExtend() of an expired session');
  const item = { key: kept, ttlMs: longer.ttlMs, startsWith: '' };
  if (d.readAndExtendMany) assert.deepEqual(await d.readAndExtendMany([item], call()), [null], 'readAndExtendMany() of an expired session');
  for (const key of keys) assert.equal(await d.read(key, call()), null, 'an expired session, after all that');
}

async function replaces(t: Trial): Promise<void> {
  const d = opened(t.store);
  const key = t.sid();
  assert.equal((await replace(d, key, await put(d, t, t.sid(), text(0)))).outcome, 'missing', 'replace() of a key that nobody wrote');
  assert.equal(await d.read(key, call()), null, 'read() after that');
  const written = await put(d, t, key, text(1));
  const first = await replace(d, key, written, { payload: text(2), ttlMs: lifeOf(t, LONG_MS) });
  assert.equal(first.outcome, 'replaced', 'replace() with the token of write()');
  const stale = await replace(d, key, written, { payload: text(3), ttlMs: lifeOf(t, LONG_MS) });
  assert.equal(stale.outcome, 'changed', 'replace() with an older token');
  if (stale.outcome === 'changed' && stale.current) assert.equal(stale.current.payload, text(2), 'what "changed" says is stored');
  const stored = await there(d, key, 'the session, after that');
  assert.equal(stored.payload, text(2), 'the payload, after that');
  assert.equal((await replace(d, key, stored.token, { payload: text(4) })).outcome, 'replaced', 'replace() with the token of read()');
  await d.remove(key, call());
  assert.equal((await replace(d, key, stored.token)).outcome, 'missing', 'replace() of what was removed');
  assert.equal(await d.read(key, call()), null, 'read() after that, once more');
}

/** A change of a life: what it was, what it is told to be, and whether the session is there when a short life is over. */
interface Change {
  readonly was: 'short' | 'long';
  readonly told: 'short' | 'long' | 'keep';
  readonly onlyLonger: boolean;
  readonly stays: boolean;
}

const CHANGES: readonly Change[] = [
  { was: 'short', told: 'long', onlyLonger: false, stays: true },
  { was: 'short', told: 'long', onlyLonger: true, stays: true },
  { was: 'long', told: 'short', onlyLonger: false, stays: false },
  { was: 'long', told: 'short', onlyLonger: true, stays: true },
];

const KEPT: readonly Change[] = [
  { was: 'short', told: 'keep', onlyLonger: false, stays: false },
  { was: 'long', told: 'keep', onlyLonger: false, stays: true },
];

type Apply = (d: Driver, item: { key: string; ttlMs: number | 'keep'; onlyLonger: boolean; token: unknown }) => Promise<unknown>;

async function lives(t: Trial, changes: readonly Change[], name: string, apply: Apply): Promise<void> {
  const d = opened(t.store);
  // Without it there is nothing to keep a word about.
  const asked = changes.filter(({ told, onlyLonger }) => d.traits.keepsTtl || (told !== 'keep' && !onlyLonger));
  const changed = (change: Change): Promise<void> => changesLife(t, d, change, (item) => apply(d, item), name);
  // A clock that a target moves is one for all.
  if (t.target.advance) for (const change of asked) await changed(change);
  else await Promise.all(asked.map(changed));
}

async function changesLife(
  t: Trial,
  d: Driver,
  change: Change,
  apply: (item: Parameters<Apply>[1]) => Promise<unknown>,
  name: string,
): Promise<void> {
  const { was, told, onlyLonger, stays } = change;
  const key = await outlive(t, async (sid, shortMs) => {
    const ms = { short: lifeOf(t, shortMs), long: lifeOf(t, LONG_MS), keep: 'keep' } as const;
    const token = await put(d, t, sid, text(1), ms[was]);
    await apply({ key: sid, ttlMs: ms[told], onlyLonger, token });
  });
  const step = `a ${was} life, ${name} with ${told}${onlyLonger ? ' and onlyLonger' : ''}: there when a short life is over`;
  assert.equal((await d.read(key, call())) !== null, stays, step);
}

function replacedLives(t: Trial): Promise<void> {
  return lives(t, [...CHANGES, ...KEPT], 'replace()', (d, { key, token, ...life }) => replace(d, key, token, life));
}

/** Told to extend what starts like the first of two texts. */
async function keptLives(t: Trial): Promise<void> {
  const d = opened(t.store);
  if (!d.readAndExtendMany) return;
  const [first, second] = [text(1), text(2)];
  const told = async (key: string, payload: string, lifeMs: number, toldMs: number): Promise<void> => {
    await put(d, t, key, payload, lifeMs);
    const item = { key, ttlMs: lifeOf(t, toldMs), startsWith: first };
    const answers = await d.readAndExtendMany?.([item, { ...item, key: t.sid() }], call());
    const found = answers?.map((answer) => (answer instanceof Error ? answer : answer?.payload));
    assert.deepEqual(
      found,
      [payload, undefined],
      'the payloads that readAndExtendMany() gives of a session and of a key that nobody wrote',
    );
  };
  const alike = await outlive(t, async (sid, shortMs) => told(sid, first, shortMs, LONG_MS));
  assert.notEqual(await d.read(alike, call()), null, 'what starts as readAndExtendMany() was told, when its short life is over');
  const other = await outlive(t, async (sid, shortMs) => told(sid, second, shortMs, LONG_MS));
  assert.equal(await d.read(other, call()), null, 'what starts otherwise, when its short life is over');
  const long = await outlive(t, async (sid, shortMs) => told(sid, first, LONG_MS, shortMs));
  assert.notEqual(await d.read(long, call()), null, 'a long life that readAndExtendMany() was told to make short');
}

async function extendedLives(t: Trial): Promise<void> {
  await keptLives(t);
  const isNumber = (ttlMs: number | 'keep'): number => (ttlMs === 'keep' ? LONG_MS : ttlMs);
  await lives(t, CHANGES, 'extend()', async (d, { key, ttlMs, onlyLonger }) =>
    d.extend({ key, ttlMs: isNumber(ttlMs), onlyLonger }, call()),
  );
}

async function extendsOnly(t: Trial): Promise<void> {
  const d = opened(t.store);
  const [key, missing] = [t.sid(), t.sid()];
  const life = { ttlMs: lifeOf(t, LONG_MS), onlyLonger: false };
  assert.equal(await d.extend({ key: missing, ...life }, call()), false, 'extend() of a key that nobody wrote');
  assert.equal(await d.read(missing, call()), null, 'read() after that');
  const token = await put(d, t, key, text(1));
  assert.equal(await d.extend({ key, ...life }, call()), true, 'extend() of a live session');
  assert.equal((await there(d, key, 'read() after extend()')).payload, text(1), 'the payload after extend()');
  if (d.readAndExtend) {
    assert.equal((await d.readAndExtend({ key, ...life }, call()))?.payload, text(1), 'the payload that readAndExtend() gives');
    assert.equal(await d.readAndExtend({ key: missing, ...life }, call()), null, 'readAndExtend() of a key that nobody wrote');
  }
  if (d.replace) assert.equal((await replace(d, key, token)).outcome, 'replaced', 'replace() with the token from before extend()');
}

async function scans(t: Trial): Promise<void> {
  const d = opened(t.store);
  const keys = Array.from({ length: 300 }, () => t.sid()).sort();
  for (const key of keys) await put(d, t, key, text(key));
  await put(d, t, t.sid('expired'), text(0), SHORT_MS);
  const removed = t.sid('removed');
  await put(d, t, removed, text(0));
  await d.remove(removed, call());
  await passShort(t);
  const bare = await scanned(t, d, false);
  assert.deepEqual(
    bare.map(({ key }) => key),
    keys,
    'the keys of scan(): 300 live, one expired, one removed',
  );
  const full = await scanned(t, d, true);
  assert.deepEqual(
    full,
    keys.map((key) => ({ key, payload: text(key) })),
    'scan() with payloads',
  );
  if (d.count) assert.equal(await d.count(call()), keys.length, 'count()');
}

async function plurals(t: Trial): Promise<void> {
  const d = opened(t.store);
  const [one, missing, two] = [t.sid(), t.sid(), t.sid()];
  const tokens = await writeBoth(d, t, [one, two]);
  const life = { ttlMs: lifeOf(t, LONG_MS), onlyLonger: false };
  const read = await d.readMany?.([one, missing, two], call());
  const payloads = read?.map((stored) => (stored instanceof Error ? stored : (stored?.payload ?? null)));
  if (payloads) assert.deepEqual(payloads, [text(one), null, text(two)], 'readMany() of a live, a missing and a live one');
  const items = [one, missing, two].map((key) => ({ key, ...life }));
  if (d.extendMany) assert.deepEqual([...(await d.extendMany(items, call()))], [true, false, true], 'extendMany(), the second missing');
  await replaceThree(d, [one, missing, two], tokens, life);
  const removed = await d.removeMany?.([missing, one, two], call());
  if (removed) assert.deepEqual([...removed], [false, true, true], 'removeMany(), the first missing');
  for (const key of removed ? [one, two] : []) assert.equal(await d.read(key, call()), null, 'read() after removeMany()');
}

async function writeBoth(d: Driver, t: Trial, keys: readonly string[]): Promise<readonly unknown[]> {
  const items = keys.map((key) => ({ key, payload: text(key), ttlMs: lifeOf(t, LONG_MS) }));
  const answers = d.writeMany ? await d.writeMany(items, call()) : await Promise.all(items.map((item) => d.write(item, call())));
  assert.equal(answers.length, keys.length, 'how many answers writeMany() gave');
  for (const key of keys) assert.equal((await there(d, key, 'read() after writeMany()')).payload, text(key), 'a payload after writeMany()');
  return answers;
}

/** The first is replaced, the second missing, the third changed. */
async function replaceThree(
  d: Driver,
  keys: readonly string[],
  tokens: readonly unknown[],
  life: { ttlMs: number; onlyLonger: boolean },
): Promise<void> {
  if (!d.replaceMany) return;
  const [one = '', missing = '', two = ''] = keys;
  await d.write({ key: two, payload: text('by another'), ttlMs: life.ttlMs }, call());
  const expected = [tokens[0], tokens[0], tokens[1]];
  const items = [one, missing, two].map((key, n) => ({ key, payload: text(n), ...life, expected: expected[n] }));
  const answers = await d.replaceMany(items, call());
  const outcomes = answers.map((answer) => (answer instanceof Error ? answer : answer.outcome));
  // It may say that it cannot tell.
  const known = outcomes.map((outcome, n) => (outcome === 'unknown' ? ['replaced', 'missing', 'changed'][n] : outcome));
  assert.deepEqual(known, ['replaced', 'missing', 'changed'], 'replaceMany(): a live, a missing and a changed one');
  assert.equal((await there(d, two, 'the changed one')).payload, text('by another'), 'the changed one, after replaceMany()');
  assert.equal(await d.read(missing, call()), null, 'the missing one, after replaceMany()');
  if (outcomes[0] === 'replaced') assert.equal((await there(d, one, 'the first')).payload, text(0), 'the first, after replaceMany()');
}
