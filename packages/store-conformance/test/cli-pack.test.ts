import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const packages = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sessile-kit-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, args: readonly string[], cwd = folder): Promise<{ code: number; stdout: string; stderr: string }> {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, SESSILE_ONLY: ___, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

/** A package as npm would publish it. */
async function pack(name: string): Promise<string> {
  const { stdout, stderr } = await run('npm', ['pack', '--json', '--pack-destination', folder], join(packages, name));
  const packed: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
  const [first] = Array.isArray(packed) ? packed : Object.values(packed as object);
  expect(first, stderr).toBeDefined();
  return join(folder, (first as { filename: string }).filename);
}

/** What somebody writes who has never seen this repository. */
const STORE = `
export class TheirStore {
  rows = new Map();
  async get(key) { return this.rows.has(key) ? JSON.parse(this.rows.get(key)) : null; }
  async set(key, session) { this.rows.set(key, JSON.stringify(session)); }
  async destroy(key) { this.rows.delete(key); }
}
export const target = { name: 'TheirStore', create: () => new TheirStore(), known: { 'TTL-1': 'on the list' } };
export default target;`;
const PROGRAM = `
import { jsonReport, runConformance } from '@sessile/store-conformance';
import target from './target.js';
process.stdout.write(jsonReport(await runConformance(target, { only: ['GET', 'SET', 'DEL', 'TTL-1'] })));`;
const TEST = `
import { describe, it } from 'node:test';
import { defineConformance } from '@sessile/store-conformance';
import target from './target.js';
defineConformance({ describe, it }, target, { only: ['GET', 'SET', 'DEL', 'TTL-1'] });`;

const EXPECTED = {
  pass: ['GET-1', 'GET-1.a', 'GET-2', 'GET-2.a', 'GET-3', 'SET-1', 'SET-2', 'SET-3', 'SET-4', 'DEL-1', 'DEL-2', 'DEL-5', 'DEL-6'],
  fail: ['DEL-4'],
  known: ['TTL-1'],
  skip: ['DEL-3', 'DEL-4.a', 'GET-1.b', 'GET-4', 'SET-5'],
};

function byStatus(json: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { id, status } of JSON.parse(json).reports[0].results) (found[status] ??= []).push(id);
  return Object.fromEntries(Object.entries(found).map(([status, ids]) => [status, ids.sort()]));
}

const expected = Object.fromEntries(Object.entries(EXPECTED).map(([status, ids]) => [status, [...ids].sort()]));

beforeAll(async () => {
  const tarballs = await Promise.all(['core', 'store-conformance'].map(pack));
  writeFileSync(join(folder, 'package.json'), '{ "name": "third-party", "private": true, "type": "module" }');
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  const { code, stderr } = await run('npm', ['install', ...flags, ...tarballs]);
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  for (const [file, text] of Object.entries({ 'target.js': STORE, 'program.js': PROGRAM, 'their.test.js': TEST }))
    writeFileSync(join(folder, file), text);
}, 240_000);

describe('the packed kit gives the right report', { timeout: 120_000 }, () => {
  it('by its command', async () => {
    const { code, stdout } = await run('npx', [
      '--no',
      '@sessile/store-conformance',
      './target.js',
      '--only',
      'GET,SET,DEL,TTL-1',
      '--json',
      'report.json',
    ]);
    expect(stdout).toContain('FAIL  TheirStore: 1 of 15 checks failed');
    expect(stdout).toContain('npx @sessile/store-conformance ./target.js --only DEL-4');
    expect([code, byStatus(readFileSync(join(folder, 'report.json'), 'utf8'))]).toEqual([1, expected]);
  });

  it('by runConformance', async () => {
    const { stdout } = await run(process.execPath, ['program.js']);
    expect(byStatus(stdout)).toEqual(expected);
  });

  it('by defineConformance under node:test', async () => {
    const { code, stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', 'their.test.js']);
    const lines = [...stdout.matchAll(/^ +(not ok|ok) \d+ - ([A-Z]+-[\w.]+) [^\n]*?(# SKIP (known|skip))?[^\n]*$/gm)];
    const statuses = new Map(
      lines.map(([line, ok, id]) => [id, ok === 'not ok' ? 'fail' : (/# SKIP (known|skip)/.exec(line)?.[1] ?? 'pass')]),
    );
    const found = Object.keys(expected).map((status) => [
      status,
      [...statuses]
        .filter(([, one]) => one === status)
        .map(([id]) => id)
        .sort(),
    ]);
    expect([code, Object.fromEntries(found)]).toEqual([1, expected]);
  });

  it('and starts a new store', async () => {
    expect((await run('npx', ['--no', '@sessile/store-conformance', 'init', 'mine'])).stdout).toContain('./mine/target.js');
    const { code, stdout } = await run('npx', ['--no', '@sessile/store-conformance', './mine/target.js', '--only', 'CB-1,SET-1']);
    expect([code, stdout]).toEqual([1, expect.stringContaining('FAIL  MyStore: 1 of 2 checks failed')]);
  });
});
