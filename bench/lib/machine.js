import { readFileSync } from 'node:fs';
import { findPackageJSON } from './packages.js';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';

/**
 * What a result is worth nothing without.
 *
 * @param {string[]} packages
 */
export function describeMachine(packages) {
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    node: process.version,
    v8: process.versions.v8,
    machine: `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${platform()} ${release()} ${arch()}`,
    load: loadavg()[0],
    packages: Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
  };
}

/** @param {string} name */
function versionOf(name) {
  return JSON.parse(readFileSync(findPackageJSON(name), 'utf8')).version;
}
