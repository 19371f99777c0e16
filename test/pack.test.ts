import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sessile-pack-'));
const packages = readdirSync(join(root, 'packages')).filter((name) => manifest(name).private !== true);

function manifest(name: string): { name: string; private?: boolean; exports: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
}

/** What a user of each package imports, its subpaths included. */
const imports = packages.flatMap((name) => {
  const { name: published, exports } = manifest(name);
  return Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => published + path.slice(1));
});

async function node(file: string, source: string): Promise<string> {
  writeFileSync(join(folder, file), source);
  const { stdout } = await run(process.execPath, [file], { cwd: folder });
  return stdout;
}

/** Packs every package, and installs the tarballs in an empty folder as a user would. */
async function install(): Promise<void> {
  const tarballs = await Promise.all(
    packages.map(async (name) => {
      const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: join(root, 'packages', name) });
      return join(folder, readPacked(stdout));
    }),
  );
  const peers = ['better-sqlite3@12', 'express-session@1.19', 'koa-session@7', '@fastify/session@11', '@fastify/cookie@11', 'fastify@5'];
  const types = ['@types/koa@2', '@types/express-session@1', '@types/express@5', '@types/node@20', '@types/better-sqlite3@7'];
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true }');
  await run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs, ...peers, ...types], {
    cwd: folder,
  });
  // Compiled already, for this Node: it takes more than a minute.
  cpSync(join(root, 'node_modules/better-sqlite3/build'), join(folder, 'node_modules/better-sqlite3/build'), { recursive: true });
}

function readPacked(stdout: string): string {
  const packed: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
  const [first] = Array.isArray(packed) ? packed : Object.values(packed as object);
  return (first as { filename: string }).filename;
}

beforeAll(install, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const useAll = `
  const { MemoryStore } = memory;
  const { SqliteStore } = sqlite;
  (async () => {
    for (const store of [new MemoryStore(), new SqliteStore({ file: ':memory:' })]) {
      await store.set('sid', { n: 1 });
      const { n } = await store.get('sid');
      console.log(store.traits.name, n, store instanceof core.SessionStore, await store.length());
      await store.close();
    }
  })();`;
const usedAll = 'memory 1 true 1\nsqlite 1 true 1\n';

describe('the packages as they are published', () => {
  it('work from ESM', async () => {
    const source = `import * as core from '@sessile/core'; import * as memory from '@sessile/store-memory'; import * as sqlite from '@sessile/store-sqlite'; ${useAll}`;
    expect(await node('use.mjs', source)).toBe(usedAll);
  });

  it('work from CommonJS by require', async () => {
    const source = `const core = require('@sessile/core'); const memory = require('@sessile/store-memory'); const sqlite = require('@sessile/store-sqlite'); ${useAll}`;
    expect(await node('use.cjs', source)).toBe(usedAll);
  });

  it.each(imports)('%s loads from both', async (path) => {
    expect(
      await node('load.mjs', `import * as all from '${path}'; console.log(Object.keys(all).length > 0 || '${path}'.endsWith('/driver'));`),
    ).toBe('true\n');
    expect(await node('load.cjs', `console.log(typeof require('${path}'));`)).toMatch(/^(object|function)\n$/);
  });

  it('fit the types of express-session, @fastify/session and koa-session', { timeout: 120_000 }, async () => {
    mkdirSync(join(folder, 'types'), { recursive: true });
    writeFileSync(
      join(folder, 'types', 'use.mts'),
      `import session from 'express-session';
import type { FastifySessionOptions, SessionStore as FastifyStore } from '@fastify/session';
import { createSession } from 'koa-session';
import sessileFastify from '@sessile/core/fastify';
import Fastify from 'fastify';
import { type SessionData, SessionStore, type SessionStoreOptions, StoreError } from '@sessile/core';
import type { StoreDriver } from '@sessile/core/driver';
import koaSession, { genericSession } from '@sessile/koa';
import Koa from 'koa';
import { MemoryStore } from '@sessile/store-memory';
import { SqliteStore } from '@sessile/store-sqlite';
import { defineConformance, runConformance } from '@sessile/store-conformance';

const s: session.Store = new SqliteStore();
const m: session.Store = new MemoryStore();
session({ secret: 's', store: new SqliteStore({ ttlMs: 1000 }) });
const f: FastifyStore = new SqliteStore();
const o: FastifySessionOptions = { secret: 's', store: new MemoryStore() };
createSession({ store: new SqliteStore() }, {} as never);
void Fastify().register(sessileFastify);
const found: Promise<SessionData | null> = new SqliteStore().get('sid');
const updated = new SqliteStore().update('sid', (data) => { data.n += 1; });
const options: SessionStoreOptions = { conflicts: 'merge', hashIds: true };
const app = new Koa();
const sessions = koaSession<{ n: number }>({ store: new SqliteStore(), maxAge: 'session' }, app);
app.use(sessions).use(genericSession({ store: new MemoryStore() })).use((ctx) => { sessions.of(ctx).n = 1; ctx.session.maxAge = 5; });
// @ts-expect-error there is no such option
new SqliteStore({ ttl: 3600 });
declare const driver: StoreDriver<string>;
export const store = new SessionStore(driver, options);
if (StoreError.isInstance(s)) console.log(s.code satisfies string);
export { defineConformance, f, found, m, o, runConformance, s, updated };
`,
    );
    writeFileSync(
      join(folder, 'types', 'use.cts'),
      `import session = require('express-session');
import sqlite = require('@sessile/store-sqlite');
const s: session.Store = new sqlite.SqliteStore();
export = s;
`,
    );
    writeFileSync(
      join(folder, 'types', 'express.mts'),
      `import express from 'express';
import session, { type SessionOptions } from '@sessile/express';
import { SqliteStore } from '@sessile/store-sqlite';
declare module '@sessile/express' {
  interface SessionData { user: string }
}
const options: SessionOptions = { secret: ['new', 'old'], store: new SqliteStore(), cookie: { sameSite: 'lax' }, rotate: { everyMs: 1000 } };
const app = express();
const typed = session<{ n: number }>({ secret: 's' });
app.use(session(options), typed).use((req, res) => {
  req.session.user = req.sessionID;
  typed.of(req).n = 1;
  // @ts-expect-error it is a text
  req.session.user = 1;
  void req.session.regenerate().then(() => res.end());
});
// @ts-expect-error there is no such mode
session({ secret: 's', onUnavailable: 'ignore' });
`,
    );
    const config = {
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        strict: true,
        noEmit: true,
        types: ['node'],
      },
      files: ['use.mts', 'use.cts'],
    };
    writeFileSync(join(folder, 'types', 'tsconfig.json'), JSON.stringify(config));
    // By itself: the types of stock express-session say something else of the same request.
    const alone = { ...config, files: ['express.mts'] };
    writeFileSync(join(folder, 'types', 'express.json'), JSON.stringify(alone));
    const tsc = join(root, 'node_modules/.bin/tsc');
    const output = await Promise.all([
      run(tsc, ['-p', join(folder, 'types')], { cwd: folder }),
      run(tsc, ['-p', join(folder, 'types', 'express.json')], { cwd: folder }),
    ]).then(
      (answers) => answers.map(({ stdout }) => stdout).join(''),
      (error: { stdout: string }) => error.stdout,
    );
    // The libraries' own declarations are not what is on trial.
    expect(output.split('\n').filter((line) => /^types\/|sessile/.test(line))).toEqual([]);
  });

  it('give a command line that works in their folder', async () => {
    const bin = join(folder, 'node_modules/.bin/sessile');
    const source = `import { SqliteStore } from '@sessile/store-sqlite';
      const store = new SqliteStore({ file: 'cli.sqlite' });
      await store.set('some-session-id', { user: 'ann' });
      await store.close();`;
    await node('fill.mjs', source);
    expect((await run(bin, ['count', 'sqlite:./cli.sqlite'], { cwd: folder })).stdout).toBe('1\n');
    const missing = await run(bin, ['count', 'redis://localhost'], { cwd: folder }).catch(
      (error: { code: number; stderr: string }) => error,
    );
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/Run: npm install @sessile\/store-redis ioredis\n$/) });
  });

  it('say which package is missing, and how to get it', async () => {
    rmSync(join(folder, 'node_modules/better-sqlite3'), { recursive: true });
    const source = `import { SqliteStore } from '@sessile/store-sqlite';
      new SqliteStore({ file: ':memory:' }).get('s').catch((error) => console.log(error.code, error.message));`;
    expect(await node('missing.mjs', source)).toMatch(/^ERR_STORE_UNSUPPORTED .*npm install better-sqlite3\n$/);
  });
});
