import assert from 'node:assert/strict';
import { birth, passLife } from '../expect.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const SHORT_MS = 300;

/** LEN: how many sessions there are. */
export const length: Check[] = [
  {
    id: 'LEN-1',
    level: 'MUST',
    since: '0.1',
    title: 'length() is an exact whole number, after overwrites, double destroys and writes at the same time',
    why: 'Seen: 1 for 2, 0 for 200, and an array of server statistics.',
    mend: 'Count what is there; keep no counter beside it.',
    needs: ['length'],
    run: exact,
  },
  {
    id: 'LEN-2',
    level: 'MUST',
    since: '0.1',
    title: 'length() counts live sessions only',
    why: 'Seen in eleven stores: the number of visitors never falls.',
    mend: 'Count where the expiry lies ahead.',
    needs: ['length'],
    timed: true,
    run: async (t) => {
      await t.stored();
      const born = await birth(t, () => t.put(t.sid(), {}, SHORT_MS));
      await passLife(t, born, SHORT_MS);
      assert.equal(await t.store.length(), 1, 'length() with one live and one expired session');
    },
  },
];

async function exact(t: Trial): Promise<void> {
  assert.equal(await t.store.length(), 0, 'length() of an empty store');
  const sids = Array.from({ length: 50 }, () => t.sid());
  await Promise.all([...sids, ...sids].map((sid) => t.put(sid)));
  assert.equal(await t.store.length(), 50, 'length() after 50 sessions were set twice');
  const [one, two] = [await t.stored(), await t.stored()];
  assert.equal(await t.store.length(), 52, 'length() after two more');
  await Promise.all([one, one, two, t.sid()].map((sid) => t.store.destroy(sid)));
  assert.equal(await t.store.length(), 50, 'length() after those were destroyed, one of them twice');
}
