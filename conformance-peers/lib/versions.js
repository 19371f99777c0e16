import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** @param {string} name @returns {string} the version that is installed. */
export function versionOf(name) {
  return JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')).version;
}

/** @param {import('../stores.js').Entry} entry @returns {string} `name 1.2.3, beside other 4.5.6`. */
export function versionsOf({ package: name, beside = [] }) {
  const others = beside.map((other) => `${other} ${versionOf(other)}`).join(' and ');
  return `${name} ${versionOf(name)}${others && `, beside ${others}`}`;
}
