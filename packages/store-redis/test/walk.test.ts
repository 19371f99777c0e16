import { describe, expect, it } from 'vitest';
import type { Call } from '@sessile/core/driver';
import { Places } from '../src/slots.js';
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

describe('places of slots', () => {
  const server = (name: string) => ({ name, send: () => Promise.reject(new Error('nobody is asked')) });
  const servers = [server('a'), server('b')];
  const line = (id: string, slots: string) =>
    `${id} 127.0.0.1:7000@17000,host myself,master - 0 0 1 connected ${slots}\nother 127.0.0.1:1@2 slave a 0 0 1 connected\n`;
  const at = (a: string, b: string) => new Places(servers, [line('aa', a), line('bb', b)]);
  const calm = at('0-8191', '8192-16383');

  it('nothing has moved: nothing is in doubt', () => {
    expect(calm.doubtfulSince(at('0-8191', '8192-16383'), false)).toEqual([]);
  });

  it('a slot that has another primary is in doubt, and asked for there', () => {
    const now = at('0-7', '8-16383');
    expect(now.doubtfulSince(at('0-8', '9-16383'), false)).toEqual([8]);
    expect(now.holdersOf(8)).toEqual([servers[1]]);
  });

  it('a slot on its way is in doubt until it was asked for, first where it comes from', () => {
    const onItsWay = at('0-8191 [7->-bb]', '8192-16383 [7-<-aa]');
    expect(onItsWay.doubtfulSince(calm, false)).toEqual([7]);
    expect(onItsWay.doubtfulSince(onItsWay, false)).toEqual([7]);
    expect(onItsWay.holdersOf(7)).toEqual(servers);
    expect(onItsWay.doubtfulSince(onItsWay, true)).toEqual([]);
  });

  it('when it has arrived it is in doubt no more; when it went back it is', () => {
    const onItsWay = at('0-8191 [7->-bb]', '8192-16383 [7-<-aa]');
    expect(at('0-6 8-8191', '7 8192-16383').doubtfulSince(onItsWay, true)).toEqual([]);
    expect(calm.doubtfulSince(onItsWay, true)).toEqual([7]);
  });

  it('a slot that nobody has is told', () => {
    expect([calm.isWhole, at('0-8191', '8193-16383').isWhole, at('0-8191', '8193-16383 [8192-<-cc]').isWhole]).toEqual([true, false, true]);
  });
});
