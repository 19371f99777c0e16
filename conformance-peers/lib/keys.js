import { Redis } from 'ioredis';

/** Writes over a key of Redis and leaves its expiry, as another program could. */
export async function spoilKey(url, key, text) {
  const client = new Redis(url);
  await client.set(key, text, 'KEEPTTL');
  client.disconnect();
}
