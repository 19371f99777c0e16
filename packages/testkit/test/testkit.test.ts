import { connect } from 'node:net';
import { backend, type BackendName, namespace, ownServer, proxyTo } from '@sessile/testkit';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

/** Asks a line protocol one question on a connection of its own; rejects when it is refused or silent. */
function ask(url: string, question = 'PING\r\n'): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: 300 }, () => socket.write(question));
    const fail = (reason: string) => () => {
      socket.destroy();
      reject(new Error(reason));
    };
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(String(answer));
    });
    socket.once('error', reject).once('timeout', fail('silent')).once('close', fail('closed'));
  });
}

async function own(name: BackendName) {
  const server = await ownServer(name);
  if (server.skip !== undefined) throw new Error(server.skip);
  onTestFinished(() => server.stop());
  return server;
}

const redis = await backend('redis');

describe.skipIf(redis.skip !== undefined)(`a server (${redis.skip ?? redis.from})`, () => {
  it('is shared by all that ask for it', async () => {
    expect(await ask(redis.url ?? '')).toBe('+PONG\r\n');
    expect(await backend('redis')).toEqual(redis);
  });

  it('of a test is its own, and can be frozen, killed and started again at the same address', async () => {
    const server = await own('redis');
    expect(server.url).not.toBe(redis.url);
    await server.freeze();
    await expect(ask(server.url)).rejects.toThrow('silent');
    await server.thaw();
    expect(await ask(server.url)).toBe('+PONG\r\n');
    await server.kill();
    await expect(ask(server.url)).rejects.toThrow();
    await server.start();
    expect(await ask(server.url)).toBe('+PONG\r\n');
  });

  it('behind a proxy can be out of reach, silent and back', async () => {
    const proxy = await proxyTo((await own('redis')).url);
    onTestFinished(() => proxy.close());
    expect(await ask(proxy.url)).toBe('+PONG\r\n');
    await proxy.refuse();
    await expect(ask(proxy.url)).rejects.toThrow('ECONNREFUSED');
    await proxy.restore();
    proxy.stall();
    await expect(ask(proxy.url)).rejects.toThrow('silent');
    await proxy.restore();
    expect(await ask(proxy.url)).toBe('+PONG\r\n');
  });
});

describe('a server that cannot be had', () => {
  it('is skipped with a reason that says what to do, unless it is required', async () => {
    vi.stubEnv('SESSILE_SERVERS', 'none');
    vi.stubEnv('SESSILE_REQUIRE', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { skip } = await ownServer('redis');
    expect(skip).toMatch(/no redis server .*set SESSILE_REDIS_URL, start Docker, or install it/);
    for (const required of ['redis', 'all', 'memcached,redis']) {
      vi.stubEnv('SESSILE_REQUIRE', required);
      await expect(ownServer('redis-cluster')).rejects.toThrow('SESSILE_REQUIRE: no redis-cluster server');
    }
  });

  it('is the one of the environment where that names one', async () => {
    vi.stubEnv('SESSILE_MEMCACHED_URL', 'memcached://a:1,memcached://b:2');
    onTestFinished(() => void vi.unstubAllEnvs());
    const urls = ['memcached://a:1', 'memcached://b:2'];
    expect(await backend('memcached')).toEqual({ url: urls.join(','), urls, from: 'SESSILE_MEMCACHED_URL' });
  });
});

it('a namespace is never the same twice', () => {
  const names = Array.from({ length: 1000 }, namespace);
  expect(new Set(names).size).toBe(1000);
  for (const name of names) expect(name).toMatch(/^t[0-9a-f]{12}$/);
});
