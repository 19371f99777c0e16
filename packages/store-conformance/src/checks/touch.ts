import assert from 'node:assert/strict';
import { birth, expectData, expectGone, expectLife, expectThere, outlive, passLife } from '../expect.js';
import { asJson, dataOf, expiresAt } from '../sessions.js';
import type { Trial } from '../trial.js';
import type { Check } from '../types.js';

const SHORT_MS = 300;

/** TCH: keeping a session alive. */
export const touch: Check[] = [
  {
    id: 'TCH-1',
    level: 'MUST',
    since: '0.1',
    title: 'touch() extends a live session',
    why: 'Without it an active user is logged out in the middle of work.',
    mend: 'Move the stored expiry to what the cookie given to touch() says.',
    needs: ['touch'],
    timed: true,
    run: async (t) => {
      const sid = await outlive(t, async (key, lifeMs) => {
        await t.put(key, { n: 1 }, lifeMs);
        await t.store.touch(key, t.session({ n: 1 }), 60_000);
      });
      await expectData(t.store, sid, { n: 1 }, 'the touched session, after its first life');
    },
  },
  {
    id: 'TCH-2',
    level: 'MUST',
    since: '0.1',
    title: 'touch() never writes session data',
    why: 'Seen: 100 of 100 saves lost to the touch of a request that had loaded earlier.',
    mend: 'Change the expiry alone (and the date in the cookie, if it is stored with the data).',
    needs: ['touch'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      const old = await t.store.load(sid);
      await t.put(sid, { n: 2 });
      await t.store.touch(sid, old);
      await expectData(t.store, sid, { n: 2 }, 'get() after a touch with an older session');
    },
  },
  {
    id: 'TCH-2.a',
    level: 'MUST',
    since: '0.1',
    title: 'of a set() and a touch() at the same time, the data of the set() stays',
    why: 'A touch that reads, changes and writes back undoes the save in between.',
    mend: 'Make touch() one command that does not carry data.',
    needs: ['touch'],
    run: setBesideTouch,
  },
  {
    id: 'TCH-3',
    level: 'MUST',
    since: '0.1',
    title: 'touch() of a missing session is no error, and creates nothing',
    why: 'Sessions expire between load and touch; an error there is a 500, a created one is an empty login.',
    mend: 'Extend only what is there. "Nothing to extend" is a success.',
    needs: ['touch'],
    run: async (t) => {
      const sid = t.sid();
      await t.store.touch(sid, t.session({ n: 1 }));
      await expectGone(t.store, sid, 'get() after touch() of a sid that nobody stored');
    },
  },
  {
    id: 'TCH-4',
    level: 'MUST',
    since: '0.1',
    title: 'touch() of an expired session does not revive it',
    why: 'Seen in 11 stores: a stolen or forgotten session that had ended works again.',
    mend: 'Put the check of the expiry into the same command: WHERE expires > now.',
    needs: ['touch'],
    timed: true,
    run: async (t) => {
      const sid = t.sid();
      const born = await birth(t, () => t.put(sid, { n: 1 }, SHORT_MS));
      await passLife(t, born, SHORT_MS);
      await t.store.touch(sid, t.session({ n: 1 }), 60_000);
      await expectGone(t.store, sid, 'a session that expired unread, and was then touched');
    },
  },
  {
    id: 'TCH-5',
    level: 'MUST',
    since: '0.1',
    title: 'after touch(), get() reports the extended date',
    why: 'The next save carries that date. Seen: a session kept alive by touch, then saved: "saved", and logged out.',
    mend: 'Put the new date into the cookie that get() returns: now plus what is left.',
    needs: ['touch'],
    run: async (t) => {
      const sid = t.sid();
      const until = await touched(t, sid, 30_000);
      const reported = expiresAt(await t.store.load(sid));
      assert.ok(reported >= until - 1000, `get() reports a date ${until - reported} ms before the one given to touch()`);
    },
  },
  {
    id: 'TCH-5.a',
    level: 'MUST',
    since: '0.1',
    title: 'a session that is touched, loaded and saved does not live shorter',
    why: 'Seen in redis, SQLite and knex stores: the save after a touch logs an active user out.',
    mend: 'Report the extended date in get(), or do not let an unchanged date shorten a life.',
    needs: ['touch'],
    timed: true,
    run: touchLoadSave,
  },
  {
    id: 'TCH-6',
    level: 'MUST',
    since: '0.1',
    title: "touch() leaves the caller's object as it is",
    why: 'A key that the store adds to req.session is saved with it.',
    mend: 'Read the cookie; write nothing to it.',
    needs: ['touch'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      const session = t.session({ n: 1 });
      const before = asJson(session);
      await t.store.touch(sid, session);
      assert.deepEqual(asJson(session), before, 'the object given to touch(), afterwards');
    },
  },
  {
    id: 'TCH-7',
    level: 'MUST',
    since: '0.1',
    title: 'the touch of a request that loaded earlier does not shorten "remember me"',
    why: 'A slow request started before the login would cut a month down to the old half hour.',
    mend: 'Let a touch whose cookie changed by its date alone only lengthen.',
    needs: ['touch', 'tie'],
    timed: true,
    run: staleTouch,
  },
  {
    id: 'TCH-8',
    level: 'MUST',
    since: '0.1',
    title: 'a touch whose cookie changed beyond its date stores the cookie, and no data',
    why: 'req.session.cookie.maxAge = month, without other changes, reaches the store as a touch: it was lost.',
    mend: 'Where anything but the date differs from what was loaded, replace the cookie in the stored session.',
    needs: ['touch', 'tie'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 }, 30_000);
      const mine = await t.store.load(sid);
      await t.put(sid, { n: 2 }, 30_000);
      mine['cookie'] = t.cookie(90_000);
      await t.store.touch(sid, mine);
      const after = await t.store.load(sid);
      assert.equal(after['cookie'].originalMaxAge, 90_000, 'cookie.originalMaxAge after the touch');
      assert.deepEqual(dataOf(after), { n: 2 }, 'the data after the touch');
    },
  },
  {
    id: 'TCH-9',
    level: 'MUST',
    since: '0.1',
    title: 'a touch with an explicit lifetime sets what it says, shorter or past too',
    why: '"Log me out in a minute" must work on a session that has an hour left.',
    mend: 'Let only a touch without an explicit lifetime be bound to lengthen.',
    needs: ['touch', 'promises', 'tie'],
    timed: true,
    run: explicitTouch,
  },
  {
    id: 'TCH-10',
    level: 'MUST',
    since: '0.1',
    title: 'touch() invents no date where the cookie has none',
    why: 'A date invented for a browser session makes it shrink at each request of koa-generic-session.',
    mend: 'Replace cookie.expires only where it is a date.',
    needs: ['touch'],
    run: async (t) => {
      const sid = t.sid();
      await t.store.set(sid, t.session({ n: 1 }, null));
      await t.store.touch(sid, t.session({ n: 1 }, null));
      const { cookie } = await t.store.load(sid);
      assert.equal(cookie.expires ?? null, null, 'cookie.expires of a touched browser session');
    },
  },
  {
    id: 'TCH-11',
    level: 'MUST',
    since: '0.1',
    title: 'touch() says whether there was a live session',
    why: 'A middleware that knows can send a new cookie at once.',
    mend: 'Resolve with true where a session was extended, with false where there was none.',
    needs: ['touch', 'promises', 'tie'],
    run: async (t) => {
      const sid = await t.stored();
      assert.equal(await t.store.raw['touch'](sid), true, 'touch() of a live session');
      assert.equal(await t.store.raw['touch'](t.sid()), false, 'touch() of a missing one');
    },
  },
  {
    id: 'TCH-12',
    level: 'MUST',
    since: '0.1',
    title: 'touch() of a browser session gives it the default lifetime again',
    why: 'Seen: touch did nothing for a cookie without a date, and active users were logged out after a day.',
    mend: 'Where the cookie has no date, extend by the default.',
    needs: ['touch'],
    timed: true,
    run: async (t) => {
      const sid = await outlive(t, async (key, lifeMs) => {
        await t.put(key, { n: 1 }, lifeMs);
        await t.store.touch(key, t.session({ n: 1 }, null));
      });
      await expectThere(t.store, sid, 'a session touched with a cookie that has no date, after its first life');
    },
  },
];

async function setBesideTouch(t: Trial): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const sid = await t.stored({ n: 1 });
    const old = await t.store.load(sid);
    const calls = [() => t.put(sid, { n: 2 }), () => t.store.touch(sid, old)];
    if (round % 2) calls.reverse();
    await Promise.all(calls.map((call) => call()));
    await expectData(t.store, sid, { n: 2 }, 'get() after a set() and a touch() at the same time');
  }
}

/** A session whose date was moved by touch, as express-session does at the end of a request. */
async function touched(t: Trial, sid: string, lifeMs: number): Promise<number> {
  await t.store.set(sid, { cookie: t.cookie(lifeMs, 60_000), n: 1 }, lifeMs);
  const mine = await t.store.load(sid);
  mine['cookie'] = t.cookie(60_000);
  const until = expiresAt(mine);
  await t.store.touch(sid, mine, 60_000);
  return until;
}

async function touchLoadSave(t: Trial): Promise<void> {
  const sid = await outlive(t, async (key, lifeMs) => {
    await touched(t, key, lifeMs);
    await t.store.set(key, await t.store.load(key));
  });
  await expectThere(t.store, sid, 'a session that was touched, loaded and saved, after its first life');
}

async function staleTouch(t: Trial): Promise<void> {
  const sid = await outlive(t, async (key, lifeMs) => {
    await t.put(key, { n: 1 }, lifeMs);
    const [slow, fast] = [await t.store.load(key), await t.store.load(key)];
    fast['cookie'] = t.cookie(60_000);
    await t.store.set(key, fast);
    slow['cookie'].expires = t.cookie(lifeMs).expires;
    await t.store.touch(key, slow);
  });
  await expectThere(t.store, sid, 'the remembered session, after the stale touch and the short life');
}

async function explicitTouch(t: Trial): Promise<void> {
  const { raw } = t.store;
  const [shorter, past] = [await t.stored(), await t.stored()];
  await raw['touch'](past, undefined, 0);
  await expectGone(t.store, past, 'a session touched with a lifetime of 0');
  const loaded = await t.store.load(shorter);
  const born = await birth(t, () => raw['touch'](shorter, loaded, SHORT_MS));
  await expectLife(t, shorter, born, SHORT_MS, 'a session with a minute left, touched with 300 ms');
}
