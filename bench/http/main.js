/** What a session costs a request: an app alone, with today's middleware, and with ours. `npm run bench -- http` */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { backend, stopAll } from '@sessile/testkit';
import { describeMachine } from '../lib/machine.js';
import { toMarkdown, toText } from '../lib/table.js';
import { BARE, FRAMEWORKS, PLACES } from './frameworks.js';
import { CONNECTIONS, measure, start, stop } from './load.js';
import { tableOf } from './report.js';

const HELP = `Usage: npm run bench -- http [options]

Requests per second, CPU that a session adds to a request, and the delay that it adds to a lone one: for Express 5, Koa 3 and Fastify 5,
the app alone, with today's middlewares and stores, and with ours. Each server is a process of its own; the load comes from this one.

  --framework NAMES  express, koa, fastify (default all)
  --store NAMES      memory, redis, and for Koa cookie: the session is kept in the cookie (default all)
  --rounds N         rounds, in each of which every server has its turn (default 7)
  --requests N       requests in a turn (default 3000)
  --quick            2 rounds of 400
  --markdown FILE    the tables
  --cpu-prof DIR     a CPU profile of each server
  --help`;

const OPTIONS = /** @type {const} */ ({
  framework: { type: 'string' },
  store: { type: 'string' },
  rounds: { type: 'string' },
  requests: { type: 'string' },
  quick: { type: 'boolean' },
  markdown: { type: 'string' },
  'cpu-prof': { type: 'string' },
  help: { type: 'boolean' },
});

/** What a request does with its session. */
const KINDS = /** @type {const} */ ([
  ['read', 'a request that reads its session'],
  ['write', 'one that changes it'],
  ['anonymous', 'a visitor without one'],
  ['unseen', 'one that never looks at its session'],
]);

/**
 * @typedef {object} Settings
 * @property {string[]} frameworks
 * @property {string[]} places
 * @property {number} rounds
 * @property {number} requests
 * @property {string | undefined} profiles
 */

/** @param {string[]} argv */
export async function benchHttp(argv) {
  const { values } = parseArgs({ args: argv, options: OPTIONS });
  if (values.help) return console.log(HELP);
  const settings = {
    frameworks: namesIn(values.framework, Object.keys(FRAMEWORKS), '--framework'),
    places: namesIn(values.store, PLACES, '--store'),
    rounds: Number(values.rounds ?? (values.quick ? 2 : 7)),
    requests: Number(values.requests ?? (values.quick ? 400 : 3000)),
    profiles: values['cpu-prof'],
  };
  const lines = machineLines(settings);
  console.log(lines.join('\n'));
  const tables = [];
  for (const framework of settings.frameworks) {
    const places = settings.places.filter((place) => FRAMEWORKS[framework]?.places[place] !== undefined);
    for (const place of places) tables.push(...(await benchPlace(framework, place, settings)));
  }
  if (values.markdown !== undefined)
    writeFileSync(values.markdown, [...lines.map((line) => `- ${line}`), '', ...tables.map(toMarkdown)].join('\n'));
}

/**
 * @param {string | undefined} given names, with commas.
 * @param {string[]} known
 * @param {string} option
 */
function namesIn(given, known, option) {
  const names = given?.split(',') ?? known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new Error(`${option} ${JSON.stringify(unknown)} is not known; there are ${known.join(', ')}`);
}

/** @param {Settings} settings */
function machineLines({ frameworks, rounds, requests }) {
  const packages = frameworks.flatMap((name) => FRAMEWORKS[name]?.packages ?? []);
  const machine = describeMachine([...new Set([...packages, 'redis', 'ioredis', 'autocannon'])]);
  const versions = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.date}, Node ${machine.node}, ${machine.machine}, ${machine.system}, load ${machine.load?.toFixed(1)}`,
    versions.join(', '),
    `${rounds} rounds of ${requests} requests on ${CONNECTIONS} connections; sessions of 991 bytes of JSON, with the cookie that express-session keeps in them; medians (min-max)`,
  ];
}

/**
 * @param {string} name of the framework.
 * @param {string} place
 * @param {Settings} settings
 */
async function benchPlace(name, place, { rounds, requests, profiles }) {
  const redis = place === 'redis' ? await backend('redis') : undefined;
  if (redis?.skip !== undefined) throw new Error(`There is no Redis: ${redis.skip}`);
  const framework = FRAMEWORKS[name];
  const contestants = framework.places[place] ?? [];
  const rest = redis === undefined ? [place] : [place, redis.url];
  const servers = await Promise.all([BARE, ...contestants.map((one) => one.name)].map((one) => start([name, one, ...rest], profiles)));
  // An app without sessions gets the same cookies as one that has them.
  servers[0].clients = servers[1].clients.map(({ cookie }) => ({ cookie }));
  try {
    const tables = [];
    for (const [kind, title] of KINDS) {
      const turns = await measure(servers, kind, rounds, requests);
      const table = tableOf(framework, place, { kind, title: `${name}, ${place}: ${title}` }, turns);
      console.log(toText(table));
      tables.push(table);
    }
    return tables;
  } finally {
    await Promise.all(servers.map(stop));
    await stopAll();
  }
}
