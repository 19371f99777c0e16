import { onTestFinished } from 'vitest';
import { Redis, type RedisOptions } from 'ioredis';
import { RedisStore, type RedisStoreOptions } from '@sessile/store-redis';
import { namespace, ownServer, type OwnServer } from '@sessile/testkit';
import { SHAPES } from './fixtures/clients.js';

/** A prefix that no other test has. */
export function prefix(): string {
  return `${namespace()}:`;
}

/** A store that is closed at the end of the test. */
export function open(options: RedisStoreOptions): RedisStore {
  const store = new RedisStore(options);
  onTestFinished(() => store.close().catch(() => undefined));
  return store;
}

/** A client of the test's own, as another program would have. */
export function raw(url: string, options: RedisOptions = {}): Redis {
  const client = new Redis(url, options);
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  return client;
}

/** A client of any of the shapes that the store takes, ended with the test. */
export async function shape(name: keyof typeof SHAPES, urls: readonly string[], options: object = {}): Promise<any> {
  const { client, end } = await SHAPES[name].make(urls as never, [], options);
  onTestFinished(() => void end());
  return client;
}

/** A server of the test's own, which it may break. */
export async function own(name: 'redis' | 'redis-cluster', args: string[] = []): Promise<OwnServer> {
  const server = await ownServer(name, { args });
  if (server.skip !== undefined) throw new Error(server.skip);
  onTestFinished(() => server.stop());
  return server;
}

/** What a promise is rejected with. */
export async function failure(call: Promise<unknown>): Promise<any> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
