import { appendFileSync } from 'node:fs';
import type { Answer } from './probe.js';

/** What was measured in the outages of a store: a line each, for docs/reliability.md. `SESSILE_OUTAGES=file` keeps them. */
export class Records {
  readonly #title: string;
  readonly #lines: string[] = [];

  constructor(title: string) {
    this.#title = title;
  }

  add(outage: string, way: string, answers: readonly Answer[], recoveryMs: number): void {
    const failed = answers.filter(({ outcome }) => outcome === 'failed');
    const codes = [...new Set(failed.map(({ error }) => String(error?.code)))].sort();
    const slowest = Math.round(Math.max(0, ...failed.map(({ ms }) => ms)));
    const row = [this.#title, outage, way, `${failed.length} of ${answers.length}`, codes.join(', '), slowest, Math.round(recoveryMs)];
    this.#lines.push(`| ${row.join(' | ')} |\n`);
  }

  show(): void {
    const file = process.env['SESSILE_OUTAGES'];
    if (file !== undefined) appendFileSync(file, this.#lines.join(''));
  }
}
