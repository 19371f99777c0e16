/** Servers with one app each, clients with sessions, and what a turn of requests costs. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import { BARE } from './frameworks.js';

export const CONNECTIONS = 16;
const CLIENTS = 100;

/**
 * @typedef {object} Client
 * @property {string} cookie what it sends.
 */

/**
 * @typedef {object} Server
 * @property {string} middleware
 * @property {string} place
 * @property {string} url
 * @property {import('node:child_process').ChildProcess} child
 * @property {Client[]} clients
 */

/**
 * @typedef {object} Turn
 * @property {number} perSecond
 * @property {number} cpuMicros of one request, in the server.
 * @property {number} loneMicros how long a request takes that has the server to itself.
 */

/**
 * @param {string[]} argv of server.js: framework, middleware, place, and Redis' URL.
 * @param {string | undefined} profiles the folder for a CPU profile.
 * @returns {Promise<Server>}
 */
export async function start(argv, profiles) {
  const [framework, middleware = BARE, place = ''] = argv;
  const name = `${framework}-${place}-${middleware}.cpuprofile`.replaceAll(/[^\w.-]+/g, '_');
  const execArgv = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}`];
  const child = fork(new URL('server.js', import.meta.url), argv, { execArgv, env: { ...process.env, NODE_ENV: 'test' } });
  const [{ port }] = await once(child, 'message');
  const url = `http://127.0.0.1:${port}`;
  return { middleware, place, url, child, clients: middleware === BARE ? [] : await logIn(url) };
}

/** @param {Server} server */
export async function stop({ child }) {
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
}

/** @param {string} url */
async function logIn(url) {
  const clients = [];
  for (let at = 0; at < CLIENTS; at += 1) {
    const { headers } = await fetch(`${url}/login`);
    clients.push({ cookie: cookieOf(headers.getSetCookie()) });
  }
  return clients;
}

/** @param {string[]} lines of Set-Cookie. */
function cookieOf(lines) {
  return lines.map((line) => line.split(';')[0]).join('; ');
}

/**
 * Each server in turn, round by round: what slows the machine down slows all of them.
 *
 * @param {Server[]} servers
 * @param {string} kind
 * @param {number} rounds
 * @param {number} requests
 */
export async function measure(servers, kind, rounds, requests) {
  for (const server of servers) await turn(server, kind, requests);
  /** @type {Turn[][]} */
  const turns = servers.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, server] of servers.entries()) turns[at]?.push(await turn(server, kind, requests));
  }
  return turns;
}

/**
 * @param {Server} server
 * @param {string} kind
 * @param {number} amount
 * @returns {Promise<Turn>}
 */
async function turn({ url, clients, place }, kind, amount) {
  const keeps = place === 'cookie' && kind === 'write';
  const requests = clients.map((client) => requestOf(client, kind, keeps));
  const before = await usage(url);
  const tookMs = await load({ url, connections: CONNECTIONS, amount, setupClient: spreading(requests) });
  const cpuMicros = ((await usage(url)) - before) / amount;
  const few = Math.ceil(amount / 5);
  const aloneMs = await load({ url, connections: 1, amount: few, setupClient: spreading(requests) });
  return { perSecond: (amount / tookMs) * 1000, cpuMicros, loneMicros: (aloneMs / few) * 1000 };
}

/**
 * @param {Client} client
 * @param {string} kind
 * @param {boolean} keeps whether the client takes the cookie that it gets: no server sees the same one twice then.
 * @returns {import('autocannon').Request}
 */
function requestOf(client, kind, keeps) {
  const headers = () => (kind === 'anonymous' ? {} : { cookie: client.cookie });
  const request = { method: /** @type {const} */ ('GET'), path: `/${kind}`, headers: headers() };
  if (!keeps) return request;
  return {
    ...request,
    setupRequest: (/** @type {import('autocannon').Request} */ plain) => ({ ...plain, headers: headers() }),
    onResponse: (_status, _body, _context, answered) => {
      const lines = [answered?.['Set-Cookie'] ?? answered?.['set-cookie'] ?? []].flat();
      if (lines.length > 0) client.cookie = cookieOf(lines);
    },
  };
}

/**
 * Each connection begins with another client: in step they would all ask for the same session at once.
 *
 * @param {import('autocannon').Request[]} requests
 */
function spreading(requests) {
  let made = 0;
  return (/** @type {import('autocannon').Client} */ connection) => {
    const first = Math.floor(((made++ % CONNECTIONS) * requests.length) / CONNECTIONS);
    connection.setRequests([...requests.slice(first), ...requests.slice(0, first)]);
  };
}

/**
 * Sends requests. autocannon looks at its clock only now and then, which is no time to measure by.
 *
 * @param {import('autocannon').Options} options
 * @returns {Promise<number>} ms from the first answer to the last.
 */
async function load(options) {
  let first = 0;
  let last = 0;
  const instance = autocannon({ ...options, sampleInt: 50 });
  instance.on('response', () => {
    last = performance.now();
    first ||= last;
  });
  const stopSpinning = stayAwake();
  const { non2xx, errors } = await instance;
  stopSpinning();
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx + errors} requests to ${options.url} failed`);
  return last - first;
}

/**
 * Keeps this process from sleeping while it waits. To wake a client costs a server of the same machine some 30 us for each answer: one that
 * is faster than the load would not pay it, and seem faster still.
 */
function stayAwake() {
  let isOver = false;
  const spin = () => {
    if (!isOver) setImmediate(spin);
  };
  spin();
  return () => {
    isOver = true;
  };
}

/** @param {string} url */
async function usage(url) {
  const { user, system } = await (await fetch(`${url}/usage`)).json();
  return user + system;
}
