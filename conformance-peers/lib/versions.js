import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { requireCompiled } from './compiled.js';

const require = createRequire(import.meta.url);

/** @param {string} name @returns {string} the version that is installed. */
export function versionOf(name, from = require) {
  return JSON.parse(readFileSync(from.resolve(`${name}/package.json`), 'utf8')).version;
}

/** @param {import('../stores.js').Entry} entry @returns {string} `name 1.2.3, beside other 4.5.6`. */
export function versionsOf({ package: name, beside = [], compiled = false }) {
  const from = compiled ? requireCompiled : require;
  const others = beside.map((other) => `${other} ${versionOf(other, from)}`).join(' and ');
  return `${name} ${versionOf(name, from)}${others && `, beside ${others}`}`;
}
