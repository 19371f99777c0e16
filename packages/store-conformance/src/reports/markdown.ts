import { linkTo } from '../failure.js';
import type { Report, Result } from '../types.js';
import { clean, groupsOf, having, listOf, plural, reasonsOf, type Reports, seconds, STATUSES, verdictOf } from './text.js';

/** The report for a README or a pull request. Several targets stand side by side. */
export function markdownReport(reports: Reports): string {
  const list = listOf(reports);
  const together = list.length > 1 ? ['# Conformance of session stores', sideBySide(list)] : [];
  return `${[...together, ...list.map((report) => section(report, list.length > 1 ? '##' : '#'))].join('\n\n')}\n`;
}

/** A row for each part of the contract, a column for each target. */
function sideBySide(list: readonly Report[]): string {
  const groups = groupsOf(list.flatMap(({ results }) => results));
  const cell = (report: Report, name: string): string =>
    score(groupsOf(report.results).find((group) => group.name === name)?.results ?? []);
  const rows = groups.map(({ name, title }) => [`${name} ${title}`, ...list.map((report) => cell(report, name))]);
  return table(['', ...list.map(({ target }) => inline(target))], rows);
}

/** `5/7`: passed, of those that ran. */
function score(results: readonly Result[]): string {
  const ran = results.filter(({ status }) => status !== 'skip');
  return ran.length === 0 ? '–' : `${having(ran, 'pass').length}/${ran.length}`;
}

function section(report: Report, heading: string): string {
  const { target, results } = report;
  const failed = having(results, 'fail');
  const failures = failed.length > 0 ? [`${heading}# Failures`, ...failed.map((result) => failurePage(result, `${heading}##`))] : [];
  const parts = [
    `${heading} ${inline(target)}: ${verdictOf(report)}`,
    facts(report),
    summary(report),
    ...failures,
    ...others(report, `${heading}#`),
  ];
  return parts.join('\n\n');
}

function facts({ kit, contract, node, date, seed, durationMs }: Report): string {
  return `Contract ${contract}, @sessile/store-conformance ${kit}, Node ${node}, ${date.slice(0, 10)}, seed ${seed}, ${seconds(durationMs)}.`;
}

function summary({ results }: Report): string {
  const counted = (members: readonly Result[]): string[] => STATUSES.map(({ status }) => String(having(members, status).length || ''));
  const rows = groupsOf(results).map((group) => [`${group.name} ${group.title}`, ...counted(group.results)]);
  return table(['', ...STATUSES.map(({ title }) => title)], [...rows, ['**all**', ...counted(results)]]);
}

function failurePage({ id, level, title, failure }: Result, heading: string): string {
  if (!failure) return '';
  return `${heading} [${id}](${failure.link}) ${inline(title)}

${level}. ${inline(failure.why)}

${fence([`step:     ${failure.step}`, `expected: ${failure.expected}`, `got:      ${failure.got}`].join('\n'))}

**Mend:** ${inline(failure.mend)}

**Again:** ${code(failure.again)}`;
}

function others({ results, counts }: Report, heading: string): string[] {
  const listed = (status: 'stale' | 'known'): string => having(results, status).map(reasonLine).join('\n');
  const notRun = reasonsOf(results).map(([reason, ids]) => `- ${inline(reason)}: ${ids.map(link).join(', ')}`);
  return [
    ...(counts.stale > 0 ? [`${heading} Stale`, listed('stale')] : []),
    ...(counts.known > 0 ? [`${heading} Known to fail`, listed('known')] : []),
    ...(counts.skip > 0 ? [`${heading} Not run: ${plural(counts.skip, 'check')}`, notRun.join('\n')] : []),
  ];
}

function reasonLine({ id, title, reason = '' }: Result): string {
  return `- ${link(id)} ${inline(title)}: ${inline(reason)}`;
}

function link(id: string): string {
  return `[${id}](${linkTo(id)})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** What a store or a target said, as text and nothing else. */
function inline(text: string): string {
  return clean(text)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]|~#]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}

/** A fence longer than any in the text. */
function fence(text: string): string {
  const ticks = '`'.repeat(Math.max(3, longestTicks(text) + 1));
  return `${ticks}text\n${clean(text)}\n${ticks}`;
}

function code(text: string): string {
  const ticks = '`'.repeat(longestTicks(text) + 1);
  return `${ticks}${clean(text).replace(/\s+/g, ' ')}${ticks}`;
}

function longestTicks(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
