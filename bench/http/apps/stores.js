import { RedisStore as StockRedis } from 'connect-redis';
import { createClient } from 'redis';
import { MemoryStore } from '@sessile/store-memory';
import { RedisStore } from '@sessile/store-redis';

/**
 * A store for express-session and its kin: ours, or a stock one.
 *
 * @param {import('./setting.js').Setting} setting
 * @param {(new () => any) | undefined} StockMemory undefined: ours are wanted.
 */
export async function makeStore({ place, redisUrl: url, prefix }, StockMemory) {
  if (place === 'memory') return StockMemory === undefined ? new MemoryStore() : new StockMemory();
  if (StockMemory === undefined) return new RedisStore({ url, prefix });
  const client = createClient({ url });
  await client.connect();
  return new StockRedis({ client, prefix });
}
