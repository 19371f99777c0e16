import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '@sessile-example/store-file';
import { defineConformance } from '@sessile/store-conformance';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'sessile-files-'));
const folders = new WeakMap<FileStore, string>();
let made = 0;

afterAll(() => rmSync(root, { recursive: true, force: true }));

function open(folder = join(root, `${(made += 1)}`)): FileStore {
  const store = new FileStore({ folder, pruneEveryMs: false });
  folders.set(store, folder);
  return store;
}

const folderOf = (store: FileStore) => folders.get(store)!;
const fileOf = (store: FileStore, sid: string) => join(folderOf(store), `${createHash('sha256').update(sid).digest('hex')}.session`);

defineConformance(
  { describe, it },
  {
    name: 'FileStore',
    create: () => open(),
    neighbour: () => open(),
    async reopen(store: FileStore) {
      await store.close();
      return open(folderOf(store));
    },
    spoil(store: FileStore, sid, text) {
      const [head] = readFileSync(fileOf(store, sid), 'utf8').split('\n');
      writeFileSync(fileOf(store, sid), `${head}\n${text}`);
    },
    rows: (store: FileStore) => readdirSync(folderOf(store)).filter((name) => name.endsWith('.session')).length,
  },
);

describe('FileStore', () => {
  it('stays in its folder whatever the sid', async () => {
    const store = open();
    for (const sid of ['../../escaped', '/etc/passwd', 'a/b', '..', 'con', 'x'.repeat(1000)]) await store.set(sid, { sid });
    expect(readdirSync(folderOf(store))).toHaveLength(6);
    expect(existsSync(join(root, 'escaped'))).toBe(false);
    expect(await store.get('../../escaped')).toEqual({ sid: '../../escaped' });
  });

  it('a file that a crash left half written is not a session, and is in nobody’s way', async () => {
    const store = open();
    await store.set('s', { n: 1 });
    writeFileSync(join(folderOf(store), 'left-over.tmp'), '{"key":"s","expi');
    expect(await store.get('s')).toEqual({ n: 1 });
    expect(await store.length()).toBe(1);
  });

  it('a damaged file is one error, ends no walk, and can be destroyed', async () => {
    const store = open();
    await store.set('good', { n: 1 });
    await store.set('bad', { n: 2 });
    writeFileSync(fileOf(store, 'bad'), 'no head line');
    await expect(store.get('bad')).rejects.toMatchObject({ code: 'ERR_STORE_DECODE' });
    expect(await store.all()).toEqual({ good: { n: 1 } });
    await store.destroy('bad');
    expect(await store.get('bad')).toBeNull();
  });
});
