/**
 * The command line: `npx @sessile/store-conformance`.
 *
 * @module
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { styleText } from 'node:util';
import { htmlReport } from '../reports/html.js';
import { jsonReport } from '../reports/json.js';
import { junitReport } from '../reports/junit.js';
import { markdownReport } from '../reports/markdown.js';
import { terminalReport } from '../reports/terminal.js';
import { clean } from '../reports/text.js';
import { choose, kitVersion, seedOfThisRun } from '../run.js';
import type { Check, Report } from '../types.js';
import { explanation, listing } from './catalogue.js';
import { quoted } from './command.js';
import { init } from './init.js';
import { type Format, type Options, parse, USAGE, UsageError } from './options.js';
import { Progress, Silence } from './progress.js';
import { Supervisor } from './supervisor.js';
import { UnusableTarget } from './worker.js';

const PASSED = 0;
const FAILED = 1;
const UNUSABLE = 2;

const WRITERS: Readonly<Record<Format, (reports: readonly Report[]) => string>> = {
  json: jsonReport,
  junit: junitReport,
  markdown: markdownReport,
  html: htmlReport,
};

/**
 * Does what a command line asks.
 *
 * @param argv the arguments, without those of Node.
 * @returns the exit code: 0 where all is well, 1 where a check failed or is stale, 2 where the command is wrong or the
 *   target cannot be loaded.
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await follow(parse(argv));
  } catch (error) {
    return complain(error);
  }
}

async function follow(options: Options): Promise<number> {
  const { command, place = '.' } = options;
  if (command === 'run') return run(options);
  if (command === 'help') return print(USAGE);
  if (command === 'version') return print(`${kitVersion()}\n`);
  if (command === 'init') return print(init(place));
  if (command === 'explain') return print(explanation(chosen({ ...options, only: options.explain })));
  return print(listing(chosen(options)));
}

async function run(options: Options): Promise<number> {
  const reports = await supervised(options);
  const human = [...options.files.values()].includes('-') ? process.stderr : process.stdout;
  human.write(terminalReport(reports, { colors: hasColors(human), ...(human.columns && { width: human.columns }) }));
  for (const [format, file] of options.files) write(file, WRITERS[format](reports));
  return reports.every(({ ok }) => ok) ? PASSED : FAILED;
}

async function supervised(options: Options): Promise<Report[]> {
  const { place = '', limitMs } = options;
  const file = resolve(place);
  if (!existsSync(file)) throw new UsageError(`there is no file ${place}`);
  const checks = chosen(options);
  const seed = options.seed ?? seedOfThisRun();
  const watcher = process.stderr.isTTY ? new Progress(process.stderr) : new Silence(process.stderr);
  const again = (check: Check): string => againByCommand(place, check, seed);
  const supervisor = new Supervisor({ file, checks, limitMs, seed, again, watcher });
  const letGo = endWith(supervisor);
  try {
    return await supervisor.run();
  } finally {
    letGo();
    watcher.stop();
  }
}

function againByCommand(place: string, { id, seeded }: Check, seed: number): string {
  return `npx @sessile/store-conformance ${quoted(place)} --only ${id}${seeded ? ` --seed ${seed}` : ''}`;
}

/** A store that blocks its process would outlive this one. Returns what takes the handlers away. */
function endWith(supervisor: Supervisor): () => void {
  const kill = (): void => supervisor.kill();
  const interrupt = (signal: NodeJS.Signals): void => {
    kill();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.on('exit', kill).on('SIGINT', interrupt).on('SIGTERM', interrupt);
  return () => process.off('exit', kill).off('SIGINT', interrupt).off('SIGTERM', interrupt);
}

function chosen({ only, level }: Options): readonly Check[] {
  try {
    return choose({ level, ...(only && { only }) });
  } catch (error) {
    throw new UsageError(error instanceof Error ? `${error.message} (--list prints all)` : '', { cause: error });
  }
}

/** NO_COLOR and FORCE_COLOR are what Node makes of them. */
function hasColors(stream: NodeJS.WriteStream): boolean {
  return styleText('red', 'x', { stream }) !== 'x';
}

function write(file: string, text: string): void {
  if (file === '-') return void process.stdout.write(text);
  try {
    mkdirSync(dirname(resolve(file)), { recursive: true });
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return PASSED;
}

function complain(error: unknown): number {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\nSee npx @sessile/store-conformance --help\n`);
  else if (error instanceof UnusableTarget) process.stderr.write(`The target cannot be loaded: ${clean(error.message)}\n`);
  else throw error;
  return UNUSABLE;
}
