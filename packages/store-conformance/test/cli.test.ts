import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { checks } from '@sessile/store-conformance';

const bin = fileURLToPath(new URL('../bin/store-conformance.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sessile-cli-'));
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.target.js`, import.meta.url));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function cli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const { NO_COLOR: _, FORCE_COLOR: __, ...rest } = process.env;
  const options = { cwd: folder, env: { ...rest, ...env }, maxBuffer: 1e8 };
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

interface Told {
  readonly id: string;
  readonly status: string;
  readonly reason?: string;
  readonly failure?: Record<string, string>;
}

/** Runs a fixture, and reads the report for programs. */
async function check(name: string, ...args: string[]) {
  const { code, stdout, stderr } = await cli([fixture(name), '--json', '-', ...args]);
  const { ok, reports }: { ok: boolean; reports: any[] } = JSON.parse(stdout);
  const results: Told[] = reports[0].results;
  const of = (id: string): Told | undefined => results.find((result) => result.id === id);
  return { code, stderr, ok, reports, results, of, statuses: results.map(({ id, status }) => `${id} ${status}`) };
}

describe('the command line passes', () => {
  it('a store that is right, and says what made the report', { timeout: 60_000 }, async () => {
    const { code, ok, reports, results } = await check('good', '--seed', '7');
    expect([code, ok]).toEqual([0, true]);
    expect(reports[0]).toMatchObject({ target: 'MemoryStore', contract: '0.1', node: process.versions.node, seed: 7 });
    expect(reports[0].kit).toMatch(/^\d+\.\d+\.\d+/);
    expect(Date.parse(reports[0].date)).toBeLessThanOrEqual(Date.now());
    expect(results.map(({ id }) => id)).toEqual(checks.map(({ id }) => id));
    expect(results.find(({ id }) => id === 'LIF-4')?.status).toBe('pass');
    expect(results.find(({ id }) => id === 'ERR-2')).toMatchObject({ status: 'skip', reason: 'the target has no "disrupt"' });
  });
});

describe('the command line goes on with the rest when a store', () => {
  const only = ['--only', 'GET-1,DEL-1,DEL-2,GET-3'];

  it('never answers', async () => {
    const { code, of, statuses } = await check('hangs', ...only, '--limit', '1000');
    expect([code, statuses]).toEqual([1, ['GET-1 pass', 'GET-1.a pass', 'GET-1.b pass', 'GET-3 pass', 'DEL-1 fail', 'DEL-2 fail']]);
    expect(of('DEL-1')?.failure?.['got']).toContain('did not settle within 1000 ms');
  });

  it('calls process.exit()', async () => {
    const { code, of, statuses, stderr } = await check('exits', ...only);
    expect([code, statuses]).toEqual([1, ['GET-1 pass', 'GET-1.a pass', 'GET-1.b pass', 'GET-3 pass', 'DEL-1 fail', 'DEL-2 fail']]);
    expect(of('DEL-2')?.failure?.['got']).toBe('the process ended (exit code 3) during this check; it last wrote: the store gives up');
    expect(stderr).toContain('the store gives up');
  });

  it('throws where nobody catches it', async () => {
    const { code, of, statuses } = await check('throws', '--only', 'GET-1,DEL-2,CB-1');
    expect([code, statuses]).toEqual([1, ['GET-1 pass', 'GET-1.a pass', 'GET-1.b pass', 'DEL-2 fail', 'CB-1 fail']]);
    expect(of('DEL-2')?.failure?.['got']).toContain('thrown where nobody catches it');
  });

  it('throws while checks run side by side: the one that made it throw is found', { timeout: 60_000 }, async () => {
    const { code, of, statuses } = await check('throws-timed', '--only', 'GET-1,TTL-3,TTL-5,TTL-6,PRN-3');
    expect(code).toBe(1);
    expect(statuses).toHaveLength(8);
    expect(of('TTL-5')?.failure?.['got']).toMatch(/exit code 1.*a rejection that nobody handles/s);
    for (const id of ['TTL-3', 'TTL-6', 'PRN-3']) expect(of(id)?.failure?.['got'] ?? '').not.toContain('the process ended');
  });

  it('blocks the event loop', async () => {
    const { code, of, statuses } = await check('blocks', ...only, '--limit', '1000');
    expect([code, statuses]).toEqual([1, ['GET-1 pass', 'GET-1.a pass', 'GET-1.b pass', 'GET-3 pass', 'DEL-1 fail', 'DEL-2 fail']]);
    expect(of('DEL-1')?.failure?.['got']).toContain('blocked the event loop for more than 1 s');
  });

  it('fills the memory', { timeout: 60_000 }, async () => {
    const { code, stdout } = await cli([fixture('fills'), '--only', 'GET-1,DEL-1', '--json', '-'], {
      NODE_OPTIONS: '--max-old-space-size=128',
    });
    const [report] = JSON.parse(stdout).reports;
    expect([code, report.results.map((result: Told) => result.status)]).toEqual([1, ['pass', 'pass', 'pass', 'fail']]);
    expect(report.results[3].failure.got).toMatch(/the process ended .* during this check; it last wrote: FATAL ERROR: .*heap/);
  });
});

describe('the command line', () => {
  it('takes known failures and finds stale ones', async () => {
    const known = await check('exceptions', '--only', 'DEL-4');
    expect([known.code, known.statuses, known.of('DEL-4')?.reason]).toEqual([
      0,
      ['DEL-4 known', 'DEL-4.a skip'],
      'a Map has no compare-and-set',
    ]);
    const stale = await check('exceptions', '--only', 'GET-1');
    expect([stale.code, stale.statuses]).toEqual([1, ['GET-1 stale', 'GET-1.a pass', 'GET-1.b pass']]);
  });

  it('checks several targets, and those that a function makes', async () => {
    const { code, reports } = await check('several', '--only', 'GET-1');
    expect([code, reports.map(({ ok }) => ok)]).toEqual([1, [true, false]]);
  });

  it('says in a failure the command that runs it again', async () => {
    const { of } = await check('exits', '--only', 'DEL-1');
    expect(of('DEL-1')?.failure?.['again']).toBe(`npx @sessile/store-conformance ${fixture('exits')} --only DEL-1`);
    expect(Object.keys(of('DEL-1')?.failure ?? {})).toEqual(['rule', 'step', 'expected', 'got', 'why', 'mend', 'link', 'again']);
  });

  it('chooses by level', async () => {
    const { stdout } = await cli(['--list', '--level', 'must', '--only', 'get-1,GET-2.A']);
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^GET-1 +MUST +a sid/),
      expect.stringMatching(/^GET-2\.a +MUST +gets/),
    ]);
  });

  it('lists every check', async () => {
    const { code, stdout } = await cli(['--list']);
    expect([code, stdout.trim().split('\n').length]).toEqual([0, checks.length]);
  });

  it('explains a check, a rule or a group', async () => {
    const { code, stdout } = await cli(['--explain', 'del-4']);
    expect(code).toBe(0);
    for (const part of ['DEL-4 (MUST, since 0.1): ', 'why: ', 'mend: ', 'contract.md#del-4', 'DEL-4.a', 'tie() in the store']) {
      expect(stdout).toContain(part);
    }
  });

  it('prints its help and its version', async () => {
    expect((await cli(['--help'])).stdout).toContain('Exit codes');
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('writes every report, into folders that it makes', async () => {
    const files = ['json', 'junit', 'markdown', 'html'].map((format) => ({ format, file: join(folder, 'out', `report.${format}`) }));
    const { stdout } = await cli([fixture('good'), '--only', 'GET-1', ...files.flatMap(({ format, file }) => [`--${format}`, file])]);
    expect(stdout).toContain('PASS  MemoryStore: all 3 checks passed');
    const [json = '', junit = '', markdown = '', html = ''] = files.map(({ file }) => readFileSync(file, 'utf8'));
    expect([JSON.parse(json).ok, junit.slice(0, 5), markdown.slice(0, 2), html.slice(0, 15)]).toEqual([
      true,
      '<?xml',
      '# ',
      '<!doctype html>',
    ]);
  });

  it('leaves the standard output to the report that goes there', async () => {
    const { stdout, stderr } = await cli([fixture('good'), '--only', 'GET-1', '--json', '-']);
    expect(JSON.parse(stdout).ok).toBe(true);
    expect(stderr).toContain('PASS');
  });

  it('has colours where they are asked for, and else on a terminal alone', async () => {
    const args = [fixture('good'), '--only', 'GET-1'];
    expect((await cli(args)).stdout).not.toContain('\u001b');
    expect((await cli(args, { FORCE_COLOR: '1' })).stdout).toContain('\u001b[');
  });
});

describe('the command line ends with 2 when', () => {
  const empty = join(folder, 'empty.mjs');
  const broken = join(folder, 'broken.mjs');
  const notOne = join(folder, 'not-one.mjs');
  writeFileSync(empty, 'export const target = 1;');
  writeFileSync(broken, 'throw new Error("no such luck");');
  writeFileSync(notOne, 'export default [{ name: "no create" }];');

  it.each([
    ['there is no target', [], 'which target?'],
    ['there is no such file', ['nil.js'], 'there is no file nil.js'],
    ['there are two', [empty, broken], 'one target at a time'],
    ['an option is unknown', [empty, '--nil'], "Unknown option '--nil'"],
    ['no check has that name', [fixture('good'), '--only', 'NIL'], 'no check is called NIL'],
    ['the level is none', [empty, '--level', 'never'], 'MUST, SHOULD or MAY'],
    ['the seed is none', [empty, '--seed', '-1'], '--seed'],
    ['the limit is none', [empty, '--limit', '1.5'], '--limit is a whole number'],
    ['two reports go to the standard output', [empty, '--json', '-', '--html', '-'], 'one report at a time'],
    ['nothing of that name can be explained', ['--explain', 'NIL'], 'no check is called NIL'],
    ['a report cannot be written', [fixture('good'), '--only', 'GET-1', '--json', `${empty}/no`], 'cannot be written'],
    ['the module has no default export', [empty], 'no default export'],
    ['the module throws', [broken], 'no such luck'],
    ['the module gives something else', [notOne], 'a target has a name and a method create()'],
  ])('%s', async (_, args, said) => {
    const { code, stderr } = await cli(args);
    expect(stderr).toContain(said);
    expect(code).toBe(2);
  });
});

describe('init', () => {
  it('writes a store that has the shape of one and does nothing right', { timeout: 90_000 }, async () => {
    const { code, stdout } = await cli(['init', 'fresh']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Next: npx @sessile/store-conformance ./fresh/target.js')]);
    const run = await cli([join('fresh', 'target.js'), '--json', 'fresh/report.json']);
    expect(run.code).toBe(1);
    const { results }: { results: Told[] } = JSON.parse(readFileSync(join(folder, 'fresh/report.json'), 'utf8')).reports[0];
    const passed = new Set(results.filter(({ status }) => status === 'pass').map(({ id }) => id));
    for (const id of ['GET-1', 'TCH-3', 'DEL-1', 'CB-1', 'CB-2', 'CB-2.a', 'CB-5', 'CB-6', 'LIF-4']) expect(passed, id).toContain(id);
    for (const id of ['GET-2', 'SET-1', 'DEL-2', 'TCH-1', 'TTL-2', 'ALL-1', 'LEN-1', 'DAT-1']) expect(passed, id).not.toContain(id);
    for (const { failure } of results) expect(failure?.['got'] ?? '').not.toContain('is not a function');
  });

  it('overwrites nothing', async () => {
    await cli(['init', 'twice']);
    writeFileSync(join(folder, 'twice', 'store.js'), '// mine');
    const { code, stderr } = await cli(['init', 'twice']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('./twice/store.js and ./twice/target.js are there already')]);
    expect(readFileSync(join(folder, 'twice', 'store.js'), 'utf8')).toBe('// mine');
  });

  it('names them as modules where .js files are none', async () => {
    await cli(['init', 'common']);
    writeFileSync(join(folder, 'common', 'package.json'), '{ "type": "commonjs" }');
    const { stdout } = await cli(['init', 'common/a folder']);
    expect(stdout).toContain('npx @sessile/store-conformance "./common/a folder/target.mjs"');
    expect((await cli([join(folder, 'common', 'a folder', 'target.mjs'), '--only', 'GET-1'])).code).toBe(0);
  });
});
