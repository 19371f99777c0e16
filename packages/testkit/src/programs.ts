import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** How long a program may take to say where it serves, on a machine that has others to serve. */
const START_MS = 20_000;

/** A program of this repository, running as a process of its own. */
export interface Program extends AsyncDisposable {
  /** Where it serves, without a path. */
  readonly url: string;
  readonly pid: number;
  /** All that it has written, to either stream. */
  readonly output: () => string;
  /**
   * Ends it, if it has not ended yet.
   *
   * @param signal default `SIGTERM`.
   * @returns how it ended: the exit code, or null where the signal did it.
   */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/**
 * Starts a program that serves on the port `PORT`, a free one, and waits until it writes where: the first line with `http://…`.
 *
 * @param args what follows `node` on the command line.
 * @param options.env stands beside the environment of the tests.
 * @throws Error with all that it wrote, where it ends before, or says nothing for 20 s.
 */
export async function startProgram(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Program> {
  const env = { ...process.env, PORT: '0', ...options.env };
  const child = spawn(process.execPath, args, { ...options, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const url = await announced(child, () => output);
  const stop = (signal?: NodeJS.Signals) => ended(child, signal);
  return { url, pid: child.pid!, output: () => output, stop, [Symbol.asyncDispose]: async () => void (await stop('SIGKILL')) };
}

async function announced(child: ChildProcess, output: () => string): Promise<string> {
  const timer = setTimeout(() => child.kill(), START_MS);
  try {
    return await urlOf(child, output);
  } finally {
    clearTimeout(timer);
  }
}

function urlOf(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout!.on('data', () => {
      const url = /http:\/\/[^\s/]+/.exec(output())?.[0];
      if (url !== undefined) resolve(url);
    });
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`The program ended with ${code}:\n${output()}`)));
  });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null && child.kill(signal)) await once(child, 'close');
  return child.exitCode;
}
