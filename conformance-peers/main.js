/**
 * Runs the kit on stores that need no server, and writes `docs/conformance`. With names of stores it runs those, shows what was
 * seen, and writes nothing. `npm run conformance:peers [-- memorystore ...]`
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { terminalReport } from '@sessile/store-conformance';
import { overview, storePage } from './lib/pages.js';
import { runKit } from './lib/run-kit.js';
import { stores } from './stores.js';

const PAGES = new URL('../docs/conformance/', import.meta.url);

const names = process.argv.slice(2);
const unknown = names.filter((name) => !stores.some(({ slug }) => slug === name));
if (unknown.length > 0) {
  process.stderr.write(`no store is called ${unknown.join(', ')}: there is ${stores.map(({ slug }) => slug).join(', ')}\n`);
  process.exitCode = 2;
} else if (names.length > 0) {
  const runs = await runAll(stores.filter(({ slug }) => names.includes(slug)));
  process.stdout.write(terminalReport(runs.map(({ report }) => report)));
} else {
  write(await runAll(stores));
}

/** One after the other: stores that share a processor would be judged by each other's load. */
async function runAll(entries) {
  const runs = [];
  for (const [n, entry] of entries.entries()) {
    process.stdout.write(`${n + 1}/${entries.length} ${entry.slug} ...\n`);
    const report = await runKit(entry);
    const { pass, fail, skip } = report.counts;
    process.stdout.write(`    ${pass} passed, ${fail} failed, ${skip} not asked, in ${Math.round(report.durationMs / 1000)} s\n`);
    runs.push({ entry, report });
  }
  return runs;
}

function write(runs) {
  mkdirSync(PAGES, { recursive: true });
  writeFileSync(new URL('README.md', PAGES), overview(runs));
  for (const run of runs) writeFileSync(new URL(`${run.entry.slug}.md`, PAGES), storePage(run));
  process.stdout.write(`docs/conformance: ${runs.length + 1} pages\n`);
}
