/** Everything but the tests: types, lint, format, unused code, and what is published. `node scripts/check.mjs lint format` runs some. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const published = readdirSync(join(root, 'packages')).filter((name) => !manifest(name).private);

const steps = {
  types: () => run(bin('tsc'), ['-p', 'tsconfig.test.json']),
  lint: () => run(bin('oxlint'), ['--deny-warnings']),
  format: () => run(bin('oxfmt'), ['--check', '.']),
  docs: () => run(process.execPath, [join(root, 'scripts', 'docs-code.mjs')]),
  unused: () => run(bin('knip'), ['--treat-config-hints-as-errors']),
  publint: () => published.every((name) => run(bin('publint'), ['--strict', join('packages', name)])),
  attw: () => published.every((name) => run(bin('attw'), ['--pack', join('packages', name), '--profile', 'esm-only', '--format', 'ascii'])),
};

const wanted = process.argv.slice(2);
const failed = Object.entries(steps).filter(([name, step]) => (wanted.length === 0 || wanted.includes(name)) && !timed(name, step));
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.map(([name]) => name).join(', ')}`);
  process.exit(1);
}

function timed(name, step) {
  const started = Date.now();
  const passed = step();
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  return passed;
}

/** Shows what a tool printed where it failed, and nothing where it did not. */
function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) console.error(`${stdout}\n${stderr}`.trim());
  return status === 0;
}

function manifest(name) {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
}
