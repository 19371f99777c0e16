/**
 * Runs the kit on stores that need no server, and writes `docs/conformance`. With names of stores it runs those, shows what was
 * seen, and writes nothing. `npm run conformance:peers [-- memorystore ...]`
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { terminalReport } from '@sessile/store-conformance';
import { whyNotCompiled } from './lib/compiled.js';
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
  process.stdout.write(terminalReport(runs.flatMap(({ report }) => report ?? [])));
} else {
  write(await runAll(stores));
}

/** One after the other: stores that share a processor would be judged by each other's load. */
async function runAll(entries) {
  const runs = [];
  for (const [n, entry] of entries.entries()) {
    say(`${n + 1}/${entries.length} ${entry.slug} ...\n`);
    runs.push(await runOne(entry));
  }
  return runs;
}

/** A store that cannot be installed here did not run, and the page says why. */
async function runOne(entry) {
  const reason = entry.compiled ? await whyNotCompiled(say) : undefined;
  if (reason !== undefined) {
    say(`    did not run: ${reason}\n`);
    return { entry, reason };
  }
  const report = await runKit(entry);
  const { pass, fail, skip } = report.counts;
  say(`    ${pass} passed, ${fail} failed, ${skip} not asked, in ${Math.round(report.durationMs / 1000)} s\n`);
  return { entry, report };
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
