import { SessionStore } from '@sessile/core';
import { MemoryDriver, MemoryStore, type MemoryStoreOptions } from '@sessile/store-memory';
import { describe, expect, it } from 'vitest';

describe('MemoryStore', () => {
  it('holds maxEntries at most: the one that was used least recently goes, and evict says which', async () => {
    await using store = new MemoryStore({ maxEntries: 3 });
    const evicted: string[] = [];
    store.on('evict', (id: string) => evicted.push(id));
    for (const sid of ['a', 'b', 'c']) await store.set(sid, { sid });
    await store.get('a');
    await store.set('d', {});
    expect(evicted).toEqual(['b']);
    expect(await store.ids()).toEqual(expect.arrayContaining(['a', 'c', 'd']));
    expect(await store.length()).toBe(3);
  });

  it('holds maxBytes at most', async () => {
    await using store = new MemoryStore({ maxBytes: 100_000 });
    for (let n = 0; n < 300; n += 1) await store.set(`s${n}`, { text: 'x'.repeat(1000) });
    const length = await store.length();
    expect(length).toBeGreaterThan(60);
    expect(length).toBeLessThan(100);
    expect(await store.get('s299')).not.toBeNull();
    expect(await store.get('s0')).toBeNull();
  });

  it('counts a text with wide letters as twice as large, as it is in memory', async () => {
    const held = async (letter: string) => {
      await using store = new MemoryStore({ maxBytes: 100_000 });
      for (let n = 0; n < 300; n += 1) await store.set(`s${n}`, { text: letter.repeat(1000) });
      return store.length();
    };
    expect(await held('€')).toBeLessThan((await held('x')) * 0.65);
  });

  it('evict tells of no session that had expired anyway', async () => {
    await using store = new MemoryStore({ maxEntries: 1 });
    const evicted: string[] = [];
    store.on('evict', (id: string) => evicted.push(id));
    await store.set('a', {}, 20);
    await expect.poll(() => store.get('a')).toBeNull();
    await store.set('b', {});
    expect(evicted).toEqual([]);
  });

  it('a session larger than maxBytes is an error, and what was stored stays', async () => {
    await using store = new MemoryStore({ maxBytes: 5000 });
    await store.set('s', { n: 1 });
    await expect(store.set('s', { text: 'x'.repeat(10_000) })).rejects.toMatchObject({ code: 'ERR_STORE_PAYLOAD_TOO_LARGE' });
    expect(await store.get('s')).toEqual({ n: 1 });
  });

  it('removes what has expired by itself, without being asked for it', async () => {
    const driver = new MemoryDriver();
    let removed = 0;
    const prune = driver.prune.bind(driver);
    driver.prune = async () => {
      const count = await prune();
      removed += count;
      return count;
    };
    await using store = new SessionStore(driver, { pruneEveryMs: 20 });
    for (let n = 0; n < 50; n += 1) await store.set(`s${n}`, {}, 30);
    await store.set('stays', {});
    await expect.poll(() => removed).toBe(50);
    expect(await store.ids()).toEqual(['stays']);
  });

  it.each([{ maxEntries: 0 }, { maxEntries: 1.5 }, { maxBytes: -1 }, { max: 5 }])('refuses the options %j', (options) => {
    expect(() => new MemoryStore(options as MemoryStoreOptions)).toThrow(expect.objectContaining({ code: 'ERR_STORE_INVALID_OPTION' }));
  });
});

it('counts the letters of Latin-1 as one byte, as they are in memory', async () => {
  const held = async (letter: string) => {
    await using store = new MemoryStore({ maxBytes: 100_000 });
    for (let n = 0; n < 300; n += 1) await store.set(`s${n}`, { text: letter.repeat(1000) });
    return store.length();
  };
  expect(await held('é')).toBe(await held('x'));
});
