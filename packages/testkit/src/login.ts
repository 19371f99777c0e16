import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from './http.js';
import { type Program, startProgram } from './programs.js';

/** How a site differs from the others that {@link assertLogin} is asked of. */
export interface LoginSite {
  /** What follows `node` on the command line. */
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** What a form of this site sends beside its fields: a token against forged ones. */
  readonly headersOf?: (visitor: Client) => Record<string, string>;
}

/**
 * A site that counts visits at `/` and has `/login` and `/logout`: each visitor has a session, a login gives it a new id, a restart keeps it, and
 * a logout ends it for whoever has the cookie. It keeps its sessions in the file that the variable `SESSIONS` names.
 *
 * @throws AssertionError where it does not.
 */
export async function assertLogin(site: LoginSite): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sessile-example-'));
  const start = () => startProgram(site.args, { env: { ...site.env, SESSIONS: join(folder, 'sessions.sqlite') } });
  try {
    const visitor = await assertBeforeRestart(site, start);
    await assertAfterRestart(site, start, visitor);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function assertBeforeRestart({ headersOf }: LoginSite, start: () => Promise<Program>): Promise<Client> {
  await using program = await start();
  const visitor = new Client(program.url);
  await assertPage(visitor, 'views: 1');
  await assertPage(visitor, 'views: 2');
  await assertPage(new Client(program.url), 'views: 1');
  const thief = visitor.keeper();
  const form = (fields: Record<string, string>) => visitor.post('/login', fields, headersOf?.(visitor));
  assert.equal((await form({})).status, 400);
  assert.equal((await form({ user: 'ada' })).status, 303);
  await assertPage(visitor, 'views: 3, user: ada');
  await assertPage(thief, 'views: 1');
  await program.stop();
  return visitor;
}

async function assertAfterRestart({ headersOf }: LoginSite, start: () => Promise<Program>, before: Client): Promise<void> {
  await using program = await start();
  const visitor = before.clone(program.url);
  await assertPage(visitor, 'views: 4, user: ada');
  const thief = visitor.keeper();
  assert.equal((await visitor.post('/logout', {}, headersOf?.(visitor))).status, 303);
  await assertPage(visitor, 'views: 1');
  await assertPage(thief, 'views: 1');
}

async function assertPage(visitor: Client, line: string): Promise<void> {
  const { status, text } = await visitor.get('/');
  assert.deepEqual({ status, text }, { status: 200, text: `${line}\n` });
}
