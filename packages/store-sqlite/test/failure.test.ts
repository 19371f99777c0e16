import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from '@sessile/store-sqlite';
import { describeOutages, opened, type Outage, READS, type Way } from '@sessile/testkit/outages';
import Database from 'better-sqlite3';
import { afterAll, expect } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'sessile-sqlite-failure-'));
const disk = join(folder, 'disk');
mkdirSync(disk);
const isMounted = mount();

afterAll(() => {
  if (isMounted) execFileSync('umount', ['-l', disk]);
  rmSync(folder, { recursive: true, force: true });
});

/** A small disk, where this user may mount one. */
function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const fileOf = (name: string) => join(isMounted ? disk : folder, `${name}.sqlite`);

/** Two of them on one file, as in two processes. */
const FILE: Way = {
  title: 'a file of its own',
  async open(_url, name, timeoutMs) {
    const options = { file: fileOf(name), timeoutMs, pruneEveryMs: false as const };
    return opened([new SqliteStore(options), new SqliteStore(options)], () => remove(name));
  },
};

const handles = new Map<string, Database.Database>();

const HANDLE: Way = {
  title: "a handle of the caller's",
  async open(_url, name, timeoutMs) {
    const database = new Database(fileOf(name), { timeout: 0 });
    handles.set(name, database);
    return opened([new SqliteStore({ database, timeoutMs, pruneEveryMs: false })], () => {
      database.close();
      remove(name);
    });
  },
};

function remove(name: string): void {
  for (const ending of ['', '-wal', '-shm']) rmSync(`${fileOf(name)}${ending}`, { force: true });
}

/** Another process at the same file. */
function other(name: string): Database.Database {
  return new Database(fileOf(name), { timeout: 1000 });
}

/** A write on another connection, and another one that mends it. */
const sql =
  (begin: string, end: string): Outage['begin'] =>
  (_site, { name }) => {
    const database = other(name);
    database.exec(begin);
    return async () => {
      database.exec(end);
      database.close();
    };
  };

const OUTAGES: readonly Outage[] = [
  {
    title: 'is locked by another process',
    codes: ['ERR_STORE_TIMEOUT'],
    works: READS,
    // They wait for what was asked before, which is a write that waits.
    either: ['ids', 'length', 'entries'],
    begin: sql('BEGIN IMMEDIATE', 'COMMIT'),
  },
  {
    title: 'has lost the table',
    codes: ['ERR_STORE_SCHEMA'],
    works: ['ping'],
    everyWay: true,
    begin: sql('ALTER TABLE sessile_sessions RENAME TO away', 'ALTER TABLE away RENAME TO sessile_sessions'),
  },
];

/** What only the holder of a handle can do to it. */
const READ_ONLY: Outage = {
  title: 'may only be read',
  codes: ['ERR_STORE_DENIED'],
  works: READS,
  begin(_site, { name }) {
    handles.get(name)?.pragma('query_only = on');
    return async () => handles.get(name)?.pragma('query_only = off');
  },
};

/** A save that fits into what the file has already may still be made. */
const FULL: Outage = {
  title: 'is on a disk that is full',
  codes: ['ERR_STORE_BACKEND'],
  works: READS,
  either: ['get and extend', 'set new', 'set many', 'set loaded', 'touch', 'update', 'destroy'],
  begin() {
    const filler = join(disk, 'filler');
    for (let bytes = 1024 * 1024; bytes >= 1024;) {
      try {
        writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' });
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
        bytes /= 4;
      }
    }
    return async () => rmSync(filler);
  },
};

await describeOutages({ title: 'SqliteStore', keeps: true, ways: [FILE, HANDLE], outages: isMounted ? [...OUTAGES, FULL] : OUTAGES });
await describeOutages({ title: 'SqliteStore', keeps: true, ways: [HANDLE], outages: [READ_ONLY] });
