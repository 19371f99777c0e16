import { describe, expect, it } from 'vitest';
import { type Check, checks, ConformanceFailure, defineConformance, runConformance } from '@sessile/store-conformance';
import { ReferenceStore } from './reference-store.js';

const target = { name: 'a store', create: () => Object.assign(new ReferenceStore(), { ping: undefined }) };

function check(id: string, more: Partial<Check> = {}): Check {
  const texts = { title: 'the rule', why: 'because of this', mend: 'do that' };
  return { id, level: 'MUST', since: '0.1', ...texts, run: async () => undefined, ...more };
}

const fails = check('GET-1', { run: async () => Promise.reject(new Error('no such luck')) });

async function only(one: Check, known: Record<string, string> = {}) {
  const report = await runConformance({ ...target, known }, { checks: [one], limitMs: 200 });
  return { report, result: report.results[0] };
}

describe('runConformance', () => {
  it('reports what passes and what fails', async () => {
    const { report, result } = await only(check('GET-1'));
    expect([result?.status, report.ok, report.counts.pass]).toEqual(['pass', true, 1]);
    const bad = await only(fails);
    expect([bad.result?.status, bad.report.ok]).toEqual(['fail', false]);
  });

  it('says in a failure what the rule is, what was seen, and what to do', async () => {
    const { failure } = (await only(fails)).result ?? {};
    expect(failure).toBeInstanceOf(ConformanceFailure);
    for (const part of [
      'GET-1 (MUST, since 0.1): the rule',
      'no such luck',
      'because of this',
      'do that',
      'contract.md#get-1',
      'SESSILE_ONLY=GET-1',
    ]) {
      expect(failure?.message).toContain(part);
    }
  });

  it('skips with a reason what the store or the target cannot be asked', async () => {
    expect((await only(check('GET-1', { needs: ['spoil'] }))).result?.reason).toBe('the target has no "spoil"');
    expect((await only(check('GET-1', { needs: ['module'] }))).result?.reason).toBe('the target has no "module"');
  });

  it('takes a known failure for known, and one that passes for stale', async () => {
    const known = { 'GET-1': 'the backend cannot' };
    const { report, result } = await only(fails, known);
    expect([result?.status, result?.reason, report.ok]).toEqual(['known', 'the backend cannot', true]);
    const stale = await only(check('GET-1'), known);
    expect([stale.result?.status, stale.report.ok]).toEqual(['stale', false]);
  });

  it('takes a check that hangs for a failure', async () => {
    const { result } = await only(check('GET-1', { run: () => new Promise(() => undefined) }));
    expect(result?.failure?.message).toContain('did not settle within 200 ms');
  });

  it('takes an error that reached nobody for a failure', async () => {
    const stray = check('GET-1', { run: async () => void Promise.reject(new Error('a stray')) });
    expect((await only(stray)).result?.failure?.message).toContain('a stray');
  });

  it('runs by id, by rule and by group', async () => {
    const ids = async (name: string): Promise<string[]> => (await runConformance(target, { only: [name] })).results.map(({ id }) => id);
    expect(await ids('GET-2.a')).toEqual(['GET-2.a']);
    expect(await ids('GET-2')).toEqual(['GET-2', 'GET-2.a']);
    expect(await ids('LEN')).toEqual(['LEN-1', 'LEN-2']);
    await expect(ids('NIL')).rejects.toThrow('no check is called NIL');
  });

  it('waits for timed checks side by side', async () => {
    const slow = (id: string): Check => check(id, { timed: true, run: (t) => t.clock.pass(300) });
    const startedAt = performance.now();
    await runConformance(target, { checks: Array.from({ length: 20 }, (_, i) => slow(`TTL-${i}`)) });
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });

  it('moves the clock of a target that can', async () => {
    let movedMs = 0;
    const advance = (_: object, ms: number): void => void (movedMs += ms);
    const wait = check('TTL-1', { timed: true, run: (t) => t.clock.pass(86_400_000) });
    await runConformance({ ...target, advance }, { checks: [wait] });
    expect(movedMs).toBe(86_400_000);
  });
});

describe('defineConformance', () => {
  it('defines a test for each check, which fails as the check does', async () => {
    const defined = new Map<string, () => Promise<void>>();
    const runner = {
      describe: (_: string, body: () => void) => body(),
      it: (title: string, body: () => Promise<void>) => void defined.set(title, body),
    };
    defineConformance(runner, target, { checks: [check('GET-1', { needs: ['spoil'] }), { ...fails, id: 'GET-2' }] });
    expect([...defined.keys()]).toEqual(['GET-1 the rule', 'GET-2 the rule']);
    await expect(defined.get('GET-1 the rule')?.()).resolves.toBeUndefined();
    await expect(defined.get('GET-2 the rule')?.()).rejects.toBeInstanceOf(ConformanceFailure);
  });

  it('defines every check when none is chosen', () => {
    const titles: string[] = [];
    defineConformance({ describe: (_, body) => body(), it: (title) => titles.push(title) }, target);
    expect(titles).toHaveLength(checks.length);
  });
});
