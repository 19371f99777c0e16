import type { Counts } from '../copy/tally.js';
import { duration, number, sessions as inWords } from '../format.js';

/** What a copy did, as `--json` prints it. */
export interface CopyReport extends Counts {
  readonly from: string;
  readonly to: string;
  readonly dryRun: boolean;
  readonly seconds: number;
  /** How often the source was gone through; the counts are of all passes. */
  readonly passes: number;
  readonly failures: readonly { code: string; count: number; message: string }[];
}

const LINES: readonly (readonly [keyof Counts, string, string])[] = [
  ['put', 'new', 'were not in the target'],
  ['replaced', 'replaced', 'changed in the source'],
  ['lengthened', 'lengthened', 'same data, live longer in the source'],
  ['shortened', 'shortened', 'same data, end sooner in the source'],
  ['same', 'same', 'nothing to do'],
  ['kept', 'kept', "the target's own version stays (see --conflicts)"],
  ['endedInTarget', 'ended there', 'ended in the target, and stay so'],
  ['removed', 'removed', 'ended in the source'],
  ['expired', 'expired', 'before they could be copied'],
  ['guessed', 'one day', 'nothing told how long they live'],
];

/** For people. */
export function summary(report: CopyReport): string {
  const { from, to, read, seconds, passes, dryRun, failures } = report;
  const rate = seconds > 0 ? number(read / seconds) : '';
  const head = `${dryRun ? 'Would copy' : 'Copied'} from ${from}\n${dryRun ? '        to' : '    to'} ${to}`;
  const lines = LINES.filter(([name]) => report[name] > 0).map(([name, word, text]) => line(report[name], word, text));
  const failed = failures.map(({ code, count, message }) => line(count, 'failed', `${code}: ${message}`));
  return [
    head,
    `${inWords(read)} read${passes > 1 ? ` in ${passes} passes` : ''} in ${duration(seconds * 1000)}, ${rate}/s`,
    ...lines,
    ...failed,
  ].join('\n');
}

function line(count: number, word: string, text: string): string {
  return `${number(count).padStart(11)}  ${word.padEnd(12)}${text}`;
}
