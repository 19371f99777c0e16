/** The site is made from the files of the repository as they are: nothing is written for it alone. */
import { defineConfig } from 'vitepress';
import { repositoryLinks, slugOf } from '../lib/links.js';
import { EXCLUDED, item, rewrite } from '../lib/pages.js';
import { sidebar } from '../lib/sidebar.js';

export default defineConfig({
  title: 'Sessile',
  description: 'Sessions that stay put: session stores for Express, Koa, Egg and Fastify.',
  lang: 'en',
  // Below which path of its server the site lies: `/sessile/` on GitHub's pages.
  base: process.env.SITE_BASE ?? '/',
  srcDir: '..',
  srcExclude: EXCLUDED,
  rewrites: rewrite,
  outDir: './dist',
  cacheDir: '../node_modules/.cache/vitepress',
  metaChunk: true,
  markdown: {
    anchor: { slugify: slugOf },
    languageAlias: { cjs: 'js' },
    config: (md) => void md.use(repositoryLinks),
  },
  themeConfig: {
    nav: [
      item('README.md', 'Start'),
      item('docs/contract.md', 'Contract'),
      item('docs/migrating/README.md', 'Moving in'),
      item('docs/operating/README.md', 'Operating'),
      item('docs/conformance/README.md', 'Conformance'),
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    socialLinks: [{ icon: 'github', link: 'https://github.com/sessile/sessile' }],
    editLink: { pattern: ({ filePath }) => `https://github.com/sessile/sessile/edit/main/${filePath}`, text: 'Edit this page' },
    search: { provider: 'local', options: { _render: searchable } },
  },
});

/** Reports of single stores would fill the index, and are found from their overview. */
function searchable(source, env, md) {
  const isReport = env.relativePath.startsWith('docs/conformance/') && !env.relativePath.endsWith('index.md');
  return isReport ? '' : md.render(source, env);
}
