import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { backend } from '@sessile/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { failure, open, prefix, shape } from './servers.js';

const redis = await backend('redis');

/** Passes everything on, but tells another version. It counts how often it was asked. */
async function pretending(version: string): Promise<{ url: string; told: { version: string; asked: number }; drop: () => void }> {
  const { hostname, port } = new URL(redis.url!);
  const told = { version, asked: 0 };
  const ends = new Set<() => void>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const end = () => {
      client.destroy();
      upstream.destroy();
      ends.delete(end);
    };
    ends.add(end);
    client.on('data', (chunk) => void upstream.write(chunk));
    upstream.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      const isAnswer = text.includes('redis_version:');
      if (isAnswer) told.asked += 1;
      client.write(isAnswer ? renamed(text, told.version) : text, 'latin1');
    });
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const drop = () => {
    for (const end of ends) end();
  };
  onTestFinished(() => {
    drop();
    server.close();
  });
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, told, drop };
}

/** The answer has its length before it, so the other version is made as long as the true one. */
function renamed(text: string, version: string): string {
  return text.replace(
    /redis_version:(\S+)/,
    (_, real: string) => `redis_version:${version.padEnd(real.length, '0').slice(0, Math.max(real.length, version.length))}`,
  );
}

describe.skipIf(redis.skip !== undefined)('RedisStore: the version of the server', () => {
  it.each(['6.0.9', '5.0.7', '2.8.1'])('%s is refused, at every call', async (version) => {
    const { url } = await pretending(version);
    for (const options of [{ url }, { client: await shape('node-redis', [url]) }]) {
      const store = open({ ...options, prefix: prefix() });
      for (const call of [() => store.get('s'), () => store.set('s', {}), () => store.length(), () => store.ping()]) {
        expect(await failure(call())).toMatchObject({
          code: 'ERR_STORE_UNSUPPORTED',
          retryable: false,
          message: expect.stringContaining(version),
        });
        expect(await failure(call())).toMatchObject({ message: expect.stringContaining('6.2') });
      }
    }
  });

  it.each(['6.2.0', '6.4.1', '8.0.3'])('%s is served, and asked for once', async (version) => {
    const { url, told } = await pretending(version);
    const client = await shape('node-redis', [url]);
    const store = open({ client, prefix: prefix() });
    await Promise.all(Array.from({ length: 20 }, (_, n) => store.set(`s${n}`, { n })));
    expect(await store.length()).toBe(20);
    expect(told.asked).toBe(1);
    await store.clear();
  });

  it('another server behind the same address is asked again', async () => {
    const { url, told, drop } = await pretending('6.0.9');
    const store = open({ url, prefix: prefix() });
    expect(await failure(store.get('s'))).toMatchObject({ code: 'ERR_STORE_UNSUPPORTED' });
    told.version = '7.0.0';
    drop();
    await expect.poll(() => store.get('s').catch((error: { code: string }) => error.code), { timeout: 5000 }).toBeNull();
    told.version = '6.0.9';
    drop();
    await expect.poll(() => store.get('s').catch((error: { code: string }) => error.code), { timeout: 5000 }).toBe('ERR_STORE_UNSUPPORTED');
  });
});
