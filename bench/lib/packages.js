import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { resolve } = createRequire(import.meta.url);

/**
 * Where a package's own description lies: many do not export it.
 *
 * @param {string} name
 */
export function findPackageJSON(name) {
  const file = (resolve.paths(name) ?? []).map((folder) => join(folder, name, 'package.json')).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`The package ${name} is not installed. Run: npm ci`);
  return file;
}
