import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { open, raw } from './servers.js';

const PROGRAM = 'redis-server';

/** Sentinels and servers tell each other their addresses, so all of them run on this machine, not in containers. */
function lacking(): string | undefined {
  try {
    execFileSync(PROGRAM, ['--version']);
    return undefined;
  } catch {
    return `${PROGRAM} is not on this machine`;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Process {
  port: number;
  url: string;
  kill(): void;
}

/** Starts a program of Redis with the lines of a configuration. */
async function start(lines: readonly string[], ...args: string[]): Promise<Process> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'sessile-sentinel-'));
  const file = join(folder, 'redis.conf');
  writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...lines].join('\n'));
  const child = spawn(PROGRAM, [file, ...args], { stdio: 'ignore' });
  const kill = () => void child.kill('SIGKILL');
  onTestFinished(() => {
    kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return { port, url: `redis://127.0.0.1:${port}`, kill };
}

const DATA = ['save ""', 'repl-diskless-sync-delay 0'];

const reason = lacking();

describe.skipIf(reason !== undefined)(`RedisStore: sentinels (${reason ?? 'of this machine'})`, () => {
  it('serves what they call the primary, and the next one after a failover', { timeout: 60_000 }, async () => {
    const first = await start(DATA);
    const second = await start([...DATA, `replicaof 127.0.0.1 ${first.port}`]);
    await expect.poll(() => raw(second.url).info('replication'), { timeout: 10_000 }).toContain('master_link_status:up');
    const watch = [`sentinel monitor site 127.0.0.1 ${first.port} 1`, 'sentinel down-after-milliseconds site 500'];
    const sentinel = await start(watch, '--sentinel');
    await expect.poll(() => raw(sentinel.url).call('sentinel', 'replicas', 'site'), { timeout: 20_000 }).toHaveLength(1);
    const store = open({ connection: { sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: 'site' }, timeoutMs: 2000 });
    await store.set('s', { n: 1 });
    expect(await raw(first.url).get('sess:s')).toBe('{"n":1}');
    await raw(first.url).wait(1, 5000);
    first.kill();
    const works = async () =>
      store.set('t', { n: 2 }).then(
        () => true,
        () => false,
      );
    await expect.poll(works, { timeout: 30_000, interval: 100 }).toBe(true);
    expect(await store.get('s')).toEqual({ n: 1 });
    expect(await raw(second.url).get('sess:t')).toBe('{"n":2}');
  });
});
