import { readdirSync } from 'node:fs';

const FOLDER = new URL('../backends/', import.meta.url);

/** Every backend there is a file for. */
export function backendNames() {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.js'))
    .map((file) => file.slice(0, -'.js'.length));
}

/**
 * @param {string} name
 * @returns {Promise<import('./contestant.js').Backend>}
 */
export async function loadBackend(name) {
  if (!backendNames().includes(name)) throw new Error(`There is no backend "${name}". There are: ${backendNames().join(', ')}.`);
  const { default: backend } = await import(new URL(`${name}.js`, FOLDER).href);
  return backend;
}
