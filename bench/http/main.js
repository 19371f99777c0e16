/** What a session costs a request: a framework alone, with a stock middleware, and with ours. `npm run bench -- http` */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { backend, stopAll } from '@sessile/testkit';
import autocannon from 'autocannon';
import { digits, rate, ratio } from '../lib/format.js';
import { describeMachine } from '../lib/machine.js';
import { median, ratios, spread } from '../lib/statistics.js';
import { toMarkdown, toText } from '../lib/table.js';

const HELP = `Usage: npm run bench -- http [options]

Requests per second, CPU that a session adds to a request, and the delay that it adds to a lone one: Express 5, Koa 3 and Fastify 5 alone, with
their stock middlewares, and with ours. Each server is a process of its own; the load comes from this one.

  --rounds N      rounds, in each of which every server has its turn (default 7)
  --requests N    requests in a turn (default 3000)
  --framework X   express, koa, fastify (default all)
  --store NAMES   memory, redis, and cookie for Koa (default all)
  --quick         2 rounds of 400
  --markdown FILE the tables
  --help`;

/** What a request does with its session, and how much of express-session's CPU it may take. */
const KINDS = /** @type {const} */ ([
  ['read', 'a request that reads its session'],
  ['write', 'one that changes it'],
  ['anonymous', 'a visitor without one'],
  ['unseen', 'one that never looks at its session'],
]);
/**
 * What is measured beside each other: a stock middleware and ours, each over the bare framework.
 *
 * @typedef {object} Group
 * @property {string} framework
 * @property {string} store
 * @property {string} stock
 * @property {string} ours
 * @property {Record<string, number>} [aims] added CPU over that of the stock middleware, by kind of request.
 */

/** @param {number} aim */
const every = (aim) => ({ read: aim, write: aim, anonymous: aim, unseen: aim });

/** @type {readonly Group[]} */
const GROUPS = [
  { ...pair('express', 'express-session', '@sessile/express'), store: 'memory', aims: { ...every(0.4), anonymous: 0.2 } },
  { ...pair('express', 'express-session', '@sessile/express'), store: 'redis', aims: { ...every(0.6), anonymous: 0.2 } },
  { ...pair('koa', 'koa-session', '@sessile/koa session()'), store: 'cookie', aims: every(0.6) },
  { ...pair('koa', 'koa-session', '@sessile/koa session()'), store: 'memory', aims: every(0.4) },
  { ...pair('koa', 'koa-session', '@sessile/koa session()'), store: 'redis', aims: every(0.4) },
  { ...pair('koa', 'koa-generic-session', '@sessile/koa genericSession()'), store: 'memory', aims: every(0.4) },
  { ...pair('koa', 'koa-generic-session', '@sessile/koa genericSession()'), store: 'redis', aims: every(0.4) },
  { ...pair('fastify', '@fastify/session', '@fastify/session with our store'), store: 'memory' },
  { ...pair('fastify', '@fastify/session', '@fastify/session with our store'), store: 'redis' },
];

/**
 * @param {string} framework
 * @param {string} stock
 * @param {string} ours
 */
function pair(framework, stock, ours) {
  return { framework, stock, ours };
}

const PACKAGES = [
  ...['express', 'express-session', 'connect-redis', 'koa', 'koa-session', 'koa-generic-session', 'koa-redis'],
  ...['fastify', '@fastify/session', 'redis', 'ioredis', 'autocannon'],
];
const CONNECTIONS = 16;
const CLIENTS = 100;

/**
 * @typedef {object} Server
 * @property {string} middleware
 * @property {string} url
 * @property {import('node:child_process').ChildProcess} child
 * @property {string[]} cookies
 */

/**
 * @typedef {object} Turn
 * @property {number} perSecond
 * @property {number} cpuMicros of one request, in the server.
 * @property {number} loneMicros how long a request takes that has the server to itself.
 */

/** @param {string[]} argv */
export async function benchHttp(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string' },
      requests: { type: 'string' },
      framework: { type: 'string' },
      store: { type: 'string' },
      quick: { type: 'boolean' },
      markdown: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return console.log(HELP);
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 7));
  const requests = Number(values.requests ?? (values.quick ? 400 : 3000));
  const machine = describeMachine(PACKAGES);
  const versions = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  const lines = [
    `${machine.date}, Node ${machine.node}, ${machine.machine}, ${machine.system}, load ${machine.load?.toFixed(1)}`,
    versions.join(', '),
    `${rounds} rounds of ${requests} requests on ${CONNECTIONS} connections; sessions of 991 bytes of JSON; medians (min-max)`,
  ];
  console.log(lines.join('\n'));
  const tables = [];
  const wanted = (/** @type {string | undefined} */ list, /** @type {string} */ name) =>
    list === undefined || list.split(',').includes(name);
  for (const group of GROUPS) {
    const isWanted = wanted(values.framework, group.framework) && wanted(values.store, group.store);
    if (isWanted) tables.push(...(await benchGroup(group, rounds, requests)));
  }
  if (values.markdown !== undefined)
    writeFileSync(values.markdown, [...lines.map((line) => `- ${line}`), '', ...tables.map(toMarkdown)].join('\n'));
}

/**
 * @param {Group} group
 * @param {number} rounds
 * @param {number} requests
 */
async function benchGroup(group, rounds, requests) {
  const { store, stock, ours } = group;
  const redis = store === 'redis' ? await backend('redis') : undefined;
  if (redis?.skip !== undefined) throw new Error(`There is no Redis: ${redis.skip}`);
  const servers = await Promise.all(['none', stock, ours].map((middleware) => start(group, middleware, redis?.url)));
  try {
    const tables = [];
    for (const [kind, title] of KINDS) {
      const table = tableOf(group, kind, title, await measure(servers, kind, rounds, requests));
      console.log(toText(table));
      tables.push(table);
    }
    return tables;
  } finally {
    for (const { child } of servers) child.kill();
    await stopAll();
  }
}

/**
 * @param {Group} group
 * @param {string} middleware
 * @param {string | undefined} redisUrl
 * @returns {Promise<Server>}
 */
async function start({ framework, store }, middleware, redisUrl) {
  const file = new URL('server.js', import.meta.url);
  const child = fork(file, [framework, middleware, store, ...(redisUrl === undefined ? [] : [redisUrl])], {
    env: { ...process.env, NODE_ENV: 'test' },
  });
  const [{ port }] = await once(child, 'message');
  const url = `http://127.0.0.1:${port}`;
  return { middleware, url, child, cookies: await logIn(url, middleware) };
}

/**
 * @param {string} url
 * @param {string} middleware
 */
async function logIn(url, middleware) {
  const cookies = [];
  for (let at = 0; at < CLIENTS; at += 1) {
    if (middleware === 'none') cookies.push(`connect.sid=s%3A${'x'.repeat(32)}.${'y'.repeat(43)}`);
    else cookies.push(cookiesOf(await fetch(`${url}/login`)));
  }
  return cookies;
}

/** As a browser sends them back: Koa signs by a cookie beside. @param {Response} response */
function cookiesOf(response) {
  const lines = response.headers.getSetCookie();
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
async function measure(servers, kind, rounds, requests) {
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
async function turn({ url, cookies }, kind, amount) {
  const headers = (/** @type {string} */ cookie) => (kind === 'anonymous' ? {} : { cookie });
  const requests = cookies.map((cookie) => ({ method: /** @type {const} */ ('GET'), path: `/${kind}`, headers: headers(cookie) }));
  const before = await usage(url);
  const tookMs = await load({ url, connections: CONNECTIONS, amount, setupClient: spreading(requests) });
  const cpuMicros = ((await usage(url)) - before) / amount;
  const few = Math.ceil(amount / 5);
  const aloneMs = await load({ url, connections: 1, amount: few, requests });
  return { perSecond: (amount / tookMs) * 1000, cpuMicros, loneMicros: (aloneMs / few) * 1000 };
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
 * Sends requests. autocannon itself looks at its clock once a second.
 *
 * @param {import('autocannon').Options} options
 * @returns {Promise<number>} ms from the first answer to the last.
 */
async function load(options) {
  let first = 0;
  let last = 0;
  const instance = autocannon(options);
  instance.on('response', () => {
    last = performance.now();
    first ||= last;
  });
  const { non2xx, errors } = await instance;
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx + errors} requests to ${options.url} failed`);
  return last - first;
}

/** @param {string} url */
async function usage(url) {
  const { user, system } = await (await fetch(`${url}/usage`)).json();
  return user + system;
}

/**
 * @param {Group} group
 * @param {string} kind
 * @param {string} title
 * @param {Turn[][]} turns
 */
function tableOf({ framework, store, stock, ours, aims }, kind, title, turns) {
  const [bare = []] = turns;
  const added = turns.map((own) => own.map(({ cpuMicros }, round) => cpuMicros - (bare[round]?.cpuMicros ?? NaN)));
  const rows = [`${framework} alone`, stock, ours].map((name, at) => {
    const own = turns[at] ?? [];
    const delay = own.map(({ loneMicros }, round) => loneMicros - (bare[round]?.loneMicros ?? NaN));
    return [
      name,
      rate(median(own.map(({ perSecond }) => perSecond))),
      at === 0
        ? ''
        : ratio(
            ratios(
              own.map(({ perSecond }) => perSecond),
              bare.map(({ perSecond }) => perSecond),
            ),
          ),
      at === 0 ? `${digits(median(own.map(({ cpuMicros }) => cpuMicros)))} in all` : ratio(spread(added[at] ?? [])),
      at === 2 ? ratio(ratios(added[at] ?? [], added[1] ?? [])) : '',
      at === 2 ? String(aims?.[kind] ?? '') : '',
      at === 0 ? `${digits(median(own.map(({ loneMicros }) => loneMicros)))} in all` : ratio(spread(delay)),
    ];
  });
  const head = ['', 'req/s', 'over it alone', 'CPU added, us', "over the stock one's", 'aim', 'delay of a lone request, us'];
  return { title: `${framework}, ${store}: ${title}`, head, rows };
}
