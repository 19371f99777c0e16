import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EXTENSIONS = { js: '.mjs', cjs: '.cjs' };

/** The blocks of code of a page in some languages, as they stand there: `['sql']`. */
export function blocksOf(page: string, languages: readonly string[]): { language: string; code: string }[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .map(([, language = '', code = '']) => ({ language, code }))
    .filter(({ language }) => languages.includes(language));
}

/**
 * Puts a block of code of a page into a file that can be run or imported, so that a test does what the page says.
 *
 * @param page from the root of the repository: `docs/migrating/from-connect-redis.md`.
 * @param containing a text that only that block has.
 * @returns the path of the file.
 * @throws Error where the page has no such block, or several.
 */
export function codeOf(page: string, containing: string): string {
  const blocks = blocksOf(page, Object.keys(EXTENSIONS)).filter(({ code }) => code.includes(containing));
  const [block] = blocks;
  if (block === undefined || blocks.length > 1) throw new Error(`${page} has ${blocks.length} blocks of code with: ${containing}`);
  const { language, code } = block;
  const name = createHash('sha256').update(`${page}\n${code}`).digest('hex').slice(0, 16);
  const file = join(ROOT, 'node_modules', '.cache', 'docs-tests', `${name}${EXTENSIONS[language as keyof typeof EXTENSIONS]}`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
  return file;
}
