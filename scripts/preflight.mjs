/**
 * Installs and builds what is missing or stale, so that a fresh clone needs one command. Uses nothing but Node, since nothing
 * else is there yet; when all is fresh it looks at a few dates and is done.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installedStamp = join(root, 'node_modules', '.sessile-installed');
const builtStamp = join(root, 'node_modules', '.sessile-built');

checkNode();
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(process.version)
  .digest('hex');
if (read(installedStamp) !== lock) {
  step('Installing packages (better-sqlite3 is compiled where no binary can be had: 1 to 3 minutes)', 'npm', [
    'ci',
    '--no-fund',
    '--no-audit',
  ]);
  writeFileSync(installedStamp, lock);
}
checkSqlite();
if (newestSource() > dateOf(builtStamp)) {
  step('Building (a few seconds)', process.execPath, [join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc'), '-b']);
  mkdirSync(dirname(builtStamp), { recursive: true });
  writeFileSync(builtStamp, '');
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node ${process.versions.node} is too old: 20.19 or newer is needed.`);
}

function checkSqlite() {
  const check = "const D = require('better-sqlite3'); new D(':memory:').close()";
  if (read(installedStamp + '-sqlite') === lock) return;
  if (spawnSync(process.execPath, ['-e', check], { cwd: root }).status !== 0) {
    step('Compiling better-sqlite3 (1 to 3 minutes; needs Python and a C++ compiler)', 'npm', ['rebuild', 'better-sqlite3']);
  }
  writeFileSync(installedStamp + '-sqlite', lock);
}

function step(what, command, args) {
  const started = Date.now();
  console.log(`> ${what} ...`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) fail(`This failed: ${command} ${args.join(' ')}${error ? ` (${error.message})` : ''}`);
  console.log(`> done in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

/** The newest date among the files that the build reads. */
function newestSource() {
  const packages = ['packages', 'examples'].flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)));
  const files = packages.flatMap(inputsOf);
  return Math.max(...files.map(dateOf), dateOf(join(root, 'tsconfig.base.json')));
}

function inputsOf(folder) {
  return [join(folder, 'tsconfig.json'), join(folder, 'package.json')].concat(sources(join(folder, 'src')), missingOutput(folder));
}

function sources(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** A package that was never built counts as changed now. */
function missingOutput(folder) {
  const needsBuild = existsSync(join(folder, 'src')) && existsSync(join(folder, 'tsconfig.json'));
  return needsBuild && !existsSync(join(folder, 'dist')) ? [root + '/now'] : [];
}

function dateOf(file) {
  if (file === root + '/now') return Date.now();
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function fail(sentence) {
  console.error(`\n${sentence}`);
  process.exit(1);
}
