import { backend, namespace } from '@sessile/testkit';
import type { Kind } from '../src/url.js';
import type { Site } from './kit.js';

type Name = Parameters<typeof backend>[0];

async function site(
  name: Name,
  kind: Kind,
  urlOf: (server: { url: string; urls: readonly string[] }, name: string) => string,
): Promise<Site> {
  const server = await backend(name);
  const title = `${name} (${server.skip ?? server.from})`;
  return { title, kind, skip: server.skip, url: () => urlOf({ url: server.url ?? '', urls: server.urls ?? [] }, namespace()) };
}

export const redis = await site('redis', 'redis', ({ url }, name) => `${url}?prefix=${name}:`);
export const cluster = await site('redis-cluster', 'redis', ({ urls }, name) => {
  const hosts = urls.map((url) => new URL(url).host).join(',');
  return `redis-cluster://${hosts}?prefix=${name}:`;
});
export const postgres = await site('postgres', 'postgres', ({ url }, name) => `${url}?table=${name}`);
export const mongo = await site('mongo', 'mongo', ({ url }, name) => `${url}${url.includes('?') ? '&' : '?'}collection=${name}`);
export const memcached = await site('memcached', 'memcached', ({ url }, name) => `${url}?prefix=${name}:`);
