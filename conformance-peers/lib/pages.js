/** The pages, as texts. */
import { readFileSync } from 'node:fs';
import { markdownReport } from '@sessile/store-conformance';
import { cut, inline, table } from './markdown.js';
import { versionOf, versionsOf } from './versions.js';

/**
 * @typedef {import('../stores.js').Entry} Entry
 * @typedef {import('@sessile/store-conformance').Report} Report
 * @typedef {import('@sessile/store-conformance').Result} Result
 * @typedef {{ entry: Entry, report: Report, server?: string }} Run `server`: on which it ran.
 * @typedef {{ entry: Entry, reason: string }} Absence
 */

const GENERATED = '<!-- Written by `npm run conformance:peers`. Do not edit: change conformance-peers/ and run it again. -->';
const MARKS = { pass: '✓', skip: '–', known: '~', stale: '!' };
const SEEN_LENGTH = 110;

/** @param {readonly Run[]} runs @param {readonly Absence[]} absences */
export function overview(runs, absences) {
  const [{ report }] = runs;
  const { theirs, ours } = split(runs);
  const groups = groupsOf(runs);
  const parts = [
    GENERATED,
    '# Stores and rules',
    `What [the conformance kit](../../packages/store-conformance/README.md) saw in session stores of today, beside
Sessile's own. ${report.date.slice(0, 10)}, Node ${report.node}, contract ${report.contract}, kit ${report.kit}, seed ${report.seed}.`,
    `The stores were made at different times, for different needs, and most of them before there were such rules. The rules are
[Sessile's](../contract.md): nobody but us has promised to keep them. A ✗ says that the kit saw something else than the rule says,
in this version and with this set-up. It does not say that a store is bad for what you use it for.`,
    '## The stores',
    summary(runs, absences),
    ...servers(runs),
    '## The rules',
    LEGEND,
    ...groups.flatMap(({ title, members }) => [`### ${title}`, ruleTable(askedOf(members, theirs), members, ['MUST', 'SHOULD', 'MAY'])]),
    '## What was seen',
    notes(theirs, runs),
    '## Rules that were asked of no other store',
    OWN_RULES,
    ruleTable(ours, runs.filter(isOurs), ['MUST', 'SHOULD', 'MAY']),
    LIMITS,
    AUTHORS,
  ];
  return `${parts.join('\n\n')}\n`;
}

/** A table of all of them would be wider than any screen. */
function groupsOf(runs) {
  const groups = [
    { title: 'Stores that need no server', members: runs.filter(({ entry }) => entry.server === undefined) },
    { title: 'Stores on a server', members: runs.filter(({ entry }) => entry.server !== undefined) },
  ];
  return groups.filter(({ members }) => members.length > 0);
}

/** Those of the rules that were asked of one of these stores. */
function askedOf(members, rules) {
  return rules.filter(({ id }) => members.some(({ report }) => resultOf(report, id)?.status !== 'skip'));
}

function servers(runs) {
  const names = new Set(runs.flatMap(({ server }) => server ?? []));
  return names.size === 0 ? [] : [`Servers: ${[...names].join(', ')}. ${ON_SERVERS}`];
}

const ON_SERVERS = `Each store talks to its server through a proxy on the same machine, which cuts the connections
where a rule asks what happens when the server is away ([server-target.js](../../conformance-peers/lib/server-target.js)).`;

const LEGEND = `✓ the check passed · ✗ it failed, and *seen* leads to what was seen · – it was not asked, and
the store's page says why.

One way of a store can fail several rules: where \`all()\` gives rows of a table, every rule that looks at \`all()\` sees it. So do not
count the marks; read the notes. DEL-4 and MID-7 ask more than the interfaces of express-session and koa-session do: no store can
keep them by following those alone.`;

const OWN_RULES = `Ties (a save merges with what others saved), \`update\`, \`entries\`, events, \`close\` and the like are part of Sessile's own
contract. Other stores have no such methods, or the rule was made for stores that have; they were not asked.`;

const LIMITS = `## What the kit cannot judge

- Speed, memory, the quality of code and documentation, how long a store has served, and who looks after it.
- Anything across machines; networks that are slow or lose packets; disks that fail.
- Memory stores: what is spoilt or away, and what outlives a restart. There is no way in from outside.
- What a middleware does beside the store. koa-session, for one, refuses expired sessions by itself.
- Races: a check that passed may have been lucky. One that failed did see it.
- Whether the rule matters to you. The [contract](../contract.md) says for each one why we think that it does.

The contract, the kit and Sessile's stores have the same authors. Sessile's stores were mended until the kit was content, and the others
were not; that is no fair race, and is not meant as one.`;

const AUTHORS = `## You are the author of a store here

Something is wrong, or has changed? We are glad to correct it.

- For a new run, for instance after a release, open an [issue](https://github.com/sessile/sessile/issues) with the version.
- To set your store up better, or to add it, open a [pull request](https://github.com/sessile/sessile/pulls). The targets are in
  [conformance-peers/targets](../../conformance-peers/targets), about twenty lines each; what a reader must know is in
  [stores.js](../../conformance-peers/stores.js).
- To see it yourself: \`npm run conformance:peers -- memorystore\` runs one, and writes nothing.
- If you think that a check is wrong, say so: then the check is mended, for all stores.`;

/** @param {readonly Run[]} runs @param {readonly Absence[]} absences */
function summary(runs, absences) {
  const rows = runs.map(({ entry, report, server }) => {
    const { pass, fail, skip } = report.counts;
    return [
      `[${inline(entry.short)}](${entry.slug}.md)`,
      inline(versionsOf(entry)) + (server ? `, on ${server}` : ''),
      entry.setUp,
      `${pass}`,
      `${fail}`,
      `${skip}`,
    ];
  });
  const absent = absences.map(({ entry, reason }) => [inline(entry.short), `did not run: ${inline(reason)}`, entry.setUp, '', '', '']);
  return table(['store', 'version', 'set up', '✓', '✗', '–'], [...rows, ...absent]);
}

const isOurs = ({ entry }) => entry.package.startsWith('@sessile');

/** Rows that were asked of somebody's store beside ours, and rows that were not. */
function split(runs) {
  const others = runs.filter((run) => !isOurs(run));
  const asked = ({ id }) => others.some(({ report }) => resultOf(report, id)?.status !== 'skip');
  const all = runs[0].report.results;
  return { theirs: all.filter(asked), ours: all.filter((result) => !asked(result)) };
}

function resultOf(report, id) {
  return report.results.find((result) => result.id === id);
}

function ruleTable(rules, runs, levels) {
  const rows = rules
    .filter(({ level }) => levels.includes(level))
    .map((rule) => [...ruleCells(rule), ...runs.map((run) => cell(run, rule.id))]);
  return table(['rule', '', 'level', ...runs.map(({ entry }) => inline(entry.short))], rows);
}

function ruleCells({ id, title, level }) {
  return [`[${id}](../contract.md#${id.replace(/\..*$/, '').toLowerCase()})`, inline(title), level];
}

function cell({ entry, report }, id) {
  const { status } = resultOf(report, id) ?? { status: 'skip' };
  return status === 'fail' ? `✗ [seen](${placeOf(entry, id)})` : MARKS[status];
}

function placeOf({ slug }, id) {
  return `${slug}.md#${id.toLowerCase()}`;
}

/** A line for each failure, under its rule. */
function notes(rules, runs) {
  const lines = rules.flatMap(({ id }) =>
    runs.flatMap(({ entry, report }) => {
      const { failure } = resultOf(report, id) ?? {};
      return failure ? [`- ${id} · [${inline(entry.short)}](${placeOf(entry, id)}): ${inline(seenBy(failure))}`] : [];
    }),
  );
  return lines.join('\n');
}

/** @param {{ step: string, expected: string, got: string }} failure */
function seenBy({ step, expected, got }) {
  if (step === 'the rule as a whole' || step === 'a call that should succeed') return cut(got, SEEN_LENGTH);
  // A random history is on the store's page.
  return `${cut(step.split('\n')[0], SEEN_LENGTH)}: expected ${cut(expected, 50)}, got ${cut(got, 70)}`;
}

/** @param {Run} run the page of one store: how it was set up, and the kit's own report. */
export function storePage({ entry, report, server }) {
  const [title, ...rest] = markdownReport(report).split('\n\n');
  const parts = [GENERATED, title, '[All stores](README.md)', setUp(entry, server), ...rest.map(withAnchor)];
  return parts.join('\n\n');
}

function setUp(entry, server) {
  const { slug, asItIs } = entry;
  const slugs = [slug, ...(asItIs ? [asItIs.target] : [])];
  const said = entry.notes.length > 0 ? ['## What the numbers do not say', entry.notes.map((note) => `- ${note}`).join('\n')] : [];
  return [
    `## Set-up`,
    `${inline(versionsOf(entry))}${server ? `, on ${server}` : ''}, kit ${versionOf('@sessile/store-conformance')}: ${entry.setUp}.`,
    ...slugs.map(code),
    ...said,
  ].join('\n\n');
}

function code(slug) {
  const text = readFileSync(new URL(`../targets/${slug}.js`, import.meta.url), 'utf8').trim();
  return `[targets/${slug}.js](../../conformance-peers/targets/${slug}.js):\n\n\`\`\`js\n${text}\n\`\`\``;
}

/** A place to link to, before the heading of each failure. */
function withAnchor(part) {
  const [, id] = /^#+ \[([A-Z]+-\d+(?:\.[a-z])?)\]\(/.exec(part) ?? [];
  return id ? `<a id="${id.toLowerCase()}"></a>\n\n${part}` : part;
}
