/**
 * What `docker compose run --rm conformance` does: installs and builds what is missing, then runs the kit on every store of this
 * repository, or on the targets that are named. Options of the kit are passed on.
 */
import { spawnSync } from 'node:child_process';
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

function run(...command) {
  return spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

function judge(target) {
  console.log(`\n### ${target}`);
  return { target, status: run('packages/store-conformance/bin/store-conformance.js', target, ...options) };
}

if (run('scripts/preflight.mjs') !== 0) process.exit(2);
const judged = (targets.length > 0 ? targets : ours()).map(judge);

console.log('\nConformance:');
for (const { target, status } of judged) console.log(`  ${status === 0 ? 'passed' : `FAILED (exit code ${status})`}  ${target}`);
process.exitCode = Math.max(...judged.map(({ status }) => status));
