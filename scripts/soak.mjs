/**
 * Lets many use every store that has a server, while servers are frozen and killed and networks fail, and tells what was lost.
 * `npm run soak -- --help`
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { newSeed } from '@sessile/testkit';
import { NAMES } from './soak-stores.mjs';

const HELP = `Usage: npm run soak -- [store ...] [options]

Writers, readers, updaters and those who log in and out, on two stores each of ${NAMES.join(', ')} (all of them by default),
while their servers are frozen, killed and restarted and the network before them refuses, swallows, delays, cuts and resets.
Fails where a store loses a write that it has acknowledged, makes one twice, gives somebody another's session, says that there is
none, brings one back after a logout, answers late or with a code that docs/errors.md does not have for an outage, does not work
again by itself, leaves an error unhandled, or takes more and more memory.

  --minutes N   for how long (default 1.75; SESSILE_SOAK_SECONDS in the environment)
  --seed N      what happens, in which order (default: another one each time; SESSILE_SEED)
  --help`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } },
});

if (values.help === true) console.log(HELP);
else process.exitCode = (await main()) ? 0 : 1;

async function main() {
  const names = positionals.length > 0 ? positionals : NAMES;
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`There is no store "${unknown}". Pass some of: ${NAMES.join(', ')}.`);
  const seconds = values.minutes === undefined ? number('SESSILE_SOAK_SECONDS', process.env.SESSILE_SOAK_SECONDS ?? '105') : minutes();
  const seed = values.seed === undefined ? newSeed() : number('--seed', values.seed);
  console.log(`Soaking ${names.join(', ')} for ${seconds} s each, all at once. To do the same again: --seed ${seed}`);
  const results = await Promise.all(names.map((name, index) => soakOne(name, seconds, seed + index)));
  console.log(`\n${table(results)}`);
  for (const { title, troubles = {}, codes = {} } of results) console.log(`${title}: ${list(troubles)}; calls failed with ${list(codes)}`);
  for (const { title, findings = [] } of results) for (const finding of findings) console.log(`${title}: ${finding}`);
  const failed = results.filter(({ findings = [] }) => findings.length > 0);
  console.log(failed.length === 0 ? '\nNothing was lost.' : `\nFAILED: ${failed.map(({ title }) => title).join(', ')} (--seed ${seed})`);
  return failed.length === 0;
}

function list(counts) {
  const some = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return some.length === 0 ? 'nothing' : some.join(', ');
}

function minutes() {
  return number('--minutes', values.minutes) * 60;
}

function number(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} takes a number above 0, not "${text}".`);
  return value;
}

/** In a process of its own, whose memory and unhandled errors are the store's. */
function soakOne(name, seconds, seed) {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(new URL('soak-one.mjs', import.meta.url)), [name, String(seconds), String(seed)]);
    let result;
    child.on('message', (message) => (result = message));
    child.on('exit', (code, signal) =>
      resolve(result ?? { title: name, findings: [`its process ended with ${signal ?? `code ${code}`}`] }),
    );
  });
}

function table(results) {
  const rows = results.map(rowOf);
  const head = [
    'store',
    'server',
    'calls',
    'failed',
    'writes acknowledged',
    'troubles',
    'slowest call',
    'works again after',
    'memory, MB',
    'breaches',
  ];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

function rowOf({
  title,
  server = '',
  skip,
  calls = 0,
  failed = 0,
  acknowledged = 0,
  troubles = {},
  slowestMs,
  recoveryMs,
  usedMb = [],
  breaches = {},
}) {
  if (skip !== undefined) return [title, `skipped: ${skip}`, ...Array.from({ length: 8 }, () => '')];
  const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);
  const ms = (value) => (value === undefined ? '' : `${value} ms`);
  const counts = [calls, failed, acknowledged, sum(troubles)].map((count) => count.toLocaleString('en'));
  return [title, server, ...counts, ms(slowestMs), ms(recoveryMs), usedMb.join(', '), String(sum(breaches))];
}
