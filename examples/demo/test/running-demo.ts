/** The demo as a process of its own, and a browser's share of HTTP for those who have none. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startProgram } from '@sessile/testkit';
import { onTestFinished } from 'vitest';

const serverFile = path.join(import.meta.dirname, '..', 'server.js');

export interface RunningDemo {
  url: string;
  /** Sends SIGTERM, and says how the process ended. */
  stop(): Promise<number | null>;
}

/** A folder that is removed when the test is over. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'sessile-demo-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const scratchStore = () => `sqlite:${path.join(scratchFolder(), 'demo.sqlite')}`;

const ENV = { SESSION_SECRET: undefined, HOST: undefined };

/** Starts the demo on a free port, or on the one of an earlier URL, and waits for the line that tells where it is. */
export async function startDemo({ store = scratchStore(), minutes = '30', url = '' } = {}): Promise<RunningDemo> {
  const PORT = new URL(url || 'http://localhost:0').port || '0';
  const demo = await startProgram([serverFile, '--store', store, '--minutes', minutes], { env: { ...ENV, PORT } });
  onTestFinished(() => void demo.stop('SIGKILL'));
  return demo;
}

/** For a demo that is not meant to start: what it wrote, and its exit code. */
export async function demoThatEnds(args: string[]): Promise<{ output: string; code: number | null }> {
  const env = { ...process.env, ...ENV, PORT: '0' };
  const child = spawn(process.execPath, [serverFile, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { output, code };
}

// oxlint-disable-next-line typescript/no-explicit-any -- answers are checked by what the tests expect of them
type Json = any;

/** One browser, as far as HTTP goes: keeps its cookie, and remembers all that it was told. */
export class Visitor {
  cookie = '';
  readonly told: string[] = [];

  constructor(readonly url: string) {}

  get = (address: string) => this.#call(address, {});

  post = (address: string, body: object = {}, headers: Record<string, string> = { 'X-Sessile-Demo': '1' }) =>
    this.#call(address, { method: 'POST', body: JSON.stringify(body), headers: { ...headers, 'Content-Type': 'application/json' } });

  /** The session id that is in the cookie's `s:<sid>.<signature>`. */
  get sid(): string {
    return sidOf(this.cookie.slice(this.cookie.indexOf('=') + 1));
  }

  async #call(address: string, init: RequestInit): Promise<{ status: number; body: Json }> {
    const response = await fetch(this.url + address, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), cookie: this.cookie },
    });
    this.#keepCookie(response);
    const text = await response.text();
    this.told.push(text);
    return { status: response.status, body: JSON.parse(text) };
  }

  #keepCookie(response: Response): void {
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0];
    if (cookie !== undefined) this.cookie = cookie.endsWith('=') ? '' : cookie;
  }
}

export const sidOf = (cookieValue: string): string => decodeURIComponent(cookieValue).replace(/^s:/, '').split('.')[0] ?? '';

/** The two forms of a session id that nobody must be told. */
export const secretsOf = (sid: string): string[] => [sid, createHash('sha256').update(sid).digest('hex')];
