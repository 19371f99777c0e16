import assert from 'node:assert/strict';
import { eventually } from '../time.js';
import type { Trial } from '../trial.js';
import type { Check, Need } from '../types.js';

const NEEDS: readonly Need[] = ['on', 'tie'];

/** EVT: what a store announces. */
export const events: Check[] = [
  {
    id: 'EVT-1',
    level: 'MUST',
    since: '0.1',
    title: 'an "error" event without a listener does not end the process',
    why: 'An EventEmitter throws there: a hiccup of the backend would take the site down.',
    mend: 'Emit "error" only where somebody listens.',
    needs: [...NEEDS, 'all', 'spoil'],
    run: async (t) => {
      if (!(await t.spoil(await t.stored(), 'no { json'))) return;
      assert.deepEqual([...(await t.store.all()).keys()], [], 'all() with a corrupted value, and nobody who listens to "error"');
      const heard: unknown[] = [];
      t.store.raw['on']('error', (error: unknown) => heard.push(error));
      await t.store.all();
      assert.ok(heard[0] instanceof Error, 'all() with a corrupted value emitted no "error"');
    },
  },
  {
    id: 'EVT-2',
    level: 'MUST',
    since: '0.1',
    title: '"set", "touch" and "destroy" tell the stored id',
    why: 'Audit logs and caches are built on them.',
    mend: 'Emit after the backend said yes.',
    needs: [...NEEDS, 'ids'],
    run: announces,
  },
  {
    id: 'EVT-3',
    level: 'MUST',
    since: '0.1',
    title: '"drop" tells of a save that was not made, and why; its caller gets no error',
    why: 'Nobody else would know: a dropped save succeeds.',
    mend: 'Emit { id, reason: "missing" }.',
    needs: NEEDS,
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      const dropped: { reason?: string }[] = [];
      t.store.raw['on']('drop', (what: { reason?: string }) => dropped.push(what));
      const slow = await t.store.load(sid);
      await t.store.destroy(sid);
      slow['n'] = 2;
      await t.store.set(sid, slow);
      assert.ok(await eventually(1000, () => dropped.length > 0), 'no "drop" for a save after destroy()');
      assert.deepEqual(
        dropped.map(({ reason }) => reason),
        ['missing'],
        'the reasons of "drop"',
      );
    },
  },
  {
    id: 'EVT-4',
    level: 'MUST',
    since: '0.1',
    title: '"disconnect" and "connect" are not emitted unless asked for',
    why: 'Stock express-session then serves requests without req.session; koa-generic-session can end the process.',
    mend: 'Emit "up" and "down"; the other two only with announceOutages: true.',
    needs: [...NEEDS, 'disrupt'],
    run: async (t) => {
      const heard: string[] = [];
      for (const event of ['connect', 'disconnect']) t.store.raw['on'](event, () => heard.push(event));
      const sid = await t.stored();
      const repair = await t.target.disrupt?.(t.store.raw);
      await t.store.get(sid).catch(() => undefined);
      await repair?.();
      await eventually(10_000, () =>
        t.store.get(sid).then(
          () => true,
          () => false,
        ),
      );
      assert.deepEqual(heard, [], 'what was announced in an outage');
    },
  },
];

async function announces(t: Trial): Promise<void> {
  const heard: unknown[][] = [];
  for (const event of ['set', 'touch', 'destroy']) t.store.raw['on'](event, (id: unknown) => heard.push([event, id]));
  const sid = await t.stored({ n: 1 });
  const [id] = await t.store.call<string[]>('ids');
  await t.store.touch(sid, t.session({ n: 1 }));
  await t.store.destroy(sid);
  await eventually(1000, () => heard.length >= 3);
  assert.deepEqual(heard, [['set', id], ['touch', id], ['destroy', id]], 'the events of set(), touch() and destroy()'); // prettier-ignore
}
