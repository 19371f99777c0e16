/**
 * What `docker compose run --rm conformance` does: installs and builds what is missing, then runs the kit on every store of this
 * repository, or on the targets that are named. Options of the kit are passed on.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const given = process.argv.slice(2);
const targets = given.filter((argument) => /\.[cm]?js$/.test(argument));
const options = given.filter((argument) => !targets.includes(argument));

/** The targets of every store that is here: those that are meant for this, else those of its tests. */
function ours() {
  const folders = readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'test', 'fixtures'));
  const candidates = ['compose-targets.js', 'conformance-targets.js', 'conformance-target.js'];
  return folders
    .filter((folder) => folder.includes('store-') && !folder.includes('store-conformance'))
    .flatMap((folder) => candidates.map((file) => join(folder, file)).find((file) => existsSync(join(root, file))) ?? []);
}

/** How many stores are judged at a time: the kit waits more than it works. */
const AT_ONCE = 2;

/** @returns its exit code, and what it printed where that is kept back. */
function run(command, stdio = 'inherit') {
  const child = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', stdio, stdio] });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => printed.push(chunk));
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ status: code ?? 1, output: Buffer.concat(printed).toString() }));
  });
}

/** Shows what the kit printed in one piece, since several run at a time. */
async function judge(target) {
  const { status, output } = await run(['packages/store-conformance/bin/store-conformance.js', target, ...options], 'pipe');
  console.log(`\n### ${target}\n${output}`);
  return { target, status };
}

async function judgeAll(all) {
  const judged = [];
  const waiting = [...all];
  const next = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) judged.push(await judge(target));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  return judged;
}

if ((await run(['scripts/preflight.mjs'])).status !== 0) process.exit(2);
const judged = await judgeAll(targets.length > 0 ? targets : ours());

console.log('\nConformance:');
for (const { target, status } of judged) console.log(`  ${status === 0 ? 'passed' : `FAILED (exit code ${status})`}  ${target}`);
process.exitCode = Math.max(...judged.map(({ status }) => status));
