import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { behaviours } from './behaviours.js';
import { egg } from './middlewares/egg.js';
import { expressSession } from './middlewares/express-session.js';
import { fastify } from './middlewares/fastify.js';
import { koa } from './middlewares/koa.js';
import { lasting, marksIn, PAGE, render } from './page.js';

const page = readFileSync(PAGE, 'utf8');
const sights = [...expressSession, ...koa, ...egg, ...fastify].map((middleware) => ({
  ...middleware,
  seen: marksIn(page, middleware.name, behaviours),
}));

/** As GitHub makes them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

describe('docs/frameworks.md', () => {
  it('has the text and the programs of today, beside what the tests saw', () => {
    expect(lasting(page), 'the page is stale: npm run matrix renews it').toBe(lasting(render(sights, behaviours, [])));
  });

  it('has a heading for each of its links', () => {
    const anchors = new Set([...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!)));
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor!);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });

  it('would not say that two frameworks do the same where they differ', () => {
    const [one, other, ...rest] = sights;
    const differing = { ...other!, seen: { ...other!.seen, parallel: '49 of 50' } };
    expect(() => render([one!, differing, ...rest], behaviours, [])).toThrow('differs from Express 4 in parallel: 49 of 50, not ✓');
  });
});
