import { describe, expect, it } from 'vitest';
import type { Call } from '@sessile/core/driver';
import { countKeys, Fingerprints } from '../src/walk.js';

const call: Call = { timeLeftMs: 1000, signal: new AbortController().signal, progress: () => undefined };

async function* pages(...all: string[][]): AsyncGenerator<string[]> {
  yield* all;
}

describe('counting', () => {
  it('a key that a walk gives twice counts once', async () => {
    expect(await countKeys(pages(['a', 'b'], [], ['b', 'c'], ['a']), call)).toBe(3);
  });

  it('a hundred thousand keys are told apart', () => {
    const seen = new Fingerprints();
    for (let round = 0; round < 2; round += 1) for (let n = 0; n < 100_000; n += 1) seen.add(`session-${n.toString(36)}`);
    expect(seen.size).toBe(100_000);
  });
});
