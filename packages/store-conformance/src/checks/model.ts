import { SIDS, type Weights } from '../model/commands.js';
import { concurrent, sequential } from '../model/explore.js';
import type { StoreUnderTest } from '../store-under-test.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const TWO_SIDS = SIDS.slice(0, 2);
const ONE_SID = SIDS.slice(0, 1);
const AT_ONCE = 12;

const ANY: Weights = { put: 6, get: 4, touch: 3, destroy: 2, save: 4, update: 2, count: 1, all: 1, ids: 1, length: 1, clear: 1, wait: 2 };
const UNTIED: Weights = { put: 5, get: 4, touch: 3, destroy: 3, update: 2, count: 2, all: 1, ids: 1, clear: 1, pause: 3 };
const TIED: Weights = { save: 6, count: 2, update: 2, get: 2, destroy: 1, pause: 3 };

/** MDL: random histories, against a reference. */
export const model: Check[] = modelChecks();

/**
 * The checks of random histories.
 *
 * @param share how many of the usual number of histories each of them tries, from 0 to 1.
 */
export function modelChecks(share = 1): Check[] {
  const runs = (usual: number): number => Math.ceil(usual * share);
  return [
    {
      id: 'MDL-1',
      level: 'MUST',
      since: '0.1',
      title: 'random histories of calls are answered as the reference answers them',
      why: 'A mistake that takes three calls in a certain order is found by users, or here.',
      mend: 'Read the history from its end: the last line is the answer that is wrong.',
      seeded: true,
      timed: true,
      run: (t) => inTurn(t, [t.store], runs(300)),
    },
    {
      id: 'MDL-2',
      level: 'MUST',
      since: '0.1',
      title: 'random histories on two store objects are answered as if there were one',
      why: 'What one process remembers of a session is wrong as soon as another one has written.',
      mend: 'Keep sessions in the backend alone.',
      needs: ['second'],
      seeded: true,
      timed: true,
      run: async (t) => inTurn(t, [t.store, await t.second()], runs(200)),
    },
    {
      id: 'MDL-3',
      level: 'MUST',
      since: '0.1',
      title: 'calls at the same time are answered as if they came one after the other, in some order',
      why: 'An answer that no order explains is a save that was lost, or a session that never was.',
      mend: 'Let each call take effect at one moment between its question and its answer.',
      seeded: true,
      run: async (t) => {
        const shape = { weights: UNTIED, clients: 1, sids: TWO_SIDS, brief: false, maxSteps: AT_ONCE };
        await concurrent(t, [t.store], { shape, runs: runs(800) });
      },
    },
    {
      id: 'MDL-4',
      level: 'MUST',
      since: '0.1',
      title: 'saves of what was loaded and updates at the same time lose nothing, and bring nothing back',
      why: 'Requests of one user run side by side.',
      mend: 'Compare and set, and apply the change again where another one came before it.',
      needs: ['promises', 'tie', 'update'],
      seeded: true,
      run: (t) => sideBySide(t, [t.store, t.store, t.store], runs(800)),
    },
    {
      id: 'MDL-4.a',
      level: 'MUST',
      since: '0.1',
      title: 'saves of what was loaded and updates by two store objects lose nothing, and bring nothing back',
      why: 'Two processes serve one user.',
      mend: 'Let the backend compare and set in one atomic command.',
      needs: ['promises', 'tie', 'update', 'second'],
      seeded: true,
      run: async (t) => sideBySide(t, [t.store, await t.second(), t.store], runs(500)),
    },
  ];
}

async function inTurn(t: Trial, stores: readonly StoreUnderTest[], runs: number): Promise<void> {
  const shape = { weights: ANY, clients: stores.length, sids: SIDS, brief: true, maxSteps: 20 };
  await sequential(t, stores, { shape, runs });
}

/** Every client has loaded the session before. */
async function sideBySide(t: Trial, stores: readonly StoreUnderTest[], runs: number): Promise<void> {
  const [sid = ''] = ONE_SID;
  const shape = { weights: TIED, clients: stores.length, sids: ONE_SID, brief: false, maxSteps: AT_ONCE };
  const put = { client: 0, action: { do: 'put', sid, data: { n: 0, k: 0 }, brief: false } } as const;
  const loads = stores.map((_, client) => ({ client, action: { do: 'get', sid } }) as const);
  await concurrent(t, stores, { shape, runs }, [put, ...loads]);
}
