/**
 * Runs the kit on stores, with servers from testkit, and writes `docs/conformance`. With names of stores it runs those, shows what was
 * seen, and writes nothing; with `--pages` it runs nothing, and writes the pages from the last run of each.
 * `npm run conformance:peers [-- --pages | memorystore ...]`
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { terminalReport } from '@sessile/store-conformance';
import { serveBackends } from '@sessile/testkit';
import { whyNotCompiled } from './lib/compiled.js';
import { overview, storePage } from './lib/pages.js';
import { runKit } from './lib/run-kit.js';
import { serverOf } from './lib/server-version.js';
import { stores } from './stores.js';

const PAGES = new URL('../docs/conformance/', import.meta.url);
const KEPT = new URL('../node_modules/.cache/conformance-peers/', import.meta.url);

const words = process.argv.slice(2);
const names = words.filter((word) => word !== '--pages');
const unknown = names.filter((name) => !stores.some(({ slug }) => slug === name));
if (unknown.length > 0) {
  process.stderr.write(`no store is called ${unknown.join(', ')}: there is ${stores.map(({ slug }) => slug).join(', ')}\n`);
  process.exitCode = 2;
} else if (names.length < words.length) {
  write(stores.map(keptRun));
} else if (names.length > 0) {
  const runs = await runAll(stores.filter(({ slug }) => names.includes(slug)));
  process.stdout.write(terminalReport(runs.flatMap(({ report }) => report ?? [])));
} else {
  write(await runAll(stores));
}

/** One after the other: stores that share a processor would be judged by each other's load. */
async function runAll(entries) {
  // The runs, each in a process of its own, share the servers.
  const stop = await serveBackends();
  try {
    const runs = [];
    for (const [n, entry] of entries.entries()) {
      say(`${n + 1}/${entries.length} ${entry.slug} ...\n`);
      runs.push(await runOne(entry));
    }
    return runs;
  } finally {
    await stop();
  }
}

/** A store that cannot be installed here, or whose server is not here, did not run, and the page says why. */
async function runOne(entry) {
  const server = entry.server ? await serverOf(entry.server) : {};
  const reason = server.skip ?? (entry.compiled ? await whyNotCompiled(say) : undefined);
  if (reason !== undefined) {
    say(`    did not run: ${reason}\n`);
    return { entry, reason };
  }
  const report = await runKit(entry);
  const { pass, fail, skip } = report.counts;
  say(`    ${pass} passed, ${fail} failed, ${skip} not asked, in ${Math.round(report.durationMs / 1000)} s\n`);
  const run = { report, server: server.version };
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(new URL(`${entry.slug}.json`, KEPT), JSON.stringify(run));
  return { entry, ...run };
}

/** @param {import('./stores.js').Entry} entry */
function keptRun(entry) {
  const file = new URL(`${entry.slug}.json`, KEPT);
  if (!existsSync(file)) throw new Error(`${entry.slug} has not run: npm run conformance:peers -- ${entry.slug}`);
  return { entry, ...JSON.parse(readFileSync(file, 'utf8')) };
}

function say(text) {
  process.stdout.write(text);
}

function write(runs) {
  mkdirSync(PAGES, { recursive: true });
  const done = runs.filter(({ report }) => report !== undefined);
  writeFileSync(
    new URL('README.md', PAGES),
    overview(
      done,
      runs.filter(({ report }) => report === undefined),
    ),
  );
  for (const run of done) writeFileSync(new URL(`${run.entry.slug}.md`, PAGES), storePage(run));
  say(`docs/conformance: ${done.length + 1} pages\n`);
}
