import { join } from 'node:path';
import { namespace } from '@sessile/testkit';
import Database from 'better-sqlite3';
import sqliteStore from 'better-sqlite3-session-store';
import session from 'express-session';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { all, folder, json, sessile, sqlite } from './kit.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function newFile(): { file: string; database: Database.Database } {
  const file = join(folder, `${namespace()}.db`);
  const database = new Database(file);
  onTestFinished(() => void database.close());
  return { file, database };
}

/** The library itself, with a clock that never fires. */
function betterStore(database: Database.Database): session.Store {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const Store = sqliteStore(session);
  const store = new Store({ client: database, expired: { clear: true, intervalMs: 900_000 } });
  vi.useRealTimers();
  return store as session.Store;
}

const save = (store: session.Store, sid: string, data: object) =>
  new Promise<void>((resolve, reject) =>
    store.set(sid, data as session.SessionData, (error) => (error ? reject(error as Error) : resolve())),
  );

/**
 * The statements of connect-sqlite3 0.9.18 (lib/connect-sqlite3.js), whose sqlite3 would have to be compiled: its table, and what
 * `set` writes, an end in ms since 1970 and the session as JSON.
 */
function connectSqlite3(database: Database.Database, table = 'sessions') {
  database.exec(`CREATE TABLE IF NOT EXISTS ${table} (sid PRIMARY KEY, expired, sess)`);
  return (sid: string, data: object, maxAge: number | null) =>
    database
      .prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?)`)
      .run(sid, maxAge ? Date.now() + maxAge : Date.now() + DAY_MS, JSON.stringify(data));
}

describe('the table of better-sqlite3-session-store', () => {
  it('is known by its columns, and copied with what is left', async () => {
    const { file, database } = newFile();
    const store = betterStore(database);
    await save(store, 'a', { cookie: { maxAge: HOUR_MS }, user: 'ann' });
    await save(store, 'b', { cookie: {}, user: 'bob' });
    database.prepare('INSERT INTO sessions VALUES (?, ?, ?)').run('expired', '{}', new Date(Date.now() - 1000).toISOString());
    const to = sqlite.url();
    expect(await json('copy', `sqlite:${file}`, to)).toMatchObject({ put: 2, read: 2 });
    const copied = await all(to);
    expect(JSON.parse(copied.get('a')?.payload ?? '')).toMatchObject({ user: 'ann' });
    const left = (id: string) => (copied.get(id)?.expiresAt ?? 0) - Date.now();
    expect(Math.abs(left('a') - HOUR_MS)).toBeLessThan(10_000);
    expect(Math.abs(left('b') - DAY_MS)).toBeLessThan(10_000);
  });

  it('is listed and counted, and not written to', async () => {
    const { file, database } = newFile();
    await save(betterStore(database), 'a', { cookie: {}, user: { id: 42 } });
    const url = `sqlite:${file}?format=better-sqlite3-session-store`;
    expect(await json('count', url, '--match', 'user.id=42')).toMatchObject({ count: 1 });
    expect((await sessile('ls', url)).stdout).toMatch(/cookie user$/m);
    for (const command of [
      ['revoke', url, 'a'],
      ['clear', url, '--yes'],
      ['prune', url],
      ['copy', sqlite.url(), url],
    ])
      expect(await sessile(...command)).toMatchObject({ code: command[0] === 'copy' ? 1 : 2 });
    expect(database.prepare('SELECT count(*) FROM sessions').pluck().get()).toBe(1);
  });
});

describe('the table of connect-sqlite3', () => {
  it('is known by its columns, and copied with what is left, a thousand rows too', async () => {
    const { file, database } = newFile();
    const set = connectSqlite3(database);
    database.transaction(() => {
      for (let n = 0; n < 1000; n += 1) set(`sid-${n}`, { n }, n % 2 === 0 ? (n + 1) * HOUR_MS : null);
    })();
    set('expired', {}, -1);
    const to = sqlite.url();
    expect(await json('copy', `sqlite:${file}`, to)).toMatchObject({ put: 1000 });
    const copied = await all(to);
    for (const [n, ms] of [
      [0, HOUR_MS],
      [1, DAY_MS],
      [998, 999 * HOUR_MS],
    ] as const) {
      expect(JSON.parse(copied.get(`sid-${n}`)?.payload ?? '')).toEqual({ n });
      expect(Math.abs((copied.get(`sid-${n}`)?.expiresAt ?? 0) - Date.now() - ms)).toBeLessThan(10_000);
    }
  });

  it('may have another name', async () => {
    const { file, database } = newFile();
    connectSqlite3(database, 'visitors')('a', {}, HOUR_MS);
    expect(await json('count', `sqlite:${file}?table=visitors`)).toMatchObject({ count: 1 });
  });
});

describe('a file of SQLite', () => {
  it('that is not there is not made by looking', async () => {
    const file = join(folder, `${namespace()}.db`);
    expect(await sessile('ls', `sqlite:${file}`)).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no file') });
    expect(await sessile('copy', `sqlite:${file}`, sqlite.url())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no file'),
    });
  });

  it('of another program is told apart, and gets no table by looking', async () => {
    const { file, database } = newFile();
    database.exec('CREATE TABLE sessions (id TEXT, data BLOB)');
    expect(await sessile('count', `sqlite:${file}`)).toMatchObject({ code: 1, stderr: expect.stringContaining('is none of sessions') });
    expect(await sessile('count', `sqlite:${file}?table=other`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has no table other'),
    });
    expect(await sessile('clear', `sqlite:${file}?table=other`, '--yes')).toMatchObject({ code: 1 });
    expect(database.prepare('SELECT group_concat(name) FROM sqlite_schema').pluck().get()).toBe('sessions');
  });
});
