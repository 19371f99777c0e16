import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { FoundSession, StoredSession, StoredSessions } from '@sessile/core/stored';
import { namespace } from '@sessile/testkit';
import { afterAll, onTestFinished } from 'vitest';
import type { Streams } from '../src/context.js';
import { main } from '../src/main.js';
import { openStore } from '../src/stores/open.js';
import { type Kind, placeOf } from '../src/url.js';

const BIN = fileURLToPath(new URL('../bin/sessile.js', import.meta.url));

/** A scratch folder of this test file. */
export const folder = mkdtempSync(join(tmpdir(), 'sessile-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a command did. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
}

export function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [BIN, ...args], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = new Promise<Ran>((resolve) => child.once('close', (code) => resolve({ code, ...said })));
  return { child, ended };
}

/** A command in this process: the same as by itself, but for the second that a process takes to start on a busy machine. */
export async function sessile(...args: string[]): Promise<Ran> {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const texts = [streams.stdout, streams.stderr].map((stream) => text(stream));
  const code = await main(args, streams as unknown as Streams);
  for (const stream of Object.values(streams)) stream.end();
  const [stdout = '', stderr = ''] = await Promise.all(texts);
  return { code, stdout, stderr };
}

/** A command that must succeed, with `--json`: what it printed. */
export async function json(...args: string[]): Promise<any> {
  const { code, stdout, stderr } = await sessile(...args, '--json');
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

/** A kind of store on a real server. */
export interface Site {
  readonly title: string;
  readonly kind: Kind;
  readonly skip: string | undefined;
  /** The URL of an empty store that no other test has. */
  url(): string;
}

export const sqlite: Site = {
  title: 'sqlite',
  kind: 'sqlite',
  skip: undefined,
  url: () => `sqlite:${join(folder, `${namespace()}.sqlite`)}`,
};

/** Past the command line. Closed with the test, or by whoever opened it in a hook. */
export async function open(url: string): Promise<StoredSessions & { done(): Promise<void> }> {
  const store = await openStore(placeOf(url), 'fill', 30_000);
  return Object.assign(store.sessions, { done: () => store.close() });
}

export async function opened(url: string): Promise<StoredSessions> {
  const sessions = await open(url);
  onTestFinished(() => sessions.done());
  return sessions;
}

/** All of a store's sessions, by id. */
export async function all(url: string): Promise<Map<string, FoundSession>> {
  const sessions = await open(url);
  const found = new Map<string, FoundSession>();
  for await (const page of sessions.pages()) for (const session of page) found.set(session.id, session);
  await sessions.done();
  return found;
}

/** Fails where one could not be stored. */
export async function put(url: string, all: readonly StoredSession[]): Promise<void> {
  const sessions = await open(url);
  const failure = (await sessions.write(all)).find((outcome) => outcome !== undefined);
  await sessions.done();
  if (failure !== undefined) throw failure;
}

export function stored(id: string, data: object, ms = 3_600_000): StoredSession {
  return { id, payload: JSON.stringify(data), expiresAt: Date.now() + ms };
}
