import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { runConformance, type Status, type Target } from '@sessile/store-conformance';

const { MemoryStore } = createRequire(import.meta.url)('koa-generic-session');
// It answers at once, which nobody can tell from a callback that is still to come.
const theirs: Target = { name: "koa-generic-session's MemoryStore", kind: 'promise', create: () => new MemoryStore() };

async function statuses(target: Target, only: readonly string[]): Promise<Record<string, Status>> {
  const { results } = await runConformance(target, { only });
  return Object.fromEntries(results.map(({ id, status }) => [id, status]));
}

describe('a store for koa-generic-session', () => {
  it('is judged by what it has: promises, and no more than get, set and destroy', async () => {
    const only = ['SET-1', 'DEL-1', 'GET-2.a', 'SID-4', 'TTL-1', 'TCH-1', 'TTL-6', 'CB-1'];
    expect(await statuses(theirs, only)).toEqual({
      'SET-1': 'pass',
      'DEL-1': 'pass',
      // It keeps live objects in a plain object, and never ends them.
      'GET-2.a': 'fail',
      'SID-4': 'fail',
      'TTL-1': 'fail',
      'TCH-1': 'skip',
      'TTL-6': 'skip',
      'CB-1': 'skip',
    });
  });

  it('is run inside it', async () => {
    const only = ['MID-6.b', 'MID-7.b', 'MID-8.b', 'MID-9.b'];
    expect(await statuses(theirs, only)).toEqual({ 'MID-6.b': 'skip', 'MID-7.b': 'fail', 'MID-8.b': 'pass', 'MID-9.b': 'pass' });
  });

  it('is told how to wrap generator functions', async () => {
    const create = () => ({ *get() {}, *set() {}, *destroy() {} });
    const { results } = await runConformance({ name: 'generators', create }, { only: ['SET-1'] });
    expect(results[0]?.failure?.got).toContain('wrap each one with co.wrap()');
  });
});
