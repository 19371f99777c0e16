/**
 * The process that runs the checks, so that a store can end it, block it or fill its memory without ending the run. The
 * command line starts it, and starts it again.
 *
 * @module
 */
import { inspect } from 'node:util';
import { checks as catalogue } from '../checks/index.js';
import { ConformanceRun } from '../run.js';
import type { Check, Result, Target } from '../types.js';
import { loadTargets, NoTarget } from './load.js';
import type { Message, Order, Told } from './messages.js';

const BEAT_MS = 200;
/** More of an error would only fill the screen. */
const SAID_MAX = 2000;

const targets = new Map<number, Target>();

process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => void follow(order));
// Checks that run alone set these aside: what comes here is from one of those that run side by side.
process.on('uncaughtException', (error) => void end(error));
process.on('unhandledRejection', (error) => void end(error));
setInterval(() => void tell({ type: 'beat' }), BEAT_MS).unref();
await open(process.argv[2] ?? '');

async function open(file: string): Promise<void> {
  try {
    const loaded = await loadTargets(file);
    loaded.forEach((target, i) => targets.set(i, target));
    await tell({ type: 'ready', targets: loaded.map(({ name, known }) => ({ name, known: known ?? {} })) });
  } catch (error) {
    await tell({ type: 'unusable', reason: error instanceof NoTarget ? error.message : said(error) });
  }
}

async function follow({ target: number, ids, limitMs, seed }: Order): Promise<void> {
  const target = targets.get(number);
  if (!target) throw new Error('no such target');
  const run = new ConformanceRun(target, { checks: catalogue.filter(({ id }) => ids.includes(id)), only: [], limitMs, seed });
  for (const check of run.checks.filter(({ timed }) => !timed)) await runOne(run, check);
  await runSideBySide(run);
  await tell({ type: 'done' });
}

/** The start is told before the check may block or end this process. */
async function runOne(run: ConformanceRun, check: Check): Promise<void> {
  await tell({ type: 'start', id: check.id });
  await tell({ type: 'result', told: inWords(await run.result(check)) });
}

async function runSideBySide(run: ConformanceRun): Promise<void> {
  const timed = run.checks.filter((check) => check.timed);
  for (const { id } of timed) await tell({ type: 'start', id });
  await Promise.all(timed.map(async (check) => tell({ type: 'result', told: inWords(await run.result(check)) })));
}

function inWords({ id, status, reason, failure, durationMs }: Result): Told {
  const seen = failure && { step: failure.step, expected: failure.expected, got: failure.got };
  return { id, status, reason, seen, durationMs };
}

async function end(error: unknown): Promise<never> {
  await tell({ type: 'uncaught', error: said(error) });
  process.exit(1);
}

function said(error: unknown): string {
  return (error instanceof Error ? (error.stack ?? error.message) : inspect(error)).slice(0, SAID_MAX);
}

/** Settles when the message has left this process. */
function tell(message: Message): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}
