import assert from 'node:assert/strict';
import { call, type Driver, opened, passShort, put, replace, scanned, SHORT_MS, text, there } from '../driver-under-test.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const ROUNDS = 10;

/** DRV: a bare driver, and what shares its backend. */
export const driverBackend: Check[] = [
  {
    id: 'DRV-13',
    level: 'MUST',
    since: '0.1',
    title: 'prune() removes expired sessions and no live one, and says how many it removed',
    why: 'A sweeper that is wrong about one clock logs out everybody.',
    mend: 'Delete where the expiry has passed, by the clock that decides about reads, and answer the number of rows.',
    needs: ['driver', 'prune'],
    timed: true,
    run: prunes,
  },
  {
    id: 'DRV-14',
    level: 'MUST',
    since: '0.1',
    title: 'ping() resolves on a live backend',
    why: 'A health check that fails takes a good server out of service.',
    mend: 'Ask the backend for the cheapest thing that it answers.',
    needs: ['driver', 'ping'],
    run: async (t) => opened(t.store).ping?.(call()),
  },
  {
    id: 'DRV-15',
    level: 'MUST',
    since: '0.1',
    title: "clear(), scan() and count() are about the driver's own namespace, and one key is two sessions in two of them",
    why: 'A flush of the whole server takes the sessions of other applications with it.',
    mend: 'Put the namespace into every key or table, and take it literally in patterns.',
    needs: ['driver', 'neighbour'],
    run: keepsToItself,
  },
  {
    id: 'DRV-16',
    level: 'MUST',
    since: '0.1',
    title: 'two driver objects over one backend are one: tokens serve both, and of two replace() with one token one succeeds',
    why: 'Two processes behind a load balancer are two driver objects.',
    mend: 'Let the backend compare and write in one atomic command, and keep no versions in the memory of a process.',
    needs: ['driver', 'second', 'replace'],
    run: areOne,
  },
];

/** Three expired sessions and a live one. */
async function prunes(t: Trial): Promise<void> {
  const d = opened(t.store);
  const live = t.sid();
  await put(d, t, live, text(1));
  for (const key of [t.sid(), t.sid(), t.sid()]) await put(d, t, key, text(0), SHORT_MS);
  await passShort(t);
  const before = await t.target.rows?.(t.store.raw);
  const removed = await d.prune?.(call());
  assert.ok(Number.isInteger(removed) && Number(removed) >= 0 && Number(removed) <= 3, `prune() said ${removed}, with three expired`);
  await there(d, live, 'the live session, after prune()');
  if (before === undefined) return;
  assert.equal(await t.target.rows?.(t.store.raw), 1, 'the rows after prune(), with one live session');
  assert.equal(removed, before - 1, 'what prune() said, beside how many rows went');
}

async function keepsToItself(t: Trial): Promise<void> {
  const [d, other] = [opened(t.store), opened(await t.neighbour())];
  const [key, theirs] = [t.sid(), t.sid()];
  for (const one of [key, theirs]) await put(other, t, one, text('theirs'));
  await put(d, t, key, text('mine'));
  assert.equal((await there(other, key, "the neighbour's session of the same key")).payload, text('theirs'), 'its payload');
  assert.deepEqual(await scanned(t, d, true), [{ key, payload: text('mine') }], "scan(), with a neighbour's sessions beside");
  if (d.count) assert.equal(await d.count(call()), 1, "count(), with a neighbour's sessions beside");
  await d.clear(call());
  for (const one of [key, theirs]) await there(other, one, "the neighbour's session, after clear()");
}

async function areOne(t: Trial): Promise<void> {
  const [here, other] = [opened(t.store), opened(await t.second())];
  const key = t.sid();
  const written = await put(here, t, key, text(1));
  assert.equal((await there(other, key, 'what the other one wrote')).payload, text(1), 'its payload');
  const changed = await replace(other, key, written, { payload: text(2) });
  assert.equal(changed.outcome, 'replaced', "replace() with the token of the other one's write()");
  assert.equal((await replace(here, key, written)).outcome, 'changed', 'replace() with a token from before the other one replaced');
  for (let round = 0; round < ROUNDS; round += 1) await oneWins(t, here, other);
  assert.equal(await other.remove(key, call()), true, 'remove() of what the other one wrote');
  const { outcome } = await replace(here, key, 'token' in changed ? changed.token : undefined);
  assert.equal(outcome, 'missing', 'replace() of what the other one removed');
  assert.equal(await here.read(key, call()), null, 'read() after that');
}

async function oneWins(t: Trial, here: Driver, other: Driver): Promise<void> {
  const key = t.sid();
  const token = await put(here, t, key, text(0));
  const answers = await Promise.all([here, other].map((driver, n) => replace(driver, key, token, { payload: text(n + 1) })));
  const outcomes = answers.map(({ outcome }) => outcome);
  assert.deepEqual(outcomes.toSorted(), ['changed', 'replaced'], 'two replace() at the same time with one token');
  const { payload } = await there(here, key, 'the session, after that');
  assert.equal(payload, text(outcomes.indexOf('replaced') + 1), 'the payload: that of the one that was told "replaced"');
}
