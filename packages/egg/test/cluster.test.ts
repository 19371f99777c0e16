import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, freePorts, startProgram } from '@sessile/testkit';
import { expect, it, onTestFinished } from 'vitest';

const start = fileURLToPath(new URL('fixtures/cluster/start.js', import.meta.url));
const cache = fileURLToPath(new URL('../../../node_modules/.cache/egg-cluster-', import.meta.url));

async function startCluster() {
  const scratch = mkdtempSync(cache);
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  const [port] = await freePorts(1);
  const env = { PORT: `${port}`, SCRATCH: scratch, SESSIONS: join(scratch, 'sessions.sqlite'), EGG_SERVER_ENV: 'prod' };
  const program = await startProgram([start], { env });
  onTestFinished(async () => void (await program.stop()));
  return program;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('two workers share their sessions, and leave no process behind', async () => {
  const cluster = await startCluster();
  const visitor = new Client(cluster.url);
  const ask = async (path: string) => JSON.parse((await visitor.get(path)).text) as { pid: number; session: Record<string, number> };
  const { pid: first } = await ask('/set/login');
  /** Asks until the other worker answers: connections go round. */
  const other = async (path: string) => {
    let answer = await ask(path);
    while (answer.pid === first) answer = await ask(path);
    return answer;
  };
  const { pid: second, session } = await other('/set/seen');
  expect(session).toEqual({ login: first, seen: second });
  expect((await other('/logout')).session).toBeNull();
  for (let worker = 0; worker !== first;) {
    const answer = await ask('/');
    expect(answer.session).toEqual({});
    worker = answer.pid;
  }

  const processes = [...cluster.output().matchAll(/^process (\d+)$/gm)].map(([, pid]) => Number(pid));
  expect(processes).toHaveLength(3);
  expect(processes).toEqual(expect.arrayContaining([first, second]));
  await cluster.stop();
  await expect.poll(() => processes.filter(isAlive), { timeout: 20_000 }).toEqual([]);
});
