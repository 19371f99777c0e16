import type { ConformanceFailure } from '../failure.js';
import type { Report, Result } from '../types.js';
import { listOf, type Reports } from './text.js';

/** Raised when a program that reads the report would have to change. */
const FORMAT = 1;

/**
 * The report for programs: `{ format, ok, reports: [{ target, kit, contract, node, date, durationMs, seed, ok, counts, results }] }`.
 * A failure is an object of texts.
 */
export function jsonReport(reports: Reports): string {
  const list = listOf(reports);
  return `${JSON.stringify({ format: FORMAT, ok: list.every(({ ok }) => ok), reports: list.map(plain) }, undefined, 2)}\n`;
}

function plain({ results, ...report }: Report): object {
  return { ...report, results: results.map(plainResult) };
}

function plainResult({ failure, ...result }: Result): object {
  return failure ? { ...result, failure: plainFailure(failure) } : result;
}

function plainFailure({ rule, step, expected, got, why, mend, link, again }: ConformanceFailure): object {
  return { rule, step, expected, got, why, mend, link, again };
}
