import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './ports.js';
import { untilReady } from './probes.js';
import type { Recipe } from './recipes.js';
import type { OwnServer, ServerOptions } from './types.js';

const run = promisify(execFile);

/** The path of a program, or undefined. */
function find(name: string, folders: readonly string[] = []): string | undefined {
  const paths = [...folders, ...(process.env['PATH'] ?? '').split(delimiter)].map((folder) => join(folder, name));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A user's ids, for a server that refuses to run as root. */
function idsOf(user: string | undefined): { uid: number; gid: number } | undefined {
  if (user === undefined || process.getuid?.() !== 0) return undefined;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${user}:`));
  const [, , uid, gid] = entry?.split(':') ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/**
 * Starts a server of this machine, on free ports, in a scratch folder that goes with it.
 *
 * @throws Error where the program is not installed, or a small disk is asked for.
 */
export async function onThisMachine(recipe: Recipe, { args = [], diskMb }: ServerOptions): Promise<OwnServer> {
  if (diskMb !== undefined) throw new Error('a small disk needs a container');
  const { local } = recipe;
  const binary = local && find(local.binary, local.folders);
  if (local === undefined || binary === undefined) throw new Error(`${local?.binary ?? 'a server of that release'} is not on this machine`);
  const ids = idsOf(local.user);
  const folder = mkdtempSync(join(tmpdir(), 'sessile-server-'));
  if (ids) chownSync(folder, ids.uid, ids.gid);
  const [program, ...preparing] = local.prepare?.(binary, folder) ?? [];
  if (program !== undefined) await run(program, preparing, { cwd: folder, ...ids });
  const ports = await freePorts(recipe.size ?? 1);
  const processes = new Processes(binary, ports, (port) => [...local.args(port, folder, ports), ...args], { cwd: folder, ...ids });
  processes.start();
  await joined(recipe, ports);
  return serverOf(recipe, ports, processes, folder);
}

async function joined(recipe: Recipe, ports: readonly number[]): Promise<void> {
  const { join: joining } = recipe;
  if (joining !== undefined) {
    const program = find(joining.binary);
    if (program === undefined) throw new Error(`${joining.binary} is not on this machine`);
    // They accept connections, though not yet as one.
    await untilReady(joining.alone, ports);
    await run(program, [...joining.args(ports)]);
  }
  await untilReady(recipe.probe, ports);
}

/** A worker of a test runner is ended without being asked: on Linux the kernel ends what it started. */
const DIES_WITH_US = process.platform === 'linux' && find('setpriv') !== undefined ? ['setpriv', '--pdeathsig', 'KILL'] : [];

const started = new Set<Processes>();

// Nothing that was started here outlives this process, also when it ends by an error.
process.once('exit', () => {
  for (const processes of started) processes.signal('SIGKILL');
});

/** The processes of one server or cluster. */
class Processes {
  #running: ChildProcess[] = [];

  constructor(
    readonly binary: string,
    readonly ports: readonly number[],
    readonly args: (port: number) => readonly string[],
    readonly options: { cwd: string; uid?: number; gid?: number },
  ) {
    started.add(this);
  }

  /** Each leads a group of its own: what ends the tests from the keyboard leaves them to us. */
  start(): void {
    const options = { ...this.options, stdio: 'ignore', detached: true } as const;
    this.#running = this.ports.map((port) => {
      const [program, ...args] = [...DIES_WITH_US, this.binary, ...this.args(port)] as [string, ...string[]];
      return spawn(program, args, options);
    });
  }

  signal(signal: NodeJS.Signals): void {
    for (const { pid } of this.#alive) for (const each of family(pid as number)) send(each, signal);
  }

  get #alive(): readonly ChildProcess[] {
    return this.#running.filter((child) => child.exitCode === null && child.signalCode === null);
  }

  /** A signal takes a moment: a server that is still running answers. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP');
    while (!this.#alive.flatMap(({ pid }) => family(pid as number)).every(isStopped)) await new Promise(setImmediate);
  }

  /** @param signal by default what no process can put off. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = this.#alive.map((child) => once(child, 'exit'));
    this.signal(signal);
    await Promise.all(ended);
    this.#running = [];
  }
}

/** It may have ended since it was seen. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone.
  }
}

/** A process and those that it started: PostgreSQL has one for each connection. Linux tells; elsewhere it is the process alone. */
function family(pid: number): number[] {
  const parents = parentsOfAll();
  const found = [pid];
  for (const member of found) for (const [child, parent] of parents) if (parent === member) found.push(child);
  return found;
}

function parentsOfAll(): readonly (readonly [pid: number, parent: number])[] {
  const pids = existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return pids.map((pid) => [Number(pid), parentOf(pid)]);
}

/** The second field after the name, which stands in brackets and may hold anything. */
function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return -1;
  }
}

/** Linux tells; elsewhere it is taken on trust. */
function isStopped(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.every((thread) => / T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')));
  } catch {
    return true;
  }
}

function serverOf(recipe: Recipe, ports: readonly number[], processes: Processes, folder: string): OwnServer {
  const urls = ports.map((port) => recipe.url(port));
  const start = async () => {
    processes.start();
    await untilReady(recipe.probe, ports);
  };
  return {
    url: urls[0] as string,
    urls,
    from: `${recipe.local?.binary} of this machine`,
    freeze: () => processes.freeze(),
    thaw: async () => processes.signal('SIGCONT'),
    kill: () => processes.kill(),
    start,
    async restart() {
      await processes.kill(recipe.stopSignal ?? 'SIGTERM');
      await start();
    },
    async stop() {
      await processes.kill();
      started.delete(processes);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
