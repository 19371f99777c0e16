/** Speed of the stores, side by side with the raw driver and today's stores. `node bench/main.js --help` */
import { writeFileSync } from 'node:fs';
import { benchHttp } from './http/main.js';
import { aimsTable } from './lib/aims.js';
import { HELP, readArgs } from './lib/args.js';
import { backendNames, loadBackend } from './lib/backends.js';
import { measureBulk } from './lib/bulk.js';
import { startBystander } from './lib/bystander.js';
import { measureFootprint } from './lib/footprint.js';
import { describeMachine } from './lib/machine.js';
import { operationsNamed } from './lib/operations.js';
import { progressLine } from './lib/progress.js';
import { bulkTable, footprintTable, speedTables } from './lib/report.js';
import { measureSpeed } from './lib/speed.js';
import { toMarkdown, toText } from './lib/table.js';

// Docker's port proxy takes more of the processor than most servers: a server program of this machine is the better yardstick.
process.env.SESSILE_SERVERS = 'local,container';

/** @typedef {import('./lib/args.js').Settings} Settings */
/** @typedef {import('./lib/contestant.js').Backend} Backend */
/** @typedef {import('./lib/contestant.js').Contestant} Contestant */
/** @typedef {import('./lib/table.js').Table} Table */

try {
  if (process.argv[2] === 'http') {
    await benchHttp(process.argv.slice(3));
    process.exit();
  }
  const settings = readArgs(process.argv.slice(2));
  if (settings.help) console.log(HELP);
  else await bench(settings);
} catch (error) {
  console.error(error instanceof Error && error.stack !== undefined ? error.stack : error);
  process.exitCode = 1;
}

/** @param {Settings} settings */
async function bench(settings) {
  const names = settings.backends.length === 0 ? backendNames() : settings.backends;
  const backends = await Promise.all(names.map(loadBackend));
  const machine = describeMachine([...new Set(backends.flatMap(({ packages }) => packages))]);
  const lines = machineLines(machine, settings);
  console.log(lines.join('\n'));
  const measured = [];
  for (const backend of backends) measured.push(await benchBackend(backend, settings));
  if (settings.json !== undefined) writeFileSync(settings.json, JSON.stringify({ machine, settings, measured }, undefined, 2));
  if (settings.markdown !== undefined) writeFileSync(settings.markdown, markdown(lines, measured));
}

/**
 * @param {Backend} backend
 * @param {Settings} settings
 */
async function benchBackend(backend, settings) {
  const operations = operationsNamed(settings.ops);
  const contestants = chosen(backend, settings.only);
  const progress = progressLine(backend.name);
  /** @type {Table[]} */
  const tables = [];
  const show = (/** @type {Table[]} */ ...fresh) => {
    progress.end();
    for (const table of fresh) console.log(toText(table));
    tables.push(...fresh);
  };
  console.log(`\n${backend.name}: raw is ${backend.raw}`);
  await backend.setUp?.();
  try {
    const speed = settings.speed ? await measureSpeed(contestants, operations, settings, progress.step) : [];
    if (settings.speed) show(...speedTables(backend.name, speed, operations), aimsTable(backend, speed));
    const inBulk = contestants.filter(({ bulk }) => bulk === true);
    const bulk = settings.bulk ? await besideOthers(backend, (bystander) => measureBulk(inBulk, settings, progress.step, bystander)) : [];
    if (settings.bulk) show(bulkTable(backend.name, bulk, settings.bulkSize));
    const weighed = settings.footprint ? contestants.filter((contestant) => contestant.footprint === true) : [];
    const footprint = await measureFootprint(backend, weighed, settings.footprintSizes, progress.step);
    if (footprint.length > 0) show(footprintTable(backend.name, footprint));
    return { backend: backend.name, raw: backend.raw, speed, bulk, footprint, tables };
  } finally {
    progress.end();
    await backend.tearDown?.();
  }
}

/**
 * Does work while another client uses the server, where there is one.
 *
 * @template R
 * @param {Backend} backend
 * @param {(bystander?: import('./lib/bystander.js').Bystander) => Promise<R>} work
 */
async function besideOthers({ name, serverUrl }, work) {
  if (serverUrl === undefined) return work();
  const bystander = await startBystander(name, serverUrl());
  try {
    return await work(bystander);
  } finally {
    await bystander.stop();
  }
}

/**
 * @param {Backend} backend
 * @param {string[]} only
 * @returns {Contestant[]} the first is raw.
 */
function chosen({ contestants }, only) {
  return contestants.filter(({ name, kind }) => kind === 'raw' || only.length === 0 || only.some((part) => name.includes(part)));
}

/**
 * @param {ReturnType<typeof describeMachine>} machine
 * @param {Settings} settings
 */
function machineLines(machine, { rounds, sliceMs }) {
  const versions = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.date}, Node ${machine.node}, ${machine.machine}, ${machine.system}, load ${machine.load?.toFixed(1)}`,
    versions.join(', '),
    `${rounds} rounds of ${sliceMs} ms; sessions of 991 bytes of JSON; 2000 of them in each store during the single operations`,
  ];
}

/**
 * @param {string[]} lines
 * @param {{ backend: string, raw: string, tables: Table[] }[]} measured
 */
function markdown(lines, measured) {
  const parts = measured.map(({ backend, raw, tables }) =>
    [`## ${backend}`, '', `Raw is ${raw}.`, '', ...tables.map(toMarkdown)].join('\n'),
  );
  return ['# Bench', '', ...lines.map((line) => `- ${line}`), '', ...parts].join('\n');
}
