import assert from 'node:assert/strict';
import { Client, serve } from './http.js';
import { expressSite, HOUR_MS, REMEMBERED_MS, type Site } from './sites.js';

/**
 * A fleet that moves from another store to ours, one server at a time: a visitor logs in on either, is served by both in turn, and
 * logs out on the other.
 *
 * @param site express-session by default.
 * @throws AssertionError where a server does not see what another one did.
 */
export async function assertFleet(theirs: unknown, ours: unknown, site: Site = expressSite): Promise<void> {
  await using old = await serve(site.listener(theirs));
  await using renewed = await serve(site.listener(ours));
  for (const [here, there] of [
    [old, renewed],
    [renewed, old],
  ] as const) {
    const visitor = new Client(here.url);
    await visitor.get('/login');
    const elsewhere = visitor.clone(there.url);
    for (const [before, client] of [elsewhere, visitor, elsewhere, visitor].entries()) {
      await assertVisit(client, before + 1);
      assert.deepEqual(JSON.parse((await client.get('/look')).text), { user: 'ada', visits: before + 1 });
    }
    await elsewhere.get('/logout');
    assert.deepEqual(JSON.parse((await visitor.get('/visit')).text), { user: null, visits: null }, 'logged out on the other server');
  }
}

async function assertVisit(visitor: Client, visits: number): Promise<void> {
  assert.deepEqual(JSON.parse((await visitor.get('/visit')).text), { user: 'ada', visits });
}

/** A store, and what its backend itself says is left of a session, in ms. */
export interface Side {
  readonly store: unknown;
  readonly left: (sid: string) => Promise<number> | number;
}

/** A site that moves between two stores on the same data. */
export interface Move {
  readonly theirs: unknown;
  readonly ours: unknown;
  readonly left: Side['left'];
  /** express-session by default. */
  readonly site?: Site;
}

/**
 * What a page of `docs/migrating` promises: the site is stopped, started again on the other store, and everybody is still logged in,
 * for as long as before. Then back, and at last with servers on either store at the same time.
 *
 * @throws AssertionError where a visitor is not known any more, or is remembered for another time.
 */
export async function assertMove({ theirs, ours, left, site = expressSite }: Move): Promise<void> {
  await assertHandover({ store: theirs, left }, { store: ours, left }, { site });
  await assertHandover({ store: ours, left }, { store: theirs, left }, { site });
  await assertFleet(theirs, ours, site);
}

const VISITORS = [
  ['/login', HOUR_MS],
  ['/remember', REMEMBERED_MS],
] as const;

/**
 * A site is stopped, its sessions are carried over, and it is started again on another store.
 *
 * @param options.carry what is to be done while it stands; nothing by default.
 * @throws AssertionError where a visitor is not known any more, or is remembered for another time.
 */
export async function assertHandover(
  from: Side,
  to: Side,
  { site = expressSite, carry }: { site?: Site; carry?: () => Promise<unknown> } = {},
): Promise<void> {
  const visitors = await loggedIn(site, from);
  await carry?.();
  await using next = await serve(site.listener(to.store));
  for (const [n, known] of visitors.entries()) {
    const [, lifeMs] = VISITORS[n]!;
    const sid = site.sidOf(known);
    isAbout(await to.left(sid), lifeMs);
    const visitor = known.clone(next.url);
    await assertVisit(visitor, 1);
    await visitor.get('/look');
    assert.equal(site.sidOf(visitor), sid, 'the same session');
    isAbout(await to.left(sid), lifeMs);
  }
}

/** Visitors of a site that has stopped since. */
async function loggedIn(site: Site, { store, left }: Side): Promise<Client[]> {
  await using served = await serve(site.listener(store));
  const visitors = VISITORS.map(() => new Client(served.url));
  for (const [n, visitor] of visitors.entries()) {
    const [path, lifeMs] = VISITORS[n]!;
    await visitor.get(path);
    isAbout(await left(site.sidOf(visitor)), lifeMs);
  }
  return visitors;
}

/** Nobody's clock is asked here: whole seconds are rounded, koa-session keeps ten seconds more, and a busy machine takes its time. */
function isAbout(leftMs: number, lifeMs: number): void {
  assert.ok(Math.abs(leftMs - lifeMs) < 60_000, `${Math.round(leftMs / 1000)} s are left of a life of ${lifeMs / 1000} s`);
}
