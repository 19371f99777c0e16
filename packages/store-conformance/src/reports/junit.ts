import type { Report, Result } from '../types.js';
import { clean, groupsOf, listOf, type Reports } from './text.js';

/** The report in the XML that continuous integration reads: a suite per target, a test case per check. */
export function junitReport(reports: Reports): string {
  const list = listOf(reports);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="@sessile/store-conformance" ${totals(list)}>
${list.map(suite).join('\n')}
</testsuites>
`;
}

function totals(list: readonly Report[]): string {
  const sum = (of: (report: Report) => number): number => list.reduce((total, report) => total + of(report), 0);
  const failures = sum(({ counts }) => counts.fail + counts.stale);
  const skipped = sum(({ counts }) => counts.skip + counts.known);
  const time = sum(({ durationMs }) => durationMs);
  return `tests="${sum(({ results }) => results.length)}" failures="${failures}" errors="0" skipped="${skipped}" time="${time / 1000}"`;
}

function suite(report: Report): string {
  const { target, kit, contract, node, date, seed, results } = report;
  const made = Object.entries({ kit, contract, node, seed: String(seed) });
  return `  <testsuite name="${xml(target)}" timestamp="${xml(date.replace(/\.\d+Z$/, ''))}" ${totals([report])}>
    <properties>
${made.map(([name, value]) => `      <property name="${name}" value="${xml(value)}"/>`).join('\n')}
    </properties>
${groupsOf(results)
  .flatMap(({ name, results: members }) => members.map((result) => testCase(`${target}.${name}`, result)))
  .join('\n')}
  </testsuite>`;
}

function testCase(className: string, result: Result): string {
  const { id, level, title, durationMs } = result;
  const attributes = `classname="${xml(className)}" name="${xml(`${id} ${title} (${level})`)}" time="${durationMs / 1000}"`;
  const outcome = outcomeOf(result);
  return outcome === '' ? `    <testcase ${attributes}/>` : `    <testcase ${attributes}>\n      ${outcome}\n    </testcase>`;
}

function outcomeOf({ id, status, reason = '', failure }: Result): string {
  if (status === 'pass') return '';
  if (status === 'skip') return `<skipped message="${xml(reason)}"/>`;
  if (status === 'known') return `<skipped message="${xml(`known to fail: ${reason}`)}"/>`;
  if (status === 'stale') return `<failure type="stale" message="${xml(`${id} ${reason}`)}"/>`;
  return `<failure type="ConformanceFailure" message="${xml(failure?.step ?? '')}">${xml(failure?.message ?? '')}</failure>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

function xml(text: string): string {
  return clean(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
