/** Another client of the server, in a thread of its own: it asks for something small again and again, and notes its longest wait. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';

/** How to ask, by backend; each takes the URL and gives a function that asks once. */
const CLIENTS = {
  redis: async (/** @type {string} */ url) => {
    const { Redis } = await import('ioredis');
    const client = new Redis(url);
    return () => client.get('bystander');
  },
  postgres: async (/** @type {string} */ url) => {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('CREATE TABLE IF NOT EXISTS bystander (n int)');
    return () => client.query('SELECT n FROM bystander');
  },
  mongo: async (/** @type {string} */ url) => {
    const { MongoClient } = await import('mongodb');
    const client = await new MongoClient(url).connect();
    return () => client.db('bench').collection('bystander').findOne({});
  },
  memcached: async (/** @type {string} */ url) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return async () => {
      const answer = once(socket, 'data');
      socket.write('get bystander\r\n');
      await answer;
    };
  },
};

const { backend, url, longest, running } = workerData;
const ask = await CLIENTS[/** @type {keyof typeof CLIENTS} */ (backend)](url);
for (let first = true; Atomics.load(running, 0) === 1; first = false) {
  const start = performance.now();
  await ask();
  if (first) Atomics.store(running, 1, 1);
  else longest[0] = Math.max(longest[0], performance.now() - start);
  await pause(1);
}
process.exit();
