import assert from 'node:assert/strict';
import { expectData, expectGone } from '../expect.js';
import { isMissing } from '../store-under-test.js';
import type { Trial } from '../trial.js';
import type { Check, Session } from '../types.js';

/** MID: what the middlewares find in a store. */
export const middleware: Check[] = [
  {
    id: 'MID-1',
    level: 'MUST',
    since: '0.1',
    title: 'createSession(req, data) makes req.session: the data, and a cookie whose expires is a Date',
    why: 'express-session takes a store only if it has createSession, regenerate and load.',
    mend: 'Build it like the Store class of express-session.',
    needs: ['createSession'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      const { req, session } = await enter(t, sid);
      assert.equal(req.session, session, 'req.session, beside what createSession() returned');
      assert.deepEqual([session['n'], session['id']], [1, sid], 'n and id of the session');
      assert.ok(session['cookie'].expires instanceof Date, 'cookie.expires of the session is no Date');
      for (const method of ['save', 'reload', 'touch', 'destroy', 'regenerate', 'resetMaxAge']) {
        assert.equal(typeof session[method], 'function', `the type of session.${method}`);
      }
    },
  },
  {
    id: 'MID-2',
    level: 'MUST',
    since: '0.1',
    title: 'what createSession() made is tied: two requests of express-session lose nothing',
    why: 'It is the object that express-session saves.',
    mend: 'Tie req.session, in createSession(), with the sid of the request.',
    needs: ['createSession', 'tie'],
    run: async (t) => {
      const sid = await t.stored({ n: 0 });
      const [one, two] = [await enter(t, sid), await enter(t, sid)];
      one.session['a'] = 1;
      two.session['b'] = 2;
      await t.store.set(sid, one.session);
      await t.store.set(sid, two.session);
      await expectData(t.store, sid, { n: 0, a: 1, b: 2 }, 'get() after both requests saved');
    },
  },
  {
    id: 'MID-2.a',
    level: 'MUST',
    since: '0.1',
    title: 'a logout beside a slow request of express-session stays a logout',
    why: 'The old cookie would work again.',
    mend: 'Drop the save of a tied session that is gone.',
    needs: ['createSession', 'tie'],
    run: async (t) => {
      const sid = await t.stored({ user: 'ada' });
      const [slow, logout] = [await enter(t, sid), await enter(t, sid)];
      await t.store.destroy(logout.req.sessionID);
      slow.session['seen'] = true;
      await t.store.set(sid, slow.session);
      await expectGone(t.store, sid, 'get() after the logout and the slow save');
    },
  },
  {
    id: 'MID-3',
    level: 'MUST',
    since: '0.1',
    title: 'load(sid, callback) gives the session of a stored sid, and nothing for an unknown one',
    why: 'WebSocket servers load sessions with it.',
    mend: 'get(), then createSession().',
    needs: ['load', 'callbacks'],
    run: async (t) => {
      const sid = await t.stored({ n: 1 });
      assert.equal((await load(t, sid))?.['n'], 1, 'n of the session that load() gave');
      assert.equal((await load(t, t.sid())) ?? null, null, 'what load() gave for an unknown sid');
    },
  },
  {
    id: 'MID-4',
    level: 'MUST',
    since: '0.1',
    title: 'regenerate(req, callback) destroys the old session and asks for a new one, which can be saved',
    why: 'A login changes the sid. If the new session is taken for the old, destroyed one, nobody can log in.',
    mend: 'Destroy req.sessionID, then call this.generate(req), which express-session sets.',
    needs: ['createSession', 'regenerate', 'callbacks'],
    run: regenerates,
  },
];

interface Request {
  sessionID: string;
  readonly sessionStore: object;
  session?: Session;
}

/** The start of a request in express-session. */
async function enter(t: Trial, sid: string): Promise<{ req: Request; session: Session }> {
  const req: Request = { sessionID: sid, sessionStore: t.store.raw };
  const session: Session = t.store.raw['createSession'](req, await t.store.load(sid));
  return { req, session };
}

function load(t: Trial, sid: string): Promise<Session | undefined> {
  return new Promise((resolve, reject) => {
    // express-session's own load() hands on what get() says, ENOENT too.
    const fails = (error: unknown): boolean => Boolean(error) && !isMissing(error);
    t.store.raw['load'](sid, (error: unknown, session?: Session) => (fails(error) ? reject(error) : resolve(session)));
  });
}

async function regenerates(t: Trial): Promise<void> {
  const { raw } = t.store;
  const [old, next] = [await t.stored({ n: 1 }), t.sid()];
  const { req } = await enter(t, old);
  raw['generate'] = (request: Request): void => {
    request.sessionID = next;
    raw['createSession'](request, { cookie: t.cookie(), user: 'ada' });
  };
  await new Promise<void>((done, fail) => raw['regenerate'](req, (error: unknown) => (error ? fail(error) : done())));
  await expectGone(t.store, old, 'get() of the old sid');
  assert.equal(req.sessionID, next, 'req.sessionID, which generate() sets');
  await t.store.set(next, req.session ?? {});
  await expectData(t.store, next, { user: 'ada' }, 'get() of the new sid');
}
