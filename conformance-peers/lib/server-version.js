/** Which server a store ran on, as the server itself says. */
import { backend } from '@sessile/testkit';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import { hostOf, say } from './server-target.js';
import { poolTo } from './sql.js';

const ASK = {
  async redis(url) {
    const client = new Redis(url);
    const info = await client.info('server');
    client.disconnect();
    return `Redis ${/redis_version:(\S+)/.exec(info)?.[1]}`;
  },
  async postgres(url) {
    const pool = poolTo(url);
    const { rows } = await pool.query('SHOW server_version');
    await pool.end();
    return `PostgreSQL ${rows[0].server_version.split(' ')[0]}`;
  },
  async mongo(url) {
    const client = new MongoClient(url);
    const { version, ferretdb } = await client.db('admin').command({ buildInfo: 1 });
    await client.close();
    return ferretdb ? `FerretDB ${ferretdb.version.replace(/^v/, '')} (which says that it is MongoDB ${version})` : `MongoDB ${version}`;
  },
  memcached: async (url) => `memcached ${/VERSION (\S+)/.exec(await say(url, 'version\r\n'))?.[1]}`,
};

/**
 * @param {keyof typeof ASK} name
 * @returns {Promise<{ version: string } | { skip: string }>} why there is none, where there is none.
 */
export async function serverOf(name) {
  const server = await backend(name);
  if (server.skip !== undefined) return { skip: server.skip };
  const version = await ASK[name](server.url);
  return { version: version.includes('undefined') ? `${name} at ${hostOf(server.url)}` : version };
}
