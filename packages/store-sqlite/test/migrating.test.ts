import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SqliteStore } from '@sessile/store-sqlite';
import { assertHandover, codeOf, type Side } from '@sessile/testkit';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { betterSqlite3Store, closeConnectSqlite3, connectSqlite3, whyNoConnectSqlite3 } from './fixtures/peers.js';

const run = promisify(execFile);

/** A folder as that of a site: `sessions.db` is the peer's file, `sessions.sqlite` ours. */
function siteFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sessile-migrating-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a program of a page in the folder of a site. */
async function runFrom(page: string, containing: string, cwd: string): Promise<string> {
  const { stdout } = await run(process.execPath, [codeOf(`docs/migrating/${page}.md`, containing)], { cwd });
  return stdout;
}

function open(folder: string): SqliteStore {
  const store = new SqliteStore({ file: join(folder, 'sessions.sqlite'), pruneEveryMs: false });
  onTestFinished(() => store.close());
  return store;
}

/** What a table says is left of a session, read as another program would. */
function leftIn(file: string, column: string, table: string, key: string): Side['left'] {
  return (sid) => {
    using database = disposable(new Database(file, { readonly: true }));
    const end = database.prepare(`SELECT ${column} FROM ${table} WHERE ${key} = ?`).pluck().get(sid) as number | string;
    return new Date(end).getTime() - Date.now();
  };
}

function disposable(database: Database.Database): Database.Database & Disposable {
  return Object.assign(database, { [Symbol.dispose]: () => void database.close() });
}

const leftOfOurs = (folder: string) => leftIn(join(folder, 'sessions.sqlite'), 'expires_at', 'sessile_sessions', 'key');

interface Peer {
  readonly page: string;
  readonly column: string;
  readonly open: (folder: string) => Promise<{ store: unknown; close(): Promise<void> }>;
}

const betterSqlite3SessionStore: Peer = {
  page: 'from-better-sqlite3-session-store',
  column: 'expire',
  async open(folder) {
    const store = betterSqlite3Store(join(folder, 'sessions.db'));
    return { store, close: async () => void (store as any).client.close() };
  },
};

const connectSqlite3Store: Peer = {
  page: 'from-connect-sqlite3',
  column: 'expired',
  async open(folder) {
    const store = await connectSqlite3(folder, 'sessions.db');
    return { store, close: () => closeConnectSqlite3(store) };
  },
};

/** Everybody stays logged in, for as long as before: there, and back again. */
async function assertCopies({ page, column, open: openPeer }: Peer): Promise<void> {
  const folder = siteFolder();
  const left = leftIn(join(folder, 'sessions.db'), column, 'sessions', 'sid');
  const before = await openPeer(folder);
  const ours = { store: open(folder), left: leftOfOurs(folder) };
  await assertHandover({ store: before.store, left }, ours, { carry: () => runFrom(page, "'SELECT sid,", folder) });
  await before.close();
  const after = await openPeer(folder);
  await assertHandover(ours, { store: after.store, left }, { carry: () => runFrom(page, 'INSERT OR REPLACE', folder) });
  await after.close();
}

describe('a site on better-sqlite3-session-store', () => {
  it('moves to SqliteStore by the program of its page, and back', () => assertCopies(betterSqlite3SessionStore));
});

describe('a site on connect-sqlite3', () => {
  it('moves to SqliteStore by the program of its page, and back', async ({ skip }) => {
    const reason = whyNoConnectSqlite3();
    if (reason !== undefined) skip(reason);
    await assertCopies(connectSqlite3Store);
  });

  it('whose file connect-sqlite3 0.9.18 wrote is read by the program of its page: expired sessions are left out', async () => {
    const folder = siteFolder();
    copyFileSync(fileURLToPath(new URL('fixtures/connect-sqlite3.db', import.meta.url)), join(folder, 'sessions.db'));
    expect(await runFrom('from-connect-sqlite3', "'SELECT sid,", folder)).toBe('2 sessions\n');
    const sessions = await open(folder).all();
    expect(sessions).toMatchObject({
      'until 2100': { user: 'ada', text: 'é😀', cookie: { originalMaxAge: 60_000 } },
      'touched until 2100': { user: 'bob', cookie: { originalMaxAge: 60_000 } },
    });
    // The column tells the end, not the text: connect-sqlite3's touch moves only that.
    for (const { cookie } of Object.values(sessions)) expect(cookie.expires).toMatch(/^2100-01-01T00:00:0/);
  });
});
