/** Every link with an anchor must lead to something that has that id. VitePress itself checks that its pages are there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('dist', import.meta.url));
const BASE = process.env.SITE_BASE ?? '/';

const files = readdirSync(DIST, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.html'));
const pages = new Map(files.map((name) => [name, readFileSync(join(DIST, name), 'utf8')]));
const ids = new Map([...pages].map(([name, html]) => [name, new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id))]));

let checked = 0;
const problems = [...pages].flatMap(([name, html]) =>
  [...html.matchAll(/<a [^>]*href="([^"#]*)#([^"]+)"/g)].flatMap(([, path, anchor]) => problemOf(name, path, decodeURIComponent(anchor))),
);
for (const problem of new Set(problems)) process.stderr.write(`${problem}\n`);
process.stdout.write(
  `${pages.size} pages, ${checked} links to a place in one: ${problems.length === 0 ? 'all right' : `${problems.length} lead nowhere`}\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

function problemOf(from, path, anchor) {
  if (/^[a-z]+:/.test(path)) return [];
  checked += 1;
  const target = path === '' ? from : fileOf(path.startsWith(BASE) ? path.slice(BASE.length) : posix.join(posix.dirname(from), path));
  if (ids.get(target)?.has(anchor) || anchor === 'VPContent') return [];
  return [`${from}: nothing is called ${anchor} in ${target}`];
}

function fileOf(path) {
  return path === '' || path.endsWith('/') || !existsSync(join(DIST, path)) ? posix.join(path, 'index.html') : path;
}
