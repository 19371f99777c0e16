import { backend, namespace, ownServer } from '@sessile/testkit';
import { describeOutages, opened, type Way } from '@sessile/testkit/outages';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore } from './fixtures/open-store.js';

const OWN: Way = {
  title: 'connections of its own',
  open: async (url, name, timeoutMs) => opened([openStore(url, name, timeoutMs), openStore(url, name, timeoutMs)]),
};

await describeOutages({
  title: 'MemcachedStore',
  backend: 'memcached',
  keeps: false,
  ways: [OWN],
  module: new URL('fixtures/open-store.js', import.meta.url),
});

const memcached = await backend('memcached');

describe.skipIf(memcached.skip !== undefined)('MemcachedStore in outages of its own kind', () => {
  it('a server that is full evicts: a session that is gone is a plain miss, and nothing is an error', async () => {
    const server = await ownServer('memcached', { args: ['-m', '8'] });
    if (server.skip !== undefined) throw new Error(server.skip);
    onTestFinished(() => server.stop());
    const store = openStore(server.url, namespace(), 5000);
    onTestFinished(() => store.close());
    const text = 'x'.repeat(5000);
    const sids = Array.from({ length: 4000 }, (_, n) => `s${n}`);
    for (let at = 0; at < sids.length; at += 200) await Promise.all(sids.slice(at, at + 200).map((sid) => store.set(sid, { sid, text })));
    const found = await Promise.all(sids.map((sid) => store.get(sid)));
    const kept = found.filter((session) => session !== null).length;
    expect(kept).toBeGreaterThan(500);
    expect(kept).toBeLessThan(4000);
    for (const [n, session] of found.entries()) if (session !== null) expect(session).toEqual({ sid: sids[n], text });
    // The last to come is there, and what is gone is gone for every method.
    expect(found.at(-1)).not.toBeNull();
    const gone = sids[found.indexOf(null)]!;
    expect([await store.touch(gone), await store.update(gone, () => undefined)]).toEqual([false, null]);
    await store.destroy(gone);
    expect(await store.length()).toBe(kept);
  });
});
