import { StoreError } from '@sessile/core';
import { describe, expect, it } from 'vitest';
import { Copier, type CopyJob } from '../src/copy/copier.js';
import { ofText } from '../src/copy/fingerprint.js';
import { Ledger } from '../src/copy/ledger.js';
import { patiently } from '../src/copy/patience.js';
import { Tally } from '../src/copy/tally.js';
import { all, opened, put, sqlite, stored } from './kit.js';

const away = () => new StoreError('ERR_STORE_UNAVAILABLE', 'away');

describe('patience', () => {
  it('tries again while the store is away, and gives up on anything else at once', async () => {
    let asked = 0;
    const signal = new AbortController().signal;
    const work = (failure: Error) => () => {
      asked += 1;
      return asked < 3 ? Promise.reject(failure) : Promise.resolve(asked);
    };
    expect(await patiently(work(away()), signal)).toBe(3);
    asked = 0;
    await expect(patiently(work(new StoreError('ERR_STORE_DENIED', 'no')), signal)).rejects.toThrow('no');
    expect(asked).toBe(1);
  });

  it('ends when the command is interrupted', async () => {
    const stop = new AbortController();
    const waiting = patiently(() => Promise.reject(away()), stop.signal);
    stop.abort(new Error('interrupted'));
    await expect(waiting).rejects.toThrow('interrupted');
  });

  it('looks again before it writes again: a write without an answer may have been made, and changed by the app since', async () => {
    const [from, to] = [sqlite.url(), sqlite.url()];
    await put(
      from,
      ['a', 'b', 'c'].map((id) => stored(id, { from: 'source' })),
    );
    const [source, target] = [await opened(from), await opened(to)];
    let lost = 0;
    const write: CopyJob['target']['write'] = async (sessions) => {
      const outcomes = await target.write(sessions);
      if (lost > 0) return outcomes;
      lost += 1;
      // The answer gets lost, a user goes on with one session, and another logs out.
      await target.write([stored('a', { from: 'app' })]);
      throw new StoreError('ERR_STORE_TIMEOUT', 'no answer');
    };
    const tally = new Tally();
    const ledger = new Ledger(undefined, 'a to b');
    const copier = new Copier({
      source,
      target: { ids: () => target.ids(), read: (ids) => target.read(ids), replace: (some) => target.replace(some), write },
      ledger,
      fingerprint: ofText,
      match: undefined,
      rules: { conflicts: 'keep', toleranceMs: 1500, usedMs: 30_000 },
      dryRun: false,
      tally,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
    await copier.pass();
    ledger.close();
    expect(tally.counts).toMatchObject({ read: 3, put: 0, same: 2, kept: 1 });
    const now = await all(to);
    expect(['a', 'b', 'c'].map((id) => now.get(id)?.payload)).toEqual(['{"from":"app"}', '{"from":"source"}', '{"from":"source"}']);
  });
});
