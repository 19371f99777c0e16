import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expectData, rejection, storeError } from '../expect.js';
import { within } from '../time.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const SETTLE_MS = 8000;
const EXIT_MS = 15_000;
const ONE_USER = fileURLToPath(new URL('../one-user.js', import.meta.url));

/** LIF: opening, closing, and the end of the process. */
export const lifecycle: Check[] = [
  {
    id: 'LIF-1',
    level: 'MUST',
    since: '0.1',
    title: 'close() settles what was asked before it',
    why: 'A deployment must not lose the saves of the last requests, and not hang on them.',
    mend: 'Wait for the calls under way, within the time limit.',
    needs: ['close'],
    run: async (t) => {
      const sids = Array.from({ length: 10 }, () => t.sid());
      const calls = sids.flatMap((sid) => [t.put(sid), t.store.get(sid)]);
      const outcomes = Promise.allSettled(calls);
      await within(SETTLE_MS, 'close()', t.store.call('close'));
      const failed = (await within(SETTLE_MS, 'what was asked before close()', outcomes)).filter(isRejected);
      assert.deepEqual(
        failed.map(({ reason }) => String(reason)),
        [],
        'the errors of calls made before close()',
      );
    },
  },
  {
    id: 'LIF-2',
    level: 'MUST',
    since: '0.1',
    title: 'a closed store refuses what comes later',
    why: 'A call that waits for a connection that is never opened again is a request that hangs.',
    mend: 'Reject with ERR_STORE_CLOSED.',
    needs: ['close'],
    run: async (t) => {
      const sid = await t.stored();
      await t.store.call('close');
      for (const call of [() => t.store.get(sid), () => t.put(sid), () => t.store.destroy(sid)]) {
        const work = within<unknown>(SETTLE_MS, 'a call on a closed store', call());
        if (t.store.has('tie')) await storeError(work, 'ERR_STORE_CLOSED', 'a call on a closed store');
        else await rejection(work, 'a call on a closed store');
      }
    },
  },
  {
    id: 'LIF-3',
    level: 'MUST',
    since: '0.1',
    title: 'close() may be called twice',
    why: 'Signal handlers and test hooks both call it.',
    mend: "Remember the first one's promise.",
    needs: ['close'],
    run: async (t) => {
      await Promise.all([t.store.call('close'), t.store.call('close')]);
      await t.store.call('close');
    },
  },
  {
    id: 'LIF-4',
    level: 'MUST',
    since: '0.1',
    title: 'a closed store does not keep the process alive',
    why: 'Seen: test runs and deployments that never end, on the timer of a sweeper.',
    mend: 'unref() timers, and clear them in close().',
    needs: ['module'],
    run: letsGo,
  },
  {
    id: 'LIF-5',
    level: 'MUST',
    since: '0.1',
    title: 'sessions outlive a restart of the store',
    why: 'A deployment that logs everybody out is noticed.',
    mend: 'Write to the backend before set() settles.',
    needs: ['reopen'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      await expectData(await t.reopen(), sid, { n: 1 }, 'get() after the store was opened again');
    },
  },
  {
    id: 'LIF-6',
    level: 'MUST',
    since: '0.1',
    title: 'status says "up" while the store works and "closed" after close(); ping() resolves on a live backend',
    why: 'Health checks ask for it.',
    mend: 'Keep one state.',
    needs: ['promises', 'ping', 'close', 'tie'],
    run: async (t) => {
      await t.store.raw['ping']();
      assert.equal(t.store.raw['status'], 'up', 'status after ping()');
      await t.store.raw['close']();
      assert.equal(t.store.raw['status'], 'closed', 'status after close()');
    },
  },
  {
    id: 'LIF-7',
    level: 'MUST',
    since: '0.1',
    title: 'await using closes the store',
    why: 'It is how new code cleans up.',
    mend: '[Symbol.asyncDispose]() is close().',
    needs: ['promises', 'tie'],
    run: async (t) => {
      await t.store.call(Symbol.asyncDispose);
      await storeError(t.store.get(t.sid()), 'ERR_STORE_CLOSED', 'get() after the store was disposed of');
    },
  },
];

function isRejected(outcome: PromiseSettledResult<unknown>): outcome is PromiseRejectedResult {
  return outcome.status === 'rejected';
}

/** A process of its own makes the store, uses it, closes it, and must then end by itself. */
async function letsGo(t: Trial): Promise<void> {
  const child = spawn(process.execPath, [ONE_USER, String(t.target.module)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    assert.equal(
      await within(EXIT_MS, 'a process that closed its store', ended),
      0,
      `the exit code of a process that used the store: ${said}`,
    );
  } finally {
    child.kill('SIGKILL');
  }
}
