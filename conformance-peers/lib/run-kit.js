import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = fileURLToPath(new URL('bin/store-conformance.js', import.meta.resolve('@sessile/store-conformance/package.json')));
/** Random histories are the same in each run, so that two runs can be compared. */
const SEED = '1';

/** @typedef {import('@sessile/store-conformance').Report} Report */

/**
 * Runs the kit on a store, in a process of its own. What a store is asked as it is, and what is not asked, is worked in.
 *
 * @param {import('../stores.js').Entry} entry
 * @returns {Promise<Report>}
 */
export async function runKit({ slug, asItIs, notAsked = {} }) {
  const report = await runTarget(slug);
  const plain = asItIs ? await runTarget(asItIs.target, asItIs.only) : { results: [] };
  const asked = new Map(plain.results.filter(({ id }) => asItIs?.only.includes(id)).map((result) => [result.id, result]));
  // What is asked of bare drivers says nothing of a store.
  const ofStores = report.results.filter(({ id }) => !id.startsWith('DRV-'));
  const results = ofStores.map((result) => excused(asked.get(result.id) ?? result, notAsked));
  return { ...report, results, counts: countsOf(report, results) };
}

/** A failure that would be unfair counts as not asked. */
function excused(result, notAsked) {
  const reason = notAsked[result.id];
  if (result.status !== 'fail' || reason === undefined) return result;
  const { failure: _, ...rest } = result;
  return { ...rest, status: 'skip', reason };
}

function countsOf(report, results) {
  const counts = Object.fromEntries(Object.keys(report.counts).map((status) => [status, 0]));
  for (const { status } of results) counts[status] += 1;
  return counts;
}

async function runTarget(target, only = []) {
  // Targets keep their files in the temporary directory: this one goes when they are done, however they ended.
  const folder = mkdtempSync(join(tmpdir(), 'conformance-peers-'));
  try {
    return await runCommand(`conformance-peers/targets/${target}.js`, only, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runCommand(target, only, folder) {
  const json = join(folder, 'report.json');
  const chosen = only.length > 0 ? ['--only', only.join(',')] : [];
  const args = [CLI, target, '--seed', SEED, '--json', json, ...chosen];
  const env = { ...process.env, TMPDIR: folder, SESSILE_ONLY: '', NO_COLOR: '1' };
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-4000)));
  const [code] = await once(child, 'close');
  // 0: all passed. 1: some failed, which is what is to be seen.
  if (code !== 0 && code !== 1) throw new Error(`the kit could not be run on ${target} (exit code ${code}): ${said}`);
  return JSON.parse(withoutChance(readFileSync(json, 'utf8'), folder)).reports[0];
}

/** Names that are other ones in each run would fill a diff of the pages. */
function withoutChance(text, folder) {
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
  return text
    .replaceAll(folder, '/tmp')
    .replace(/\bpeer-\w{6}\b/g, 'folder')
    .replace(uuid, '1');
}
