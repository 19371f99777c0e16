/** docs/frameworks.md: its text from page.md, its tables from what the tests saw. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const PAGE = new URL('../../docs/frameworks.md', import.meta.url);

/**
 * What was seen of one middleware in one framework. `seen` has a mark for each behaviour: `✓`, or what happened in its place.
 *
 * @typedef {object} Sight
 * @property {string} name
 * @property {string} anchor
 * @property {string} framework
 * @property {readonly string[]} packages
 * @property {Partial<Record<string, string>>} lacks
 * @property {Partial<Record<string, string>>} notes
 * @property {Partial<Record<string, string>>} seen
 */

/** @typedef {{ key: string, title: string }} Row */

/** @typedef {{ name: string, server: string }} StoreSight */

const WORKS = '✓';
const ABSENT = '–';

/**
 * @param {readonly Sight[]} sights
 * @param {readonly Row[]} rows
 * @param {readonly StoreSight[]} stores
 * @returns {string} the page.
 */
export function render(sights, rows, stores) {
  const columns = columnsOf(sights);
  const reasons = /** @type {string[]} */ ([]);
  const body = rows.map(({ key, title }) => [title, ...columns.map((column) => cell(column, key, reasons))]);
  const parts = {
    TABLE: table(['', ...columns.map(heading)], body),
    REASONS: reasons.map((reason, n) => `${n + 1}. ${reason}`).join('\n'),
    RUNS: `${sights.length} middlewares in their frameworks, each with ${stores.length} stores`,
    VERSIONS: versions(sights, stores),
  };
  return read('page.md').replace(/\{\{(\w+)(?: ([^}]+))?\}\}/g, (_, word, file) => (word === 'CODE' ? code(file) : parts[word]));
}

/** Frameworks that share a middleware share a column. @param {readonly Sight[]} sights */
function columnsOf(sights) {
  const columns = new Map();
  for (const sight of sights) {
    const column = columns.get(sight.name);
    if (column === undefined) columns.set(sight.name, { ...sight, frameworks: [sight.framework] });
    else join(column, sight);
  }
  return [...columns.values()];
}

/** @throws Error where they differ: the page has one column for them. */
function join(column, { framework, name, seen }) {
  column.frameworks.push(framework);
  for (const [key, mark] of Object.entries(seen)) {
    if (mark === column.seen[key]) continue;
    throw new Error(`${name} on ${framework} differs from ${column.framework} in ${key}: ${mark}, not ${column.seen[key]}`);
  }
}

function heading({ name, anchor, frameworks }) {
  return `[${name}](#${anchor})<br>${frameworks.join(', ')}`;
}

function cell({ lacks, notes, seen }, key, reasons) {
  const reason = lacks[key] ?? notes[key];
  const mark = lacks[key] === undefined ? seen[key] : ABSENT;
  return mark === WORKS || reason === undefined ? mark : `${mark} <sup>${numberOf(reason, reasons)}</sup>`;
}

function numberOf(reason, reasons) {
  if (!reasons.includes(reason)) reasons.push(reason);
  return reasons.indexOf(reason) + 1;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function versions(sights, stores) {
  const ran = sights.map(({ name, framework, packages }) => [name, framework, packages.map(withVersion).join(', ')]);
  const kept = stores.map(({ name, server }) => [name, server]);
  const date = new Date().toISOString().slice(0, 10);
  return [
    `Of ${date}, Node ${process.versions.node}.`,
    table(['middleware', 'framework', 'packages'], ran),
    table(['store', 'server'], kept),
  ].join('\n\n');
}

/** @param {string} name as in test/frameworks/package.json; `egg-session/koa-session` is the one that egg-session has. */
function withVersion(name) {
  const [first, inner] = name.startsWith('@') ? [name] : name.split('/');
  const from = inner === undefined ? require : createRequire(require.resolve(`${first}/package.json`));
  const { name: published, version } = JSON.parse(readFileSync(from.resolve(`${inner ?? first}/package.json`), 'utf8'));
  return `${published} ${version}`;
}

function code(file) {
  const language = file.endsWith('.ts') ? 'ts' : /^(import|export)\b/m.test(read(`examples/${file}`)) ? 'js' : 'cjs';
  return `\`\`\`${language}\n${read(`examples/${file}`).trim()}\n\`\`\``;
}

function read(file) {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

/** @param {string} page @returns {string} without what may differ from one machine to the next: versions and dates. */
export function lasting(page) {
  return page.replace(/(?<=<!-- versions -->).*(?=<!-- end of versions -->)/s, '\n');
}

/**
 * What a page says of a middleware.
 *
 * @param {string} page
 * @param {string} name of the middleware.
 * @param {readonly Row[]} rows
 * @returns {Record<string, string>} a mark for each behaviour.
 */
export function marksIn(page, name, rows) {
  const lines = page.split('\n').filter((line) => line.startsWith('| '));
  const cells = lines.map((line) => line.slice(2, -2).split(' | '));
  const at = cells[0]?.findIndex((head) => head.startsWith(`[${name}](`)) ?? -1;
  const marks = rows.map(({ key, title }) => [key, cells.find(([first]) => first === title)?.[at]?.replace(/ <sup>.*/, '')]);
  return Object.fromEntries(marks.filter(([, mark]) => mark !== undefined && mark !== ABSENT));
}
