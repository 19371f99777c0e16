import type { Client, Cookie } from '@sessile/testkit';
import { expect } from 'vitest';
import type { Middleware } from './middlewares/types.js';
import type { StoreKind } from './stores.js';
import { Site, type SiteOptions } from './site.js';

/** What was seen, as docs/frameworks.md shows it. */
export type Mark = string;

const WORKS: Mark = '✓';

/** One middleware with one store. */
interface Cell {
  readonly middleware: Middleware;
  readonly kind: StoreKind;
}

export interface Behaviour {
  readonly key: string;
  /** The title of its test. */
  readonly title: string;
  /** Whether it waits for a life to end. */
  readonly timed?: boolean;
  readonly run: (cell: Cell) => Promise<Mark>;
}

const WRITERS = 50;
/** The shortest life that leaves a cookie, whose date is cut to whole seconds, more than one. */
const SHORT_MS = 2500;
const POLL_MS = 300;
/** What a cookie's date may lose when it is cut to whole seconds. */
const CUT_MS = 1000;
/** How much the clocks of two programs on one machine may differ, and timers be early. */
const CLOCK_MS = 50;
/** How long after its end a session that nobody lengthened must be seen to be gone. */
const SURE_MS = 500;

function open({ kind, middleware }: Cell, options?: SiteOptions): Promise<Site> {
  return Site.open(kind, middleware, options);
}

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What the site tells a browser of its session. */
async function seenBy(browser: Client, path = '/read'): Promise<Record<string, unknown>> {
  const { status, text } = await browser.get(path);
  expect({ status, text }).toMatchObject({ status: 200 });
  return JSON.parse(text) as Record<string, unknown>;
}

async function loggedIn(site: Site): Promise<Client> {
  const browser = site.browser();
  expect(await seenBy(browser, '/login/ann')).toEqual({ user: 'ann' });
  return browser;
}

export const behaviours = [
  {
    key: 'login',
    title: 'a visitor gets a session by logging in, and not before',
    run: async (cell) => {
      await using site = await open(cell);
      const visitor = site.browser();
      expect(await seenBy(visitor)).toEqual({});
      expect([site.cookiesOf(visitor), [...site.ids]]).toEqual([[], []]);
      await seenBy(visitor, '/login/ann');
      const cookies = site.cookiesOf(visitor);
      expect(cookies.length).toBeGreaterThan(0);
      for (const { httpOnly, path } of cookies) expect({ httpOnly, path }).toEqual({ httpOnly: true, path: '/' });
      const [id = ''] = await site.live();
      expect(await site.store.get(id)).toMatchObject({ user: 'ann' });
      return WORKS;
    },
  },
  {
    key: 'read',
    title: 'later requests read the session, on another server too; nobody else does',
    run: async (cell) => {
      await using site = await open(cell);
      const browser = await loggedIn(site);
      for (const here of [browser, site.elsewhere(browser), browser]) expect(await seenBy(here)).toEqual({ user: 'ann' });
      expect(await seenBy(site.browser())).toEqual({});
      expect(await seenBy(forged(site, browser))).toEqual({});
      expect(site.ids.size).toBe(1);
      return WORKS;
    },
  },
  {
    key: 'change',
    title: 'what a request adds, changes and removes is what the next one reads',
    run: async (cell) => {
      await using site = await open(cell);
      const browser = await loggedIn(site);
      await seenBy(browser, '/fill');
      await seenBy(site.elsewhere(browser), '/pay');
      expect(await seenBy(browser)).toEqual({ cart: { items: ['tea', 'cake'], total: 7 }, paid: true });
      return WORKS;
    },
  },
  {
    key: 'touch',
    title: 'requests that change nothing keep a session alive',
    timed: true,
    run: async (cell) => {
      const { isAlive, lifeMs, sinceLoginMs } = await used(cell, {}, (browser) => browser.keeper());
      expect(isAlive).toBe(cell.middleware.touches);
      if (isAlive) return WORKS;
      expect(sinceLoginMs).toBeGreaterThanOrEqual(lifeMs - CLOCK_MS);
      return 'no';
    },
  },
  {
    key: 'expire',
    title: 'a session ends when its life is over, on the server too',
    timed: true,
    run: (cell) => ends(cell, { life: SHORT_MS }, cell.middleware.judgesEnd),
  },
  {
    key: 'regenerate',
    title: 'a new id ends the old one',
    run: async (cell) => {
      await using site = await open(cell);
      const browser = await loggedIn(site);
      const thief = browser.keeper();
      const before = site.cookiesOf(browser).map(String);
      const [old] = await site.live();
      expect(await seenBy(browser, '/regenerate')).toEqual({ user: 'ann', fresh: true });
      expect(site.cookiesOf(browser).map(String)).not.toEqual(before);
      expect(await seenBy(browser)).toEqual({ user: 'ann', fresh: true });
      expect(await seenBy(thief)).toEqual({});
      const live = await site.live();
      expect([live.length, live.includes(old!)]).toEqual([1, false]);
      return WORKS;
    },
  },
  {
    key: 'logout',
    title: 'a logout ends the session, for whoever has the cookie',
    run: async (cell) => {
      await using site = await open(cell);
      const browser = await loggedIn(site);
      const thief = browser.keeper();
      await seenBy(site.elsewhere(browser), '/logout');
      expect(await site.live()).toEqual([]);
      for (const client of [browser, thief]) expect(await seenBy(client)).toEqual({});
      expect(await seenBy(browser, '/login/ann')).toEqual({ user: 'ann' });
      expect(await seenBy(thief)).toEqual({});
      return WORKS;
    },
  },
  {
    key: 'parallel',
    title: `of ${WRITERS} requests that have loaded a session together, on two servers, each keeps what it adds`,
    run: async (cell) => {
      await using site = await open(cell);
      const browser = await loggedIn(site);
      await writeAtOnce(site, browser, WRITERS);
      const { writers, user } = await seenBy(browser);
      const kept = Object.keys(writers as object).length;
      expect([user, kept]).toEqual(['ann', cell.middleware.ties ? WRITERS : 1]);
      return kept === WRITERS ? WORKS : `${kept} of ${WRITERS}`;
    },
  },
  {
    key: 'late',
    title: 'a logout stays one when a slower request saves the session',
    run: async (cell) => {
      await using site = await open(cell);
      const browser = await loggedIn(site);
      const thief = browser.keeper();
      await writeAfter(site, browser, () => seenBy(browser, '/logout'));
      const { ties } = cell.middleware;
      expect(await seenBy(thief)).toEqual(ties ? {} : { user: 'ann', writers: { late: true } });
      expect(await site.live()).toHaveLength(ties ? 0 : 1);
      return ties ? WORKS : 'it is undone';
    },
  },
  {
    key: 'remember',
    title: 'the longer life that one request sets, as “remember me”, is not cut short by a slower one',
    timed: true,
    run: async (cell) => {
      const { ties } = cell.middleware;
      expect(await remembered(cell)).toEqual(ties ? { user: 'ann', remembered: true, writers: { late: true } } : {});
      return ties ? WORKS : 'it is cut';
    },
  },
  {
    key: 'browser',
    title: 'without `maxAge`: a cookie without an end, and a session that ends by the default of the store',
    timed: true,
    run: (cell) => endsByDefault(cell, 'browser'),
  },
  {
    key: 'session',
    title: "`maxAge: 'session'`: a cookie without an end, and a session that ends by the default of the store",
    timed: true,
    run: (cell) => endsByDefault(cell, 'session'),
  },
  {
    key: 'rolling',
    title: '`rolling`: requests that change nothing move the end of the cookie and of the session',
    timed: true,
    run: (cell) => movesOn(cell, { rolling: true }),
  },
  {
    key: 'renew',
    title: '`renew`: so do requests in the second half of a life',
    timed: true,
    run: (cell) => movesOn(cell, { renew: true }),
  },
  {
    key: 'atRest',
    title: 'hashed ids, encryption and compression change nothing for the app',
    run: async (cell) => {
      const secret = { hashIds: true, encrypt: { keys: ['k'.repeat(32)] }, compress: { aboveBytes: 1 } };
      await using site = await open(cell, { store: secret });
      const browser = await loggedIn(site);
      await writeAtOnce(site, browser, 2);
      expect(await seenBy(browser)).toMatchObject({ user: 'ann', writers: expect.anything() });
      for (const id of site.ids) expect(id).toMatch(/^h1-[0-9a-f]{64}$/);
      await seenBy(browser, '/logout');
      expect(await seenBy(browser)).toEqual({});
      return WORKS;
    },
  },
] as const satisfies readonly Behaviour[];

export type BehaviourKey = (typeof behaviours)[number]['key'];

/** A browser whose cookie is one letter off. */
function forged(site: Site, browser: Client): Client {
  const other = browser.clone();
  const [cookie] = site.cookiesOf(other);
  cookie!.value = cookie!.value.replace(/[a-y](?=[^a-y]*$)/, 'z');
  return other;
}

/** Requests of one browser, on both servers in turn, that have all loaded the session before the first of them changes it. */
async function writeAtOnce(site: Site, browser: Client, count: number): Promise<void> {
  const elsewhere = site.elsewhere(browser);
  const requests = Array.from({ length: count }, (_, n) => (n % 2 === 0 ? browser : elsewhere).clone().get(`/write/n${n}`));
  // An answer that comes before is a failure.
  await Promise.race([site.gate.crowd(count), ...requests]);
  site.gate.open();
  for (const answer of await Promise.all(requests)) expect(answer).toMatchObject({ status: 200 });
}

/** A request that loads the session, and changes and saves it when another one is through. */
async function writeAfter(site: Site, browser: Client, other: () => Promise<unknown>): Promise<void> {
  const slow = site.elsewhere(browser).get('/write/late');
  await Promise.race([site.gate.crowd(1), slow]);
  await other();
  site.gate.open();
  expect(await slow).toMatchObject({ status: 200 });
}

/** What is left, when the short life is over, of a session that one request gave a long one and a slower one saved after it. */
async function remembered(cell: Cell): Promise<Record<string, unknown>> {
  for (let lifeMs = SHORT_MS; ; lifeMs *= 2) {
    await using site = await open(cell, { life: lifeMs });
    const startedAt = Date.now();
    const browser = await loggedIn(site);
    await writeAfter(site, browser, () => seenBy(browser, '/remember'));
    // On a machine that is too slow the short life was over before: once more, with a longer one.
    if (Date.now() - startedAt > surelyLeft(lifeMs)) continue;
    await later(lifeMs + cell.kind.resolutionMs + SURE_MS);
    return await seenBy(browser);
  }
}

/** What the cut leaves of a life whatever the moment. */
function surelyLeft(lifeMs: number): number {
  return lifeMs - CUT_MS - CLOCK_MS;
}

/** A session that nobody uses: never gone too early, and never there too late. */
async function ends(cell: Cell, options: SiteOptions, isJudged: boolean, look?: (cookies: readonly Cookie[]) => void): Promise<Mark> {
  await using site = await open(cell, options);
  const before = Date.now();
  const browser = await loggedIn(site);
  const loggedInAt = Date.now();
  look?.(site.cookiesOf(browser));
  const thief = browser.keeper();
  const [id = ''] = site.ids;
  // A request to a middleware that touches would keep it alive.
  const isAlive = isJudged ? async () => 'user' in (await seenBy(thief)) : () => site.isStored(id);
  const { aliveAt, goneAt } = await endOf(isAlive);
  expect(goneAt - before).toBeGreaterThanOrEqual(SHORT_MS - CLOCK_MS);
  expect(aliveAt - loggedInAt).toBeLessThanOrEqual(SHORT_MS + cell.kind.resolutionMs + CLOCK_MS);
  for (const client of [browser, thief]) expect(await seenBy(client)).toEqual({});
  return WORKS;
}

/** When a session was last asked for and seen alive, and when the answer came that it was gone, in ms since the epoch. */
async function endOf(isAlive: () => Promise<boolean>): Promise<{ aliveAt: number; goneAt: number }> {
  for (let aliveAt = 0; ;) {
    const askedAt = Date.now();
    if (!(await isAlive())) return { aliveAt, goneAt: Date.now() };
    aliveAt = askedAt;
    await later(POLL_MS);
  }
}

/** A browser session: the browser ends it when it is closed, and the store by its own default, here a short one. */
function endsByDefault(cell: Cell, life: 'browser' | 'session'): Promise<Mark> {
  return ends(cell, { life, store: { ttlMs: SHORT_MS } }, false, (cookies) => {
    expect(cookies.length).toBeGreaterThan(0);
    for (const { expires, maxAge } of cookies) expect([expires, maxAge]).toEqual(['Infinity', null]);
  });
}

/** Used without a pause, a session outlives its first life, and its cookie in a real jar. */
async function movesOn(cell: Cell, options: SiteOptions): Promise<Mark> {
  const { isAlive, movedMs } = await used(cell, options, (browser) => browser);
  expect(isAlive).toBe(true);
  expect(movedMs).toBeGreaterThanOrEqual(CUT_MS);
  return WORKS;
}

interface Used {
  readonly isAlive: boolean;
  readonly lifeMs: number;
  /** How long before the login began. */
  readonly sinceLoginMs: number;
  /** How far the end of the cookie moved. */
  readonly movedMs: number;
}

/**
 * Reads a session again and again until it has outlived its first life, or is gone. Where the machine was too slow to ask in
 * time, nothing was measured: once more, with a longer life.
 *
 * @param as makes the client that reads of the one that has logged in.
 */
async function used(cell: Cell, options: SiteOptions, as: (browser: Client) => Client): Promise<Used> {
  // koa-session renews in the second half of a life.
  const halves = options.renew ? 2 : 1;
  for (let partMs = SHORT_MS; ; partMs *= 2) {
    const lifeMs = halves * partMs;
    await using site = await open(cell, { ...options, life: lifeMs });
    const startedAt = Date.now();
    const browser = await loggedIn(site);
    const endsAt = endOfCookie(site, browser);
    const until = Date.now() + lifeMs + cell.kind.resolutionMs + SURE_MS;
    const seen = await readOn(as(browser), { startedAt, until, lateMs: surelyLeft(partMs) });
    if (seen !== undefined) return { ...seen, lifeMs, movedMs: endOfCookie(site, browser) - endsAt };
  }
}

/** In ms since the epoch; NaN where the browser has no cookie any more. */
function endOfCookie(site: Site, browser: Client): number {
  return site.cookiesOf(browser)[0]?.expiryTime() ?? NaN;
}

/** Moments in ms since the epoch, and how far apart the start of a request and the end of the next one may be. */
interface Schedule {
  readonly startedAt: number;
  readonly until: number;
  readonly lateMs: number;
}

/** @returns undefined where the machine was too slow: a life may have ended between two reads. */
async function readOn(
  browser: Client,
  { startedAt, until, lateMs }: Schedule,
): Promise<Pick<Used, 'isAlive' | 'sinceLoginMs'> | undefined> {
  for (let askedAt = startedAt; ;) {
    await later(POLL_MS);
    const before = askedAt;
    askedAt = Date.now();
    const isAlive = 'user' in (await seenBy(browser));
    const now = Date.now();
    if (now - before > lateMs) return undefined;
    if (!isAlive || askedAt > until) return { isAlive, sinceLoginMs: now - startedAt };
  }
}
