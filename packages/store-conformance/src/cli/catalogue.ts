import { linkTo } from '../failure.js';
import type { Check, Need } from '../types.js';

const ID_WIDTH = 9;
const LEVEL_WIDTH = 8;

/** A line for each check: its id, its level and its title. */
export function listing(checks: readonly Check[]): string {
  return checks.map(({ id, level, title }) => `${id.padEnd(ID_WIDTH)}${level.padEnd(LEVEL_WIDTH)}${title}\n`).join('');
}

/** What each check asks, why, and what to do. */
export function explanation(checks: readonly Check[]): string {
  return checks.map(explain).join('\n');
}

function explain({ id, level, since, title, why, mend, needs = [], timed }: Check): string {
  const rows: [string, string][] = [
    ['why', why],
    ['mend', mend],
    ['contract', linkTo(id)],
    ['needs', needs.map(inWords).join(', ')],
    ['time', timed ? 'waits for sessions to expire, unless the target can advance()' : ''],
  ];
  const told = rows.filter(([, text]) => text !== '').map(([label, text]) => `  ${`${label}:`.padEnd(10)}${text}\n`);
  return `${id} (${level}, since ${since}): ${title}\n${told.join('')}`;
}

const HOOKS: ReadonlySet<Need> = new Set(['reopen', 'spoil', 'second', 'neighbour', 'disrupt', 'rows', 'module']);

function inWords(need: Need): string {
  if (need === 'callbacks') return 'a store that takes callbacks';
  if (need === 'promises') return 'a store that returns promises';
  if (need === 'driver') return 'a bare driver as the target';
  return HOOKS.has(need) ? `"${need}" in the target` : `${need}() in the store`;
}
