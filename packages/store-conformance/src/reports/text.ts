import { stripVTControlCharacters } from 'node:util';
import { groupOf } from '../failure.js';
import type { Report, Result, Status } from '../types.js';

/** What each report takes: one run, or several side by side. */
export type Reports = Report | readonly Report[];

export function listOf(reports: Reports): readonly Report[] {
  return 'results' in reports ? [reports] : reports;
}

/** As people read it, in the order that matters to them. */
export const STATUSES: readonly { readonly status: Status; readonly title: string; readonly mark: string }[] = [
  { status: 'fail', title: 'failed', mark: '✗' },
  { status: 'stale', title: 'stale', mark: '!' },
  { status: 'known', title: 'known to fail', mark: '~' },
  { status: 'skip', title: 'not run', mark: '-' },
  { status: 'pass', title: 'passed', mark: '✓' },
];

const GROUPS: ReadonlyMap<string, string> = new Map([
  ['GET', 'reading'],
  ['SET', 'storing'],
  ['TCH', 'keeping alive'],
  ['DEL', 'ending'],
  ['TTL', 'lifetimes'],
  ['CON', 'two requests at once'],
  ['UPD', 'read, change and write in one step'],
  ['ORD', 'order and batches'],
  ['ALL', 'listing'],
  ['LEN', 'counting'],
  ['CLR', 'clearing, and neighbours'],
  ['SID', 'session ids'],
  ['DAT', 'data'],
  ['CB', 'callbacks'],
  ['ERR', 'failures'],
  ['EVT', 'events'],
  ['RST', 'at rest'],
  ['LIF', 'opening and closing'],
  ['PRN', 'expired sessions'],
  ['MID', 'middlewares'],
  ['MDL', 'random histories'],
  ['DRV', 'bare drivers'],
]);

/** The results of one part of the contract. */
export interface Group {
  readonly name: string;
  readonly title: string;
  readonly results: readonly Result[];
}

/** By the part of the contract, in the order of the results. */
export function groupsOf(results: readonly Result[]): Group[] {
  const names = [...new Set(results.map(({ id }) => groupOf(id)))];
  return names.map((name) => ({ name, title: GROUPS.get(name) ?? '', results: results.filter(({ id }) => groupOf(id) === name) }));
}

export function having(results: readonly Result[], status: Status): Result[] {
  return results.filter((result) => result.status === status);
}

/** The checks that were not run, under each reason; the commonest reason first. */
export function reasonsOf(results: readonly Result[]): [reason: string, ids: string[]][] {
  const reasons = new Map<string, string[]>();
  for (const { id, reason = 'no reason given' } of having(results, 'skip')) reasons.set(reason, [...(reasons.get(reason) ?? []), id]);
  return [...reasons].sort(([, one], [, two]) => two.length - one.length);
}

/** `3 of 97 checks failed`. */
export function verdictOf({ counts, results }: Report): string {
  const ran = results.length - counts.skip;
  const said = [`${counts.fail} of ${plural(ran, 'check')} failed`, counts.stale > 0 && `${counts.stale} stale`].filter(Boolean).join(', ');
  if (counts.fail + counts.stale > 0) return said;
  return ran === 0 ? 'no check could be run' : `all ${plural(ran, 'check')} passed${counts.known > 0 ? ', or are known to fail' : ''}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(durationMs < 10_000 ? 1 : 0)} s`;
}

/** What a store said may hold anything: nothing that moves a cursor, and nothing that XML or UTF-8 forbids, goes on. */
export function clean(text: string): string {
  const plain = stripVTControlCharacters(text).replaceAll('\r\n', '\n');
  // oxlint-disable-next-line no-control-regex -- they are what is taken out
  return plain.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd');
}
