/**
 * The command line: `npx sessile`.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { type Request, parse } from './args.js';
import type { CommandName } from './catalogue.js';
import { clear } from './commands/clear.js';
import { copy } from './commands/copy.js';
import { count } from './commands/count.js';
import { ls } from './commands/ls.js';
import { ping } from './commands/ping.js';
import { prune } from './commands/prune.js';
import { revoke } from './commands/revoke.js';
import { show } from './commands/show.js';
import type { Context } from './context.js';
import { EXIT, Interrupted, shown } from './errors.js';
import { helpOf, overview } from './help.js';
import { Output } from './output.js';
import { progressOn } from './progress.js';

const COMMANDS: Readonly<Record<CommandName, (context: Context) => Promise<number>>> = {
  ls,
  show,
  revoke,
  count,
  prune,
  clear,
  copy,
  ping,
};

/** How long a batch may take to its end after Ctrl-C. A second one ends at once. */
const GRACE_MS = 5000;

/**
 * Does what a command line asks.
 *
 * @param argv the arguments, without those of Node.
 * @returns the exit code: 0 done, 1 failed, 2 the command is wrong, 3 no such session, 130 and 143 interrupted.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const secrets: string[] = [];
  const wantsJson = argv.includes('--json');
  const progress = progressOn(process.stderr);
  try {
    const request = parse(argv);
    if (request === 'help') return print(overview());
    if (request === 'version') return print(`${version()}\n`);
    return request.help ? print(helpOf(request.command)) : await run(request, { progress, secrets });
  } catch (error) {
    progress.end();
    const { code, message, exitCode } = shown(error, secrets);
    process.stderr.write(wantsJson ? `${JSON.stringify({ error: { code, message } })}\n` : `sessile: ${message}\n`);
    return exitCode;
  }
}

async function run(request: Request, { progress, secrets }: Pick<Context, 'progress' | 'secrets'>): Promise<number> {
  const stop = new AbortController();
  const letGo = onSignals(stop);
  const say = (text: string) => {
    progress.end();
    process.stderr.write(`${text}\n`);
  };
  const warn = ({ message }: Error) => say(`Note: ${message}`);
  // In words of ours, in place of Node's.
  process.removeAllListeners('warning').on('warning', warn);
  const goOn = () => stop.signal.throwIfAborted();
  try {
    const work = COMMANDS[request.command]({ request, out: new Output(process.stdout), progress, goOn, secrets, say });
    return await Promise.race([work, tooLate(stop.signal)]);
  } finally {
    letGo();
  }
}

/** @returns what takes the handlers away. */
function onSignals(stop: AbortController): () => void {
  const interrupt = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated);
    stop.abort(new Interrupted(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM'));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  return () => process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
}

/** Fails when an interrupted command has not come to its end in time: its server may be frozen. */
function tooLate(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason as Interrupted), GRACE_MS).unref());
  });
}

function print(text: string): number {
  process.stdout.write(text);
  return EXIT.ok;
}

function version(): string {
  const { version }: { version: string } = createRequire(import.meta.url)('../package.json');
  return version;
}
