import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { quoted } from './command.js';
import { UsageError } from './options.js';

const TEMPLATES = new URL('../../templates/', import.meta.url);

/**
 * Writes a store that does nothing right yet, and the target that has it checked.
 *
 * @param folder made where it is missing.
 * @returns what to tell the user.
 * @throws UsageError when a file is there already: nothing is overwritten.
 */
export function init(folder: string): string {
  const place = resolve(folder);
  const extension = extensionFor(place);
  const files = ['store', 'target'].map((name) => ({ name, path: join(place, `${name}${extension}`) }));
  const there = files.filter(({ path }) => existsSync(path)).map(({ path }) => shown(path));
  if (there.length > 0)
    throw new UsageError(`${there.join(' and ')} ${there.length > 1 ? 'are' : 'is'} there already: nothing was written`);
  mkdirSync(place, { recursive: true });
  for (const { name, path } of files) writeFileSync(path, template(name, extension), { flag: 'wx' });
  return nextSteps(files.map(({ path }) => shown(path)));
}

function template(name: string, extension: string): string {
  const text = readFileSync(new URL(`${name}.js`, TEMPLATES), 'utf8');
  return text.replaceAll('store.js', `store${extension}`).replaceAll('target.js', `target${extension}`);
}

function nextSteps([store = '', target = '']: string[]): string {
  return `Wrote ${store}   a store to fill in
Wrote ${target}   tells the kit how to make it

Next: npx @sessile/store-conformance ${quoted(target)}
`;
}

function shown(path: string): string {
  return `./${relative(process.cwd(), path)}`.replace(/^\.\/\.\.\//, '../');
}

/** In a package whose .js files are CommonJS, a module must say so by its name. */
function extensionFor(folder: string): '.js' | '.mjs' {
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest)) return typeOf(manifest) === 'module' ? '.js' : '.mjs';
  return dirname(folder) === folder ? '.js' : extensionFor(dirname(folder));
}

function typeOf(manifest: string): unknown {
  try {
    const { type }: { type?: unknown } = JSON.parse(readFileSync(manifest, 'utf8'));
    return type;
  } catch {
    return undefined;
  }
}
