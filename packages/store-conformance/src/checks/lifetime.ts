import assert from 'node:assert/strict';
import { birth, expectData, expectGone, expectLife, expectThere, outlive, passLife, storeError } from '../expect.js';
import { asJson, expiresAt } from '../sessions.js';
import type { Trial } from '../trial.js';
import type { Check, Session } from '../types.js';

const SHORT_MS = 300;
const DAY_MS = 86_400_000;
const FAR: readonly [string, number][] = [
  ['30 days and a second', 30 * DAY_MS + 1000],
  ['2^31 ms', 2 ** 31],
  ['2^31 s', 2 ** 31 * 1000],
  ['100 years', 100 * 365 * DAY_MS],
];

/** TTL: how long a session lives. */
export const lifetime: Check[] = [
  {
    id: 'TTL-1',
    level: 'MUST',
    since: '0.1',
    title: 'an expired session is invisible, removed or not yet',
    why: 'Seen: sessions readable for 15 minutes after their end, until a sweeper came; or for ever.',
    mend: 'Check the expiry in every read, not in a timer.',
    timed: true,
    run: async (t) => {
      const sid = t.sid();
      const born = await birth(t, () => t.put(sid, {}, SHORT_MS));
      await passLife(t, born, SHORT_MS);
      await expectGone(t.store, sid, 'get() of a session that expired unread');
    },
  },
  {
    id: 'TTL-2',
    level: 'MUST',
    since: '0.1',
    title: 'a session lives no shorter than its lifetime, and no longer than that and the resolution',
    why: 'Seen: 1.5 s that ended after 0.4 s. A session that ends early is a user logged out at work.',
    mend: 'Round up to your resolution, never down, and declare it in traits.resolutionMs.',
    timed: true,
    run: async (t) => {
      const sid = t.sid();
      const born = await birth(t, () => t.put(sid, {}, 1500));
      await expectLife(t, sid, born, 1500, 'a session of 1.5 s');
    },
  },
  {
    id: 'TTL-3',
    level: 'MUST',
    since: '0.1',
    title: 'a lifetime under a second is kept, and is never "for ever" or a default day',
    why: 'Seen: 500 ms rounded down to 0, which the backend takes for "never expires".',
    mend: 'Round up.',
    timed: true,
    run: async (t) => {
      const sid = t.sid();
      const born = await birth(t, () => t.put(sid, {}, 500));
      await expectLife(t, sid, born, 500, 'a session of 0.5 s');
    },
  },
  {
    id: 'TTL-4',
    level: 'MUST',
    since: '0.1',
    title: 'set() with a date in the past destroys the session, without an error',
    why: 'Seen: an error and the old session still readable; or a session that lives for ever.',
    mend: 'Where the lifetime is 0 or less, remove the key.',
    run: async (t) => {
      for (const lifeMs of [0, -1, -DAY_MS]) {
        const sid = await t.stored({ n: 1 });
        await t.put(sid, { n: 2 }, lifeMs);
        await expectGone(t.store, sid, `get() after set() with a lifetime of ${lifeMs} ms over a live session`);
      }
    },
  },
  {
    id: 'TTL-5',
    level: 'MUST',
    since: '0.1',
    title: 'lifetimes of 30 days, 2^31 ms, 2^31 s and 100 years are stored as given',
    why: 'Memcached takes more than 30 days for a date in 1970, and 32-bit columns and timers overflow: gone at once.',
    mend: 'Use absolute dates past the limit, 64-bit columns, and no timer per session.',
    timed: true,
    run: async (t) => {
      await Promise.all(FAR.map(([name, lifeMs]) => t.put(name, {}, lifeMs)));
      for (const [name] of FAR) await expectThere(t.store, name, `a session of ${name}, at once`);
      await t.clock.pass(t.resolutionMs + 100);
      for (const [name, lifeMs] of FAR) await expectFar(t, name, lifeMs);
    },
  },
  {
    id: 'TTL-6',
    level: 'MUST',
    since: '0.1',
    title: 'the lifetime comes from the cookie in every form: a Date, an ISO string, a cookie object',
    why: 'After get() the cookie is plain JSON. Seen in nine stores: its string was ignored, and the session got a day.',
    mend: 'Read cookie.expires with new Date(...), whatever it is.',
    needs: ['cookies'],
    timed: true,
    run: everyForm,
  },
  {
    id: 'TTL-7',
    level: 'MUST',
    since: '0.1',
    title: 'Infinity, NaN and an invalid date give a readable session or an error, never "saved" and gone',
    why: 'Seen: success, and no session at the next request.',
    mend: 'Take Infinity for "until destroyed", and refuse what is no number.',
    run: strangeDates,
  },
  {
    id: 'TTL-8',
    level: 'MUST',
    since: '0.1',
    title: 'a browser session (no date in the cookie) is stored',
    why: "It is express-session's default. Seen: a lifetime of null became 0, or no expiry at all.",
    mend: "Give it a finite default; Sessile's is a day.",
    run: async (t) => {
      // A session of express-session always has a cookie.
      const bare = t.store.kind === 'callback' ? [] : [undefined];
      for (const cookie of [t.cookie(null), { expires: null, originalMaxAge: null }, { path: '/' }, ...bare]) {
        const sid = t.sid();
        await t.store.set(sid, cookie === undefined ? { n: 1 } : { cookie, n: 1 });
        await expectThere(t.store, sid, `a session whose cookie is ${JSON.stringify(cookie)}`);
      }
    },
  },
  {
    id: 'TTL-9',
    level: 'MUST',
    since: '0.1',
    title: "koa-session's forms are understood: maxAge 'session', undefined, and the options object",
    why: 'Seen: "ERR value is not an integer" and HTTP 500 on every write with the documented maxAge: \'session\'.',
    mend: 'Take \'session\', undefined and null for "no lifetime given", and ignore options that you do not use.',
    needs: ['promises'],
    run: koaForms,
  },
  {
    id: 'TTL-9.a',
    level: 'MUST',
    since: '0.1',
    title: 'a rolling save of koa-session ({ rolling: true, changed: false }) extends the life',
    why: 'Seen: a store that skipped unchanged saves; active sessions died.',
    mend: 'Extend, whether the data changed or not.',
    needs: ['promises'],
    timed: true,
    run: rollingSave,
  },
  {
    id: 'TTL-10',
    level: 'MUST',
    since: '0.1',
    title: 'an explicit lifetime, in milliseconds, counts before the cookie',
    why: 'koa-session gives the lifetime as an argument. Three incumbents count in seconds: a day becomes 2.7 years.',
    mend: 'Read the third argument of set() first, as milliseconds.',
    needs: ['promises'],
    timed: true,
    run: async (t) => {
      const sid = await outlive(t, async (key, lifeMs) => {
        await t.store.raw['set'](key, t.session({}, 60_000), lifeMs);
        await expectThere(t.store, key, `a session set with ${lifeMs} ms, at once`);
      });
      await expectGone(t.store, sid, 'a session set with a short lifetime and a cookie of a minute, after that lifetime');
    },
  },
  {
    id: 'TTL-11',
    level: 'MUST',
    since: '0.1',
    title: 'an explicit lifetime may be Infinity or past the last Date; NaN is refused, and changes nothing',
    why: 'A number that went wrong must not end or immortalise a session in silence.',
    mend: 'Validate before anything is sent.',
    needs: ['promises', 'tie'],
    run: async (t) => {
      const sid = t.sid();
      for (const lifeMs of [Infinity, 1e300, 8.64e15]) {
        await t.store.raw['set'](sid, t.session({ lifeMs: String(lifeMs) }), lifeMs);
        await expectData(t.store, sid, { lifeMs: String(lifeMs) }, `get() after set() with ${lifeMs} ms`);
      }
      const bad = t.store.raw['set'](sid, t.session({ bad: true }), Number.NaN);
      await storeError(bad, 'ERR_STORE_INVALID_ARGUMENT', 'set() with NaN ms');
      await expectData(t.store, sid, { lifeMs: '8640000000000000' }, 'get() after the refused set()');
    },
  },
  {
    id: 'TTL-12',
    level: 'MUST',
    since: '0.1',
    title: 'a session that expired while a request was in flight is not saved back to life',
    why: 'It would undo the timeout that security asked for.',
    mend: 'Let the compare-and-set check the expiry too.',
    needs: ['tie'],
    timed: true,
    run: async (t) => {
      let slow: Session = {};
      const sid = await outlive(t, async (key, lifeMs) => {
        await t.put(key, { n: 1 }, lifeMs);
        slow = await t.store.load(key);
      });
      slow['n'] = 2;
      slow['cookie'] = t.cookie(60_000);
      await t.store.set(sid, slow);
      await expectGone(t.store, sid, 'get() after set() of what was loaded before the session expired');
    },
  },
  {
    id: 'TTL-13',
    level: 'MUST',
    since: '0.1',
    title: 'a save whose date the application did not change does not shorten the life',
    why: 'A slow request would undo the "remember me" of a fast one.',
    mend: 'Keep the stored expiry where the date is as get() reported it.',
    needs: ['tie'],
    timed: true,
    run: staleSave,
  },
  {
    id: 'TTL-14',
    level: 'MUST',
    since: '0.1',
    title: 'a date that the application moved to the past ends the session',
    why: 'req.session.cookie.expires = new Date(0), or maxAge = 0, is a way to log out.',
    mend: 'Take a date earlier than the reported one as said.',
    needs: ['tie'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      const mine = await t.store.load(sid);
      mine['cookie'].expires = new Date(0);
      await t.store.set(sid, mine);
      await expectGone(t.store, sid, 'get() after a save with cookie.expires in 1970');
    },
  },
  {
    id: 'TTL-15',
    level: 'MUST',
    since: '0.1',
    title: 'an explicit lifetime shorter than what was left is taken as said by the save of a loaded session',
    why: 'ctx.session.maxAge = minute must shorten a session that had a day.',
    mend: 'Let an explicit lifetime set the expiry where it is shorter than what was left at the load.',
    needs: ['promises', 'tie'],
    timed: true,
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      const mine = await t.store.load(sid);
      const born = await birth(t, () => t.store.raw['set'](sid, mine, 400));
      await expectLife(t, sid, born, 400, 'a loaded session saved with 400 ms');
    },
  },
  {
    id: 'TTL-15.a',
    level: 'MUST',
    since: '0.1',
    title: "a slow request that gives koa-session's usual lifetime does not cut the longer life that another one gave meanwhile",
    why: 'ctx.session.maxAge = month at the login; a request from before it ends the session after an hour.',
    mend: 'Let an explicit lifetime only lengthen, where it is not shorter than what was left at the load.',
    needs: ['promises', 'tie'],
    timed: true,
    run: (t) => keepsLonger(t, (lifeMs) => ({ _expire: t.clock.now() + lifeMs, _maxAge: lifeMs })),
  },
  {
    id: 'TTL-15.b',
    level: 'MUST',
    since: '0.1',
    title: "a slow request that gives koa-generic-session's usual lifetime does not cut the longer life that another one gave meanwhile",
    why: 'ctx.session.cookie.maxAge = month at the login; a request from before it ends the session after an hour.',
    mend: 'Let an explicit lifetime only lengthen, where it is not shorter than what was left at the load.',
    needs: ['promises', 'tie'],
    timed: true,
    run: (t) => keepsLonger(t, (lifeMs) => ({ cookie: { path: '/', maxAge: lifeMs } })),
  },
  {
    id: 'TTL-16',
    level: 'MUST',
    since: '0.1',
    title: "koa-session's own metadata (_expire, _maxAge) comes back as it was stored",
    why: 'koa-session compares them itself; a changed number is a changed session.',
    mend: 'Leave them alone.',
    needs: ['promises'],
    run: async (t) => {
      const sid = t.sid();
      const session = { n: 1, _expire: t.clock.now() + 50_000, _maxAge: 50_000 };
      await t.store.raw['set'](sid, session, 60_000, { rolling: false, changed: true });
      if (t.store.has('touch')) await t.store.raw['touch'](sid);
      assert.deepEqual(asJson(await t.store.load(sid)), asJson(session), 'get() of a koa-session');
    },
  },
  {
    id: 'TTL-17',
    level: 'MUST',
    since: '0.1',
    title: 'without an argument or a cookie, _expire gives the lifetime',
    why: 'Copied and migrated koa sessions carry their end with them.',
    mend: 'Look at _expire (a date in ms) and _maxAge (a duration) after the cookie.',
    needs: ['promises', 'tie'],
    timed: true,
    run: async (t) => {
      const sid = t.sid();
      const from = t.clock.now();
      await t.store.raw['set'](sid, { _expire: from + 400, _maxAge: 400 });
      await expectLife(t, sid, { from, to: t.clock.now() }, 400, 'a session whose _expire is in 400 ms');
    },
  },
];

async function expectFar(t: Trial, name: string, lifeMs: number): Promise<void> {
  const session = await t.store.get(name);
  assert.ok(session !== null, `a session of ${name} is gone after ${t.resolutionMs + 100} ms`);
  const leftMs = expiresAt(session) - t.clock.now();
  assert.ok(!(leftMs < lifeMs - DAY_MS), `a session of ${name}: its date is only ${leftMs} ms away`);
}

/** @param named what the middleware keeps of a life in the session, without a date in the cookie. */
async function keepsLonger(t: Trial, named: (lifeMs: number) => Session): Promise<void> {
  const save = (sid: string, session: Session, lifeMs: number): Promise<unknown> =>
    t.store.raw['set'](sid, Object.assign(session, named(lifeMs)), lifeMs);
  const sid = await outlive(t, async (sid, lifeMs) => {
    await save(sid, { n: 1 }, lifeMs);
    const [slow, quick] = [await t.store.load(sid), await t.store.load(sid)];
    await save(sid, quick, DAY_MS);
    slow['late'] = true;
    await save(sid, slow, lifeMs);
  });
  await expectThere(t.store, sid, 'get() after the life that the slow request gave');
}

async function everyForm(t: Trial): Promise<void> {
  const date = (lifeMs: number): Date => new Date(t.clock.now() + lifeMs);
  const forms: [string, (lifeMs: number) => Session][] = [
    ['a Date', (lifeMs) => ({ originalMaxAge: lifeMs, expires: date(lifeMs) })],
    ['an ISO string', (lifeMs) => ({ originalMaxAge: lifeMs, expires: date(lifeMs).toISOString() })],
    ['a cookie object', (lifeMs) => t.cookie(lifeMs)],
  ];
  // A clock that a target moves is one for all: nobody may move it while another one's steps are under way.
  if (t.target.advance) for (const [name, cookie] of forms) await keepsForm(t, name, cookie);
  else await Promise.all(forms.map(([name, cookie]) => keepsForm(t, name, cookie)));
}

/** Its date ends it; so it does after it was loaded, as plain JSON, and stored under another sid. */
async function keepsForm(t: Trial, name: string, cookie: (lifeMs: number) => Session): Promise<void> {
  const sid = await outlive(t, async (key, lifeMs) => {
    await t.store.set(key, { cookie: cookie(lifeMs), n: 1 });
    await t.store.set(`${key}-copy`, { ...(await t.store.load(key)) });
  });
  await expectGone(t.store, sid, `a session whose cookie.expires was ${name}, after that`);
  await expectGone(t.store, `${sid}-copy`, `the same, loaded and stored under another sid (${name})`);
}

async function strangeDates(t: Trial): Promise<void> {
  const invalid = new Date(Number.NaN);
  const strange: [string, Session][] = [
    ['originalMaxAge Infinity', { originalMaxAge: Infinity, maxAge: Infinity, expires: invalid }],
    ['originalMaxAge NaN', { originalMaxAge: Number.NaN, maxAge: Number.NaN, expires: invalid }],
    ['an invalid date', { originalMaxAge: 60_000, expires: invalid }],
    ['a date that is no date', { originalMaxAge: 60_000, expires: 'soon' }],
  ];
  for (const [name, cookie] of strange) await savedOrRefused(t, name, cookie);
}

async function savedOrRefused(t: Trial, name: string, cookie: Session): Promise<void> {
  const sid = t.sid();
  const error = await t.store.set(sid, { cookie, n: 1 }).catch((cause: unknown) => cause);
  if (error === undefined) return expectThere(t.store, sid, `${name}: set() succeeded, so get()`);
  assert.ok(error instanceof Error, `${name}: what set() failed with is no Error`);
}

async function koaForms(t: Trial): Promise<void> {
  const { raw } = t.store;
  for (const maxAge of ['session', undefined, null, 60_000]) {
    const sid = t.sid();
    await raw['set'](sid, { n: 1 }, maxAge, { rolling: false, changed: true, ctx: {} });
    const read = await raw['get'](sid, maxAge, { rolling: false, ctx: {} });
    assert.equal(read?.n, 1, `get() after set(), both with maxAge ${String(maxAge)}`);
  }
}

async function rollingSave(t: Trial): Promise<void> {
  const { raw } = t.store;
  const sid = await outlive(t, async (key, lifeMs) => {
    const ctx = {};
    await raw['set'](key, { n: 1 }, lifeMs, { rolling: true, changed: true });
    const loaded = await raw['get'](key, lifeMs, { rolling: true, ctx });
    await raw['set'](key, loaded, 60_000, { rolling: true, changed: false, ctx });
  });
  await expectThere(t.store, sid, 'a session after a rolling save of a minute, and its first life');
}

async function staleSave(t: Trial): Promise<void> {
  const sid = await outlive(t, async (key, lifeMs) => {
    await t.put(key, { n: 1 }, lifeMs);
    const [slow, fast] = [await t.store.load(key), await t.store.load(key)];
    fast['cookie'] = t.cookie(60_000);
    await t.store.set(key, fast);
    slow['seen'] = true;
    await t.store.set(key, slow);
  });
  await expectData(t.store, sid, { n: 1, seen: true }, 'the remembered session, after a stale save and the short life');
}
