/** How long `sessile copy` takes between each pair of servers. `node bench/copy.js --help` */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { StoredSessions } from '@sessile/core/stored';
import { MemcachedDriver } from '@sessile/store-memcached';
import { MongoDriver } from '@sessile/store-mongo';
import { PostgresDriver } from '@sessile/store-postgres';
import { RedisDriver } from '@sessile/store-redis';
import { backend, namespace, stopAll } from '@sessile/testkit';
import { describeMachine } from './lib/machine.js';
import { progressLine } from './lib/progress.js';
import { bulkSession } from './lib/sessions.js';
import { toMarkdown, toText } from './lib/table.js';

// Docker's port proxy takes more of the processor than most servers: a server program of this machine is the better yardstick.
process.env.SESSILE_SERVERS ??= 'local,container';

const HELP = `Usage: npm run bench:copy -- [options]

Copies sessions of 1 KB between each pair of Redis, PostgreSQL, MongoDB and memcached by the command line, each copy in a
process of its own, and compares a sample with the source: data, and what is left of its life.

  --sessions N        how many (default 100000)
  --only FROM-TO,...  only these pairs, such as redis-postgres
  --markdown FILE     the table
  --help`;

const BIN = fileURLToPath(new URL('bin/sessile.js', import.meta.resolve('sessile/package.json')));
const USAGE = new URL('lib/usage.js', import.meta.url).href;
const SAMPLE = 1000;
const AT_ONCE = 1000;
const HOUR_MS = 3_600_000;
/** memcached counts in seconds, gives one more than was asked for, and its clock may be one behind. */
const NEAR_MS = 5000;
/** As the command line has it. */
const timeoutMs = 30_000;

/**
 * A server, and how a store on it is named.
 *
 * @typedef {object} Site
 * @property {string} name
 * @property {(url: string, store: string) => string} url
 * @property {(url: string, store: string) => import('@sessile/core/driver').StoreDriver<any>} driver
 */

/** @type {Site[]} */
const SITES = [
  {
    name: 'redis',
    url: (url, store) => `${url}?prefix=${store}:`,
    driver: (url, store) => new RedisDriver({ url, prefix: `${store}:`, timeoutMs }),
  },
  { name: 'postgres', url: (url, store) => `${url}?table=${store}`, driver: (url, table) => new PostgresDriver({ url, table, timeoutMs }) },
  {
    name: 'mongo',
    url: (url, store) => `${url}${url.includes('?') ? '&' : '?'}collection=${store}`,
    driver: (url, collectionName) => new MongoDriver({ url, collectionName, timeoutMs }),
  },
  {
    name: 'memcached',
    url: (url, store) => `${url}?prefix=${store}:`,
    driver: (url, store) => new MemcachedDriver({ hosts: url, prefix: `${store}:`, timeoutMs }),
  },
];

const { values } = parseArgs({
  options: { sessions: { type: 'string' }, only: { type: 'string' }, markdown: { type: 'string' }, help: { type: 'boolean' } },
});

try {
  if (values.help === true) console.log(HELP);
  else await bench(Number(values.sessions ?? 100_000), values.only?.split(','), values.markdown);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await stopAll();
}

/**
 * @param {number} count
 * @param {string[] | undefined} only
 * @param {string | undefined} file
 */
async function bench(count, only, file) {
  const { date, node, machine, system, load } = describeMachine([]);
  console.log(`${date}, Node ${node}, ${machine}, ${system}, load ${load?.toFixed(1)}`);
  const progress = progressLine('bench:copy');
  const pairs = SITES.flatMap((from) => SITES.filter((to) => to !== from).map((to) => ({ from, to }))).filter(
    ({ from, to }) => only === undefined || only.includes(`${from.name}-${to.name}`),
  );
  /** @type {string[][]} */
  const rows = [];
  /** @type {Map<Site, string>} */
  const sources = new Map();
  for (const [at, { from, to }] of pairs.entries()) {
    progress.step(at, pairs.length, `${from.name} to ${to.name}`);
    const source = sources.get(from) ?? (await filled(from, count));
    sources.set(from, source);
    rows.push(await measured(from, source, to, count));
    if (!process.stderr.isTTY) console.error(rows.at(-1)?.join('  '));
  }
  progress.end();
  const table = {
    title: `sessile copy, ${count.toLocaleString('en-US')} sessions of 1 KB`,
    head: ['from', 'to', 'seconds', 'sessions/s', 'CPU seconds', 'peak RSS, MB', 'same, of a sample', 'largest difference of ends'],
    rows,
  };
  console.log(toText(table));
  if (file !== undefined) writeFileSync(file, toMarkdown(table));
}

/** @param {Site} site */
async function serverOf({ name }) {
  const { url, skip } = await backend(/** @type {'redis'} */ (name));
  if (url === undefined) throw new Error(skip);
  return url;
}

/**
 * A store with sessions that end an hour from now and later, of which every tenth never ends.
 *
 * @param {Site} site
 * @param {number} count
 */
async function filled(site, count) {
  const store = namespace();
  const sessions = new StoredSessions(site.driver(await serverOf(site), store));
  for (let start = 0; start < count; start += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - start) }, (_, offset) => sessionAt(start + offset));
    const failure = (await sessions.write(batch)).find((outcome) => outcome !== undefined);
    if (failure !== undefined) throw failure;
  }
  await sessions.close();
  return store;
}

/** @param {number} index */
function sessionAt(index) {
  const ttlMs = HOUR_MS + index * 1000;
  const expiresAt = index % 10 === 0 ? Infinity : Date.now() + ttlMs;
  return { id: idAt(index), payload: JSON.stringify(bulkSession(index, ttlMs)), expiresAt };
}

/** @param {number} index */
function idAt(index) {
  return `bench-${index}`;
}

/**
 * One copy, into a store that is cleared afterwards.
 *
 * @param {Site} from
 * @param {string} source
 * @param {Site} to
 * @param {number} count
 */
async function measured(from, source, to, count) {
  const target = namespace();
  const [fromUrl, toUrl] = [await serverOf(from), await serverOf(to)];
  const { seconds, cpuSeconds, peakBytes, put } = await copied(from.url(fromUrl, source), to.url(toUrl, target));
  if (put !== count) throw new Error(`${from.name} to ${to.name}: ${put} of ${count} were copied.`);
  const [one, two] = [from.driver(fromUrl, source), to.driver(toUrl, target)].map((driver) => new StoredSessions(driver));
  const { same, differenceMs } = await compared(one, two, count);
  await two.clear();
  await Promise.all([one.close(), two.close()]);
  return [
    from.name,
    to.name,
    seconds.toFixed(1),
    Math.round(count / seconds).toLocaleString('en-US'),
    cpuSeconds.toFixed(1),
    (peakBytes / 1e6).toFixed(0),
    same,
    `${(differenceMs / 1000).toFixed(1)} s`,
  ];
}

/**
 * The command, in a process of its own.
 *
 * @param {string} from
 * @param {string} to
 * @returns {Promise<{ seconds: number, cpuSeconds: number, peakBytes: number, put: number }>} processor time of the command alone.
 */
async function copied(from, to) {
  const folder = mkdtempSync(join(tmpdir(), 'sessile-bench-'));
  const usageFile = join(folder, 'usage');
  try {
    const started = performance.now();
    const report = await ran(['--import', USAGE, BIN, 'copy', from, to, '--json'], { ...process.env, SESSILE_BENCH_USAGE: usageFile });
    const seconds = (performance.now() - started) / 1000;
    return { seconds, ...JSON.parse(readFileSync(usageFile, 'utf8')), put: JSON.parse(report).put };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>}
 */
function ran(args, env) {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.once('close', (code) => (code === 0 ? resolve(said) : reject(new Error(`sessile copy ended with exit code ${code}`))));
  });
}

/**
 * A sample of both stores, as a walk through each finds it: memcached tells what is left to a walk alone.
 *
 * @param {StoredSessions} source
 * @param {StoredSessions} target
 * @param {number} count
 */
async function compared(source, target, count) {
  // One of every ten never ends, and of those the sample has no more than its share.
  const ids = new Set(Array.from({ length: SAMPLE }, (_, n) => idAt(Math.min(Math.floor((n * count) / SAMPLE) + (n % 10), count - 1))));
  const [these, those] = await Promise.all([sampleOf(source, ids), sampleOf(target, ids)]);
  let [same, differenceMs] = [0, 0];
  for (const [id, session] of these) {
    const copy = those.get(id);
    const lateMs = copy?.expiresAt === session.expiresAt ? 0 : Math.abs((copy?.expiresAt ?? 0) - (session.expiresAt ?? Infinity));
    const isSame = isDeepStrictEqual(dataOf(copy), dataOf(session));
    if (isSame && lateMs < NEAR_MS) same += 1;
    differenceMs = Math.max(differenceMs, lateMs);
  }
  return { same: `${same} of ${ids.size}`, differenceMs };
}

/**
 * What is in a session, but for the date of its cookie, which is moved to its end where the target does not tell that.
 *
 * @param {import('@sessile/core/stored').FoundSession | undefined} session
 */
function dataOf(session) {
  const data = JSON.parse(session?.payload ?? '{}');
  return { ...data, cookie: { ...data.cookie, expires: undefined } };
}

/**
 * @param {StoredSessions} sessions
 * @param {Set<string>} ids
 */
async function sampleOf(sessions, ids) {
  /** @type {Map<string, import('@sessile/core/stored').FoundSession>} */
  const found = new Map();
  for await (const page of sessions.pages()) for (const session of page) if (ids.has(session.id)) found.set(session.id, session);
  return found;
}
