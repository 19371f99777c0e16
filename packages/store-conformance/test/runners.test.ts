import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));

/** Runs a command of Node's, as a test script does; its colours and the marks of our own runner are taken away. */
function run(args: readonly string[]): Promise<{ code: number; output: string }> {
  const marks = new Set(['NODE_TEST_CONTEXT', 'VITEST', 'FORCE_COLOR', 'SESSILE_ONLY', 'JEST_WORKER_ID', 'NODE_ENV', 'NODE_OPTIONS']);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !marks.has(name)));
  const options = { cwd: fixtures, env: { ...env, NO_COLOR: '1' }, maxBuffer: 1e8 };
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
}

/** The command of a package, as a dependency of ours finds it. */
function binOf(name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const { bin }: { bin: string | Record<string, string> } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(dirname(manifest), typeof bin === 'string' ? bin : (bin[name] ?? ''));
}

/** What each runner must tell of a check that failed. */
const FAILURE = [
  'DEL-4 (MUST, since 0.1): a session destroyed while a request was in flight stays gone when that request saves it',
  'contract.md#del-4',
  'SESSILE_ONLY=DEL-4 before your test command',
];

describe('defineConformance runs under', { timeout: 120_000 }, () => {
  it('node:test', async () => {
    const { code, output } = await run(['--test', '--test-reporter=tap', 'runner.node.mjs']);
    expect(code).toBe(1);
    for (const part of FAILURE) expect(output).toContain(part);
    expect(output).toMatch(/^ +ok \d+ - GET-1 a sid/m);
    expect(output).toMatch(/^ +not ok \d+ - DEL-4 /m);
    expect(output).toMatch(/^ +ok \d+ - ERR-2 .* # SKIP skip: the target has no "disrupt"/m);
    expect(output.match(/^ +not ok \d+ - [A-Z]+-/gm)).toHaveLength(1);
  });

  it('mocha', async () => {
    const { code, output } = await run([binOf('mocha'), '--reporter', 'json', 'runner.mocha.mjs']);
    const { stats, failures, pending } = JSON.parse(output.slice(output.indexOf('{')));
    expect([code, stats.failures, failures[0].title]).toEqual([1, 1, expect.stringMatching(/^DEL-4 /)]);
    for (const part of FAILURE) expect(failures[0].err.message).toContain(part);
    expect(pending.map(({ title }: { title: string }) => title.split(' ')[0])).toEqual(['ERR-2', 'DEL-4.a', 'LEN-1']);
  });

  it('jest', async () => {
    const config = JSON.stringify({ rootDir: fixtures, testMatch: ['**/runner.jest.mjs'], transform: {}, cache: false });
    const jest = [binOf('jest'), '--config', config, '--verbose', '--runInBand'];
    const { code, output } = await run(['--experimental-vm-modules', '--no-warnings', ...jest]);
    expect(code).toBe(1);
    for (const part of FAILURE) expect(output).toContain(part);
    expect(output).toMatch(/✓ GET-1 a sid/);
    expect(output).toMatch(/✕ DEL-4 /);
    expect(output).toMatch(/Tests: +1 failed, \d+ passed/);
    expect(output).toMatch(/good: 1 check counts as passed and was not run:\n {2}ERR-2 skip: the target has no "disrupt"/);
    expect(output).toMatch(/bad: 2 checks count as passed and were not run:/);
  });
});
