import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why there is none, or undefined. CI requires it. */
export function missingPgBouncer(): string | undefined {
  try {
    execFileSync('pgbouncer', ['--version']);
    return undefined;
  } catch {
    if (/all|postgres/.test(process.env['SESSILE_REQUIRE'] ?? '')) throw new Error('SESSILE_REQUIRE: pgbouncer is not installed');
    return 'pgbouncer is not installed';
  }
}

/** A PgBouncer before a server, which hands out connections by the transaction. Stops with `await using`. */
export async function pgBouncer(url: string, options: string[] = []): Promise<{ url: string } & AsyncDisposable> {
  const { hostname, port, pathname } = new URL(url);
  const folder = mkdtempSync(join(tmpdir(), 'sessile-pgbouncer-'));
  chmodSync(folder, 0o755);
  const own = await freePort();
  writeFileSync(join(folder, 'users.txt'), '"postgres" ""\n');
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    [
      ...['[databases]', `${pathname.slice(1)} = host=${hostname} port=${port}`],
      ...['[pgbouncer]', 'listen_addr = 127.0.0.1', `listen_port = ${own}`, 'unix_socket_dir ='],
      ...['auth_type = trust', `auth_file = ${join(folder, 'users.txt')}`, 'pool_mode = transaction', 'default_pool_size = 3', ...options],
    ].join('\n'),
  );
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const bouncer = spawn('pgbouncer', [...asUser, join(folder, 'pgbouncer.ini')], { stdio: 'ignore' });
  await answers(own, bouncer);
  return { url: `postgres://postgres@127.0.0.1:${own}${pathname}`, [Symbol.asyncDispose]: () => stop(bouncer, folder) };
}

async function stop(bouncer: ChildProcess, folder: string): Promise<void> {
  const ended = once(bouncer, 'exit');
  bouncer.kill('SIGKILL');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Polls until it accepts a connection; fails when it has ended. */
async function answers(port: number, bouncer: ChildProcess): Promise<void> {
  while (bouncer.exitCode === null) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`pgbouncer ended with ${bouncer.exitCode}`);
}
