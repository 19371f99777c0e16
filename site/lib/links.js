/** Links between files of the repository become links between pages, or to the repository where they lead to no page. */
import { existsSync, statSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { pageOf, rewrite, ROOT } from './pages.js';

const REPOSITORY = 'https://github.com/sessile/sessile';

/** A plugin of markdown-it. */
export function repositoryLinks(md) {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const from = posix.dirname(relative(ROOT, env.path));
    for (const { children } of tokens) {
      for (const token of children ?? []) if (token.type === 'link_open') token.attrSet('href', resolved(token.attrGet('href'), from));
    }
  });
}

/** Links that lead out of the repository, and those within a page, stay as they are. */
function resolved(href, from) {
  const [, path = '', anchor = ''] = /^([^#]*)(#.*)?$/.exec(href) ?? [];
  if (path === '' || /^[a-z]+:/.test(path)) return href;
  const target = posix.join(from, decodeURI(path));
  const page = pageOf(target);
  if (page !== undefined) return `/${rewrite(page)}${anchor}`;
  const file = join(ROOT, target);
  if (!existsSync(file)) return href;
  return `${REPOSITORY}/${statSync(file).isDirectory() ? 'tree' : 'blob'}/main/${target.replace(/\/$/, '')}${anchor}`;
}

/** As GitHub makes the ids of headings, so that one anchor is right in both places. */
export function slugOf(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}
