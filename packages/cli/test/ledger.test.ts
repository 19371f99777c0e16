import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ofMeaning, ofText } from '../src/copy/fingerprint.js';
import { Ledger } from '../src/copy/ledger.js';
import { folder } from './kit.js';

const newFile = () => join(folder, `${randomUUID()}.state`);

const entry = (n: number) => ({
  fingerprint: ofText(`text ${n}`),
  endsAt: n % 3 === 0 ? Infinity : 1000 + n,
  pass: 1 + (n % 127),
  before: n % 2 === 0 ? ofText(`before ${n}`) : undefined,
});

describe('the ledger of a copy', () => {
  it('knows what was noted, through its growth and another process', () => {
    const file = newFile();
    const ledger = new Ledger(file, 'a to b');
    for (let n = 0; n < 40_000; n += 1) ledger.note(`sid-${n}`, entry(n));
    ledger.note('sid-1', { ...entry(1), endsAt: 7 });
    ledger.begin();
    ledger.close();
    const again = new Ledger(file, 'a to b');
    expect([again.size, again.pass, again.isDone]).toEqual([40_000, 2, false]);
    const wrong = Array.from({ length: 40_000 }, (_, n) => n).filter((n) => n > 1 && !isDeepStrictEqual(again.find(`sid-${n}`), entry(n)));
    expect(wrong).toEqual([]);
    expect(again.find('sid-1')?.endsAt).toBe(7);
    expect(again.find('sid-40000')).toBeUndefined();
    again.close();
    expect(existsSync(`${file}.growing`)).toBe(false);
  });

  it('that is frozen reads its file and writes nothing', () => {
    const file = newFile();
    const ledger = new Ledger(file, 'a to b');
    ledger.note('sid', entry(1));
    ledger.close();
    const { mtimeMs } = statSync(file);
    const frozen = new Ledger(file, 'a to b', true);
    frozen.note('other', entry(2));
    frozen.begin();
    frozen.finish();
    expect([frozen.find('sid'), frozen.find('other')]).toEqual([entry(1), undefined]);
    frozen.close();
    expect(statSync(file).mtimeMs).toBe(mtimeMs);
    const none = newFile();
    new Ledger(none, 'a to b', true).close();
    expect(existsSync(none)).toBe(false);
  });
});

describe('fingerprints', () => {
  it('of the meaning pass over order, spaces and the date of the cookie, and nothing else', () => {
    const one = ofMeaning('{"b":[1,{"x":1,"y":2}],"cookie":{"expires":"2026-01-01T00:00:00.000Z","path":"/"}}');
    expect(ofMeaning('{"cookie": {"path": "/", "expires": "2027-01-01T00:00:00.000Z"}, "b": [1, {"y": 2, "x": 1}]}')).toEqual(one);
    expect(ofMeaning('{"b":[{"x":1,"y":2},1],"cookie":{"expires":"2026-01-01T00:00:00.000Z","path":"/"}}')).not.toEqual(one);
    expect(ofMeaning('{"b":[1,{"x":1,"y":2}],"cookie":{"expires":null,"path":"/"}}')).not.toEqual(one);
    expect(ofMeaning('no JSON')).toEqual(ofText('no JSON'));
    // An object and the list of its entries are not the same.
    expect(ofMeaning('{"a":1}')).not.toEqual(ofMeaning('[["a",1]]'));
  });
});
