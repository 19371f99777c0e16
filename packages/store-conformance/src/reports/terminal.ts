import { styleText } from 'node:util';
import type { ConformanceFailure } from '../failure.js';
import type { Level, Report, Result, Status } from '../types.js';
import { clean, groupsOf, having, listOf, reasonsOf, type Reports, seconds, STATUSES, verdictOf } from './text.js';

/** How the terminal is. */
export interface TerminalOptions {
  /** Default: false. */
  readonly colors?: boolean;
  /** Columns; longer lines are folded. Default: 100. */
  readonly width?: number;
}

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const LEVELS: readonly Level[] = ['MUST', 'SHOULD', 'MAY'];
const STYLES: Readonly<Record<Status, Style>> = { fail: 'red', stale: 'yellow', known: 'yellow', skip: 'gray', pass: 'green' };
const LABEL_WIDTH = 12;
const NAME_WIDTH = 42;

/** The report for people at a terminal: the failures in full, then what was not run, then a summary by group and level. */
export function terminalReport(reports: Reports, { colors = false, width = 100 }: TerminalOptions = {}): string {
  const paint: Paint = (style, text) => (colors ? styleText(style, text, { validateStream: false }) : text);
  return listOf(reports)
    .map((report) => onePage(report, paint, Math.max(width, 40)))
    .join('\n');
}

function onePage(report: Report, paint: Paint, width: number): string {
  const parts = [
    ...having(report.results, 'fail').map((result) => failurePage(result, paint, width)),
    ...having(report.results, 'stale').map((result) => listed(result, 'stale', paint, width)),
    ...having(report.results, 'known').map((result) => listed(result, 'known', paint, width)),
    notRun(report, paint, width),
    summary(report, paint),
    conclusion(report, paint),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function failurePage({ id, level, title, failure }: Result, paint: Paint, width: number): string {
  if (!failure) return '';
  const head = fold(`✗ ${id} ${title} (${level})`, width, 2);
  return [paint(['red', 'bold'], head), ...rowsOf(failure).map(([label, text]) => row(label, text, paint, width))].join('\n');
}

function rowsOf({ step, expected, got, why, mend, link, again }: ConformanceFailure): [string, string][] {
  return Object.entries({ step, expected, got, why, mend, contract: link, again });
}

function row(label: string, text: string, paint: Paint, width: number): string {
  const [first = '', ...more] = fold(`${' '.repeat(LABEL_WIDTH)}${clean(text)}`, width, LABEL_WIDTH).split('\n');
  return [paint('dim', `  ${label}:`.padEnd(LABEL_WIDTH)) + first.slice(LABEL_WIDTH), ...more].join('\n');
}

function listed({ id, title, status, reason = '' }: Result, word: string, paint: Paint, width: number): string {
  return paint(STYLES[status], fold(`${word} ${id} ${title}`, width, 2)) + `\n${fold(`  ${clean(reason)}`, width, 2)}`;
}

function notRun({ results, counts }: Report, paint: Paint, width: number): string {
  if (counts.skip === 0) return '';
  const lines = reasonsOf(results).map(([reason, ids]) => fold(`  ${clean(reason)}: ${ids.join(', ')}`, width, 4));
  return [paint('bold', `Not run: ${counts.skip}`), ...lines].join('\n');
}

function summary({ results }: Report, paint: Paint): string {
  const head = STATUSES.map(({ status, title }) => paint('dim', title.padStart(widthOf(status)))).join('');
  const groups = groupsOf(results).map(({ name, title, results: members }) => line(`${name.padEnd(4)} ${title}`, members, paint));
  const levels = LEVELS.map((level) => ({ level, members: results.filter((result) => result.level === level) }));
  const byLevel = levels.filter(({ members }) => members.length > 0).map(({ level, members }) => line(level, members, paint));
  return [' '.repeat(NAME_WIDTH) + head, ...groups, paint('dim', '─'.repeat(NAME_WIDTH + totalWidth())), ...byLevel].join('\n');
}

function line(name: string, members: readonly Result[], paint: Paint): string {
  const cell = ({ status }: { status: Status }): string => {
    const count = having(members, status).length;
    return paint(count > 0 ? STYLES[status] : 'dim', (count > 0 ? String(count) : '·').padStart(widthOf(status)));
  };
  return `  ${name.padEnd(NAME_WIDTH - 2)}${STATUSES.map(cell).join('')}`;
}

function widthOf(status: Status): number {
  return (STATUSES.find((one) => one.status === status)?.title.length ?? 0) + 2;
}

function totalWidth(): number {
  return STATUSES.reduce((total, { status }) => total + widthOf(status), 0);
}

function conclusion(report: Report, paint: Paint): string {
  const { target, ok, counts, durationMs, kit, contract, node, seed } = report;
  const word = paint(ok ? ['bold', 'green'] : ['bold', 'red'], ok ? 'PASS' : 'FAIL');
  const notRun = counts.skip > 0 ? `, ${counts.skip} not run` : '';
  const made = paint('dim', `      contract ${contract}, kit ${kit}, Node ${node}, seed ${seed}`);
  return `${word}  ${paint('bold', clean(target))}: ${verdictOf(report)}${notRun}, in ${seconds(durationMs)}\n${made}`;
}

/** Breaks each line that is too long between words, and indents what follows. */
function fold(text: string, width: number, indent: number): string {
  return text
    .split('\n')
    .map((one, i) => (i === 0 ? one : ' '.repeat(indent) + one))
    .flatMap((one) => foldLine(one, width, indent))
    .join('\n');
}

function foldLine(text: string, width: number, indent: number): string[] {
  if (text.length <= width) return [text];
  const at = text.lastIndexOf(' ', width);
  // A word without a space to break it at stays whole: it may be an address to click on.
  const cut = at > indent ? at : text.indexOf(' ', width);
  if (cut === -1 || text.slice(0, cut).trim() === '') return [text];
  return [text.slice(0, cut), ...foldLine(' '.repeat(indent) + text.slice(cut + 1), width, indent)];
}
