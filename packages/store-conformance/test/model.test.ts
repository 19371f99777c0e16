import { describe, expect, it } from 'vitest';
import { modelChecks, runConformance } from '@sessile/store-conformance';
import { linearise } from '../src/model/linearise.js';
import { type Call, next, type Operation, type State } from '../src/model/reference.js';
import { ReferenceStore, type Row } from './reference-store.js';
import { targetOf } from './reference-target.js';

const ENDS = { first: 60_000, last: 60_002 };
const live = (data: object): State => ({ data, ...ENDS });

/** A call that was under way between two events. */
function call(begun: number, ended: number, operation: Operation, value?: unknown): Call {
  const ends = operation.op === 'put' || operation.op === 'touch' ? { ends: ENDS } : {};
  return { sid: 'a', operation, answer: { value }, askedAt: 1, answeredAt: 2, begun, ended, ...ends };
}

const put = (data: object): Operation => ({ op: 'put', data, lifeMs: 60_000 });
const get: Operation = { op: 'get' };
const destroy: Operation = { op: 'destroy' };
const count: Operation = { op: 'count' };
const fits = (...calls: Call[]): boolean => linearise([null], calls).explained;

describe('linearise', () => {
  it('takes calls that came one after the other for what they are', () => {
    expect(fits(call(1, 2, put({ n: 1 })), call(3, 4, get, { n: 1 }))).toBe(true);
    expect(fits(call(1, 2, put({ n: 1 })), call(3, 4, get, null))).toBe(false);
  });

  it('lets a get that is under way beside a set see it, or not', () => {
    expect(fits(call(1, 4, put({ n: 1 })), call(2, 3, get, { n: 1 }))).toBe(true);
    expect(fits(call(1, 4, put({ n: 1 })), call(2, 3, get, null))).toBe(true);
    expect(fits(call(1, 4, put({ n: 1 })), call(2, 3, get, { n: 2 }))).toBe(false);
  });

  it('lets nobody read backwards in time', () => {
    const set = call(1, 10, put({ n: 1 }));
    expect(fits(set, call(2, 3, get, null), call(4, 5, get, { n: 1 }))).toBe(true);
    expect(fits(set, call(2, 3, get, { n: 1 }), call(4, 5, get, null))).toBe(false);
  });

  it('finds the one order that explains three sets', () => {
    const sets = [1, 2, 3].map((n) => call(n, 10 + n, put({ n })));
    for (const n of [1, 2, 3]) expect(fits(...sets, call(20, 21, get, { n }))).toBe(true);
    expect(fits(...sets, call(20, 21, get, { n: 1 }), call(22, 23, get, { n: 2 }))).toBe(false);
  });

  it('sees an increment that was lost', () => {
    const start = call(1, 2, put({ n: 0 }));
    const counts = (one: number, two: number): Call[] => [call(3, 6, count, { n: one }), call(4, 5, count, { n: two })];
    expect(fits(start, ...counts(1, 2), call(7, 8, get, { n: 2 }))).toBe(true);
    expect(fits(start, ...counts(2, 1), call(7, 8, get, { n: 2 }))).toBe(true);
    expect(fits(start, ...counts(1, 1), call(7, 8, get, { n: 1 }))).toBe(false);
  });

  it('sees what came back after it was destroyed', () => {
    const save: Operation = { op: 'save', patch: [['k', 1]] };
    const before = [call(1, 2, put({})), call(3, 6, destroy), call(4, 5, save)];
    expect(fits(...before, call(7, 8, get, null))).toBe(true);
    expect(fits(...before, call(7, 8, get, { k: 1 }))).toBe(false);
  });

  it('tells how far an order goes', () => {
    const wrong = call(3, 4, get, { n: 2 });
    const { order } = linearise([null], [call(1, 2, put({ n: 1 })), wrong]);
    expect(order).toHaveLength(1);
    expect(order).not.toContain(wrong);
  });

  it('judges ten sets and gets at the same time in no time', () => {
    const sets = Array.from({ length: 10 }, (_, n) => call(n + 1, 100 + n, put({ n })));
    const startedAt = performance.now();
    expect(fits(...sets, call(200, 201, get, { n: 99 }))).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });
});

describe('the reference', () => {
  it('counts a session that may have ended as both', () => {
    const at = (askedAt: number, answeredAt: number, value: unknown): Call => ({ ...call(1, 2, get, value), askedAt, answeredAt });
    const state = live({});
    expect(next(state, at(1, 59_999, null))).toEqual([]);
    expect(next(state, at(1, 60_000, null))).toEqual([null]);
    expect(next(state, at(60_002, 60_003, {}))).toEqual([state]);
    expect(next(state, at(60_003, 60_004, {}))).toEqual([]);
  });

  it('lets a store refuse what it may refuse, and change nothing by it', () => {
    const refused = { ...call(1, 2, put({})), answer: { error: new Error('no NUL here') } };
    expect(next(live({ n: 1 }), refused)).toEqual([]);
    expect(next(live({ n: 1 }), { ...refused, refusable: true })).toEqual([live({ n: 1 })]);
  });

  it('keeps __proto__ as data', () => {
    const [after] = next(live({}), call(1, 2, { op: 'save', patch: [['__proto__', 1]] }));
    expect(JSON.stringify(after?.data)).toBe('{"__proto__":1}');
  });
});

class Forgetful extends ReferenceStore {
  override row(sid: string): Row | undefined {
    const row = super.row(sid);
    if (row?.text.includes('"$set"')) this.rows.delete(sid);
    return row;
  }
}

describe('a failure of a random history', () => {
  it('shows the shortest history, one line per call, and the seed that makes it again', async () => {
    const find = async (seed: number): Promise<string> => {
      const checks = modelChecks(0.2).filter(({ id }) => id === 'MDL-1');
      const { results } = await runConformance(targetOf('a forgetful store', Forgetful), { checks, only: [], seed });
      return results[0]?.failure?.message ?? '';
    };
    const said = await find(7);
    const lines = said.split('\n').filter((line) => /^ {4}\d+\. /.test(line));
    expect(lines[0]).toMatch(/1\. set\("\w+", \{"\$set":.*\}, \d+ ms\) -> ok/);
    expect(lines.length).toBeLessThan(16);
    expect(said).toContain('SESSILE_SEED=7');
    expect(await find(7)).toBe(said);
  });
});
