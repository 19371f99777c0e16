import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { requireCompiled } from './compiled.js';

const require = createRequire(import.meta.url);

/** @param {string} name @returns {string} the version that is installed. */
export function versionOf(name, from = require) {
  // Not every package lets its package.json be asked for by name.
  const places = (from.resolve.paths(name) ?? []).map((folder) => join(folder, name, 'package.json'));
  const manifest = places.find((file) => existsSync(file));
  if (manifest === undefined) throw new Error(`${name} is not installed`);
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

/** @param {import('../stores.js').Entry} entry @returns {string} `name 1.2.3, beside other 4.5.6`. */
export function versionsOf({ package: name, beside = [], compiled = false }) {
  const from = compiled ? requireCompiled : require;
  const others = beside.map((other) => `${other} ${versionOf(other, from)}`).join(' and ');
  return `${name} ${versionOf(name, from)}${others && `, beside ${others}`}`;
}
