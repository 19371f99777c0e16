/** Which files of the repository are pages, and how they are called. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Not for readers of the site, or not pages at all. */
export const EXCLUDED = [
  'AGENTS.md',
  '.changeset/**',
  '.github/**',
  'site/**',
  '**/dist/**',
  '**/test/**',
  '**/node_modules/**',
  'seeds/**',
];

/** The README of a folder is its page: `docs/migrating/` has the name that a link to the folder has. */
export function rewrite(id) {
  return id.replace(/(^|\/)README\.md$/, '$1index.md');
}

/** The folder itself, where it has a README, else the file. */
export function pageOf(path) {
  const file = path === '' || path.endsWith('/') ? posix.join(path, 'README.md') : path;
  // What the tests need to write a page is none.
  if (file.endsWith('.md') && !/(^|\/)test\//.test(file) && existsSync(join(ROOT, file))) return file;
  return existsSync(join(ROOT, path, 'README.md')) ? posix.join(path, 'README.md') : undefined;
}

/** The first heading of a page, as plain text. */
function titleOf(file) {
  const [, title] = /^# (.+)$/m.exec(readFileSync(join(ROOT, file), 'utf8')) ?? [];
  return (title ?? file).replace(/[`*\\]/g, '');
}

/** `{ text, link }` of each page of a folder, in the order of their names, its README left out. */
export function itemsOf(folder, isWanted = () => true) {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md') && name !== 'README.md' && isWanted(name))
    .sort()
    .map((name) => item(`${folder}/${name}`));
}

/** `{ text, link }` of the README of each folder in a folder. */
export function readmesOf(folder, isWanted = () => true) {
  return readdirSync(join(ROOT, folder))
    .filter((name) => isWanted(name) && existsSync(join(ROOT, folder, name, 'README.md')))
    .map((name) => item(`${folder}/${name}/README.md`));
}

/** @param {string} file @param {string} [text] by default its title. */
export function item(file, text = titleOf(file)) {
  return { text, link: `/${rewrite(file).replace(/index\.md$/, '')}` };
}

/** The items whose page is there. */
export function existing(files) {
  return files.filter(([file]) => existsSync(join(ROOT, file))).map(([file, text]) => item(file, text));
}
