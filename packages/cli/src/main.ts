/**
 * The command line: `npx sessile`.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { parse } from './args.js';
import type { CommandName } from './catalogue.js';
import { clear } from './commands/clear.js';
import { copy } from './commands/copy.js';
import { count } from './commands/count.js';
import { ls } from './commands/ls.js';
import { ping } from './commands/ping.js';
import { prune } from './commands/prune.js';
import { revoke } from './commands/revoke.js';
import { show } from './commands/show.js';
import type { Context, Streams } from './context.js';
import { EXIT, Interrupted, shown } from './errors.js';
import { wrapped } from './format.js';
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
 * @param streams where it reads and writes. Default: the process's own.
 * @returns the exit code: 0 done, 1 failed, 2 the command is wrong, 3 no such session, 130 and 143 interrupted.
 */
export async function main(argv: readonly string[], streams: Streams = process): Promise<number> {
  const secrets: string[] = [];
  const progress = progressOn(streams.stderr);
  try {
    const request = parse(argv);
    if (request === 'help') return print(streams, overview());
    if (request === 'version') return print(streams, `${version()}\n`);
    return request.help ? print(streams, helpOf(request.command)) : await run({ request, streams, progress, secrets });
  } catch (error) {
    progress.end();
    const { code, message, exitCode } = shown(error, secrets);
    if (argv.includes('--json')) streams.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
    else tell(streams, `sessile: ${message}`);
    return exitCode;
  }
}

async function run(start: Pick<Context, 'request' | 'streams' | 'progress' | 'secrets'>): Promise<number> {
  const { request, streams, progress } = start;
  const stop = new AbortController();
  const say = (text: string) => {
    progress.end();
    tell(streams, text);
  };
  const letGo = onSignals(stop, ({ message }) => say(`Note: ${message}`));
  try {
    const work = COMMANDS[request.command]({ ...start, out: new Output(streams.stdout), signal: stop.signal, say });
    return await Promise.race([work, tooLate(stop.signal)]);
  } finally {
    letGo();
  }
}

/** @returns what takes the handlers away. */
function onSignals(stop: AbortController, warn: (warning: Error) => void): () => void {
  const interrupt = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated);
    stop.abort(new Interrupted(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM'));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('warning', warn);
  return () => process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('warning', warn);
}

/** Fails when an interrupted command has not come to its end in time: its server may be frozen. */
function tooLate(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason as Interrupted), GRACE_MS).unref());
  });
}

/** For people: on a terminal in lines that fit. */
function tell({ stderr }: Streams, text: string): void {
  const { isTTY, columns } = stderr;
  const lines = isTTY ? text.split('\n').flatMap((line) => (line.startsWith(' ') ? [line] : wrapped(line, columns || 80))) : [text];
  stderr.write(`${lines.join('\n')}\n`);
}

function print({ stdout }: Streams, text: string): number {
  stdout.write(text);
  return EXIT.ok;
}

function version(): string {
  const { version }: { version: string } = createRequire(import.meta.url)('../package.json');
  return version;
}
