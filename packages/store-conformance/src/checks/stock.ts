import assert from 'node:assert/strict';
import { type Answer, type Controls, expressApp, gate, koaApp, koaGenericApp, type StockApp } from '../stock.js';
import type { Trial } from '../trial.js';
import type { Check, Session } from '../types.js';

const DAY_MS = 86_400_000;
const MANY = 50;
const ROLLING_MS = 3500;
const LATE_MS = 1200;
/** How long after its end a session that nobody extended must be seen to be gone. */
const SURE_MS = 500;

/** MID: the store inside the stock middlewares, over HTTP. */
export const stock: Check[] = [
  {
    id: 'MID-6',
    level: 'MUST',
    since: '0.1',
    title: 'in express-session, fifty parallel requests that each add a key keep all fifty',
    why: 'A page fires its requests together; carts and form steps vanish.',
    mend: 'Save what the request changed, by compare-and-set, not the whole copy that it loaded.',
    needs: ['express-session', 'createSession', 'tie'],
    run: (t) => inExpress(t, { cookie: { maxAge: DAY_MS } }, keepsAll),
  },
  {
    id: 'MID-6.a',
    level: 'MUST',
    since: '0.1',
    title: 'in koa-session, fifty parallel requests that each add a key keep all fifty',
    why: 'A page fires its requests together; carts and form steps vanish.',
    mend: 'Tie the ctx that get() and set() are given to the session and its sid.',
    needs: ['koa-session', 'promises', 'tie'],
    run: (t) => inKoa(t, { maxAge: DAY_MS }, keepsAll),
  },
  {
    id: 'MID-6.b',
    level: 'MUST',
    since: '0.1',
    title: 'in koa-generic-session, fifty parallel requests that each add a key keep all fifty',
    why: 'A page fires its requests together; carts and form steps vanish.',
    mend: 'Tie the object that get() returned: it is what set() is given.',
    needs: ['koa-generic-session', 'promises', 'tie'],
    run: (t) => inGeneric(t, {}, keepsAll),
  },
  {
    id: 'MID-7',
    level: 'SHOULD',
    since: '0.1',
    title: 'in express-session, a logout during a slow writing request stays a logout, and no request fails',
    why: 'The old cookie works again, for whoever has it.',
    mend: 'Drop the save of a session that was destroyed since it was loaded.',
    needs: ['express-session', 'createSession'],
    run: (t) => inExpress(t, { cookie: { maxAge: DAY_MS } }, staysOut),
  },
  {
    id: 'MID-7.a',
    level: 'SHOULD',
    since: '0.1',
    title: 'in koa-session, a logout during a slow writing request stays a logout, and no request fails',
    why: 'The old cookie works again, for whoever has it.',
    mend: 'Drop the save of a session that was destroyed since it was loaded.',
    needs: ['koa-session', 'promises'],
    run: (t) => inKoa(t, { maxAge: DAY_MS }, staysOut),
  },
  {
    id: 'MID-7.b',
    level: 'SHOULD',
    since: '0.1',
    title: 'in koa-generic-session, a logout during a slow writing request stays a logout, and no request fails',
    why: 'The old cookie works again, for whoever has it.',
    mend: 'Drop the save of a session that was destroyed since it was loaded.',
    needs: ['koa-generic-session', 'promises'],
    run: (t) => inGeneric(t, {}, staysOut),
  },
  {
    id: 'MID-8',
    level: 'MUST',
    since: '0.1',
    title: 'in express-session, a browser session is kept: its cookie names no end',
    why: 'Without maxAge, which is the default, nobody stays logged in.',
    mend: 'Give a session whose cookie has no expires a finite default, such as a day.',
    needs: ['express-session', 'createSession'],
    run: (t) => inExpress(t, {}, staysIn),
  },
  {
    id: 'MID-8.a',
    level: 'MUST',
    since: '0.1',
    title: "in koa-session, maxAge: 'session' is kept: the store is given that word in place of a number",
    why: 'Every write fails, and every request with it.',
    mend: 'Take a maxAge that is no number for none.',
    needs: ['koa-session', 'promises'],
    run: (t) => inKoa(t, { maxAge: 'session' }, staysIn),
  },
  {
    id: 'MID-8.b',
    level: 'MUST',
    since: '0.1',
    title: 'in koa-generic-session, cookie.maxAge: null is kept: the store is given no lifetime at all',
    why: 'Nobody stays logged in.',
    mend: 'Give a session without a lifetime and without a date a finite default, such as a day.',
    needs: ['koa-generic-session', 'promises'],
    run: (t) => inGeneric(t, { cookie: { maxAge: null } }, staysIn),
  },
  {
    id: 'MID-9',
    level: 'MUST',
    since: '0.1',
    title: 'in express-session with rolling, a session that is used outlives its maxAge',
    why: 'Active users are logged out.',
    mend: 'Let touch() extend the session.',
    needs: ['express-session', 'createSession', 'touch'],
    timed: true,
    run: (t) => inExpress(t, { rolling: true, cookie: { maxAge: ROLLING_MS } }, livesOn),
  },
  {
    id: 'MID-9.a',
    level: 'MUST',
    since: '0.1',
    title: 'in koa-session with rolling, a session that is used outlives its maxAge',
    why: 'Active users are logged out.',
    mend: 'Let set() extend the session also where nothing changed (changed: false).',
    needs: ['koa-session', 'promises'],
    timed: true,
    run: (t) => inKoa(t, { rolling: true, maxAge: ROLLING_MS }, livesOn),
  },
  {
    id: 'MID-9.b',
    level: 'MUST',
    since: '0.1',
    title: 'in koa-generic-session with rolling, a session that is used outlives its maxAge',
    why: 'Active users are logged out.',
    mend: 'Let set(sid, session, ttl) extend the session also where nothing changed.',
    needs: ['koa-generic-session', 'promises'],
    timed: true,
    run: (t) => inGeneric(t, { rolling: true, cookie: { maxAge: ROLLING_MS } }, livesOn),
  },
];

type Scene = (app: StockApp, slow: ReturnType<typeof gate>, t: Trial) => Promise<void>;

async function inExpress(t: Trial, options: object, scene: Scene): Promise<void> {
  const slow = gate();
  await play(t, await expressApp(t.store.raw, options, handler(slow)), slow, scene);
}

async function inKoa(t: Trial, options: object, scene: Scene): Promise<void> {
  const slow = gate();
  await play(t, await koaApp(t.store.raw, options, handler(slow)), slow, scene);
}

async function inGeneric(t: Trial, options: object, scene: Scene): Promise<void> {
  const slow = gate();
  await play(t, await koaGenericApp(t.store.raw, options, handler(slow)), slow, scene);
}

async function play(t: Trial, app: StockApp, slow: ReturnType<typeof gate>, scene: Scene): Promise<void> {
  try {
    await scene(app, slow, t);
  } finally {
    slow.open();
    await app.close();
  }
}

function handler(slow: ReturnType<typeof gate>) {
  return async (path: string, session: Session, { end }: Controls): Promise<string> => {
    const [, verb, name = ''] = path.split('/');
    if (verb === 'login') session['user'] = name;
    if (verb === 'add') await add(session, name);
    if (verb === 'slow') await write(session, slow);
    if (verb === 'logout') await end();
    return verb === 'read' ? JSON.stringify(session) : 'ok';
  };
}

async function add(session: Session, name: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, spreadMs(name)));
  session['hits'] = { ...session['hits'], [name]: 1 };
}

/** From 0 to 9, so that requests that came together save in another order. */
function spreadMs(name: string): number {
  return (Number(name.slice(1)) * 7) % 10 || 0;
}

async function write(session: Session, slow: ReturnType<typeof gate>): Promise<void> {
  session['late'] = true;
  await slow.arrive();
}

const keepsAll: Scene = async (app) => {
  const user = app.browser();
  succeeded(await user.get('/login/ada'));
  const requests = Array.from({ length: MANY }, (_, n) => user.twin().get(`/add/n${n}`));
  for (const answer of await Promise.all(requests)) succeeded(answer);
  const { hits } = await read(user);
  assert.equal(Object.keys((hits as object | undefined) ?? {}).length, MANY, `how many of ${MANY} keys are in the session`);
};

const staysOut: Scene = async (app, slow) => {
  const user = app.browser();
  succeeded(await user.get('/login/ada'));
  const [tab, thief] = [user.twin(), user.twin()];
  const writing = tab.get('/slow');
  await slow.reached;
  succeeded(await user.get('/logout'));
  slow.open();
  succeeded(await writing);
  assert.equal((await read(thief))['user'], undefined, 'the user that the old cookie opens after the logout');
};

const staysIn: Scene = async (app) => {
  const user = app.browser();
  succeeded(await user.get('/login/ada'));
  succeeded(await user.get('/add/x'));
  assert.equal((await read(user))['user'], 'ada', 'the user of the session, two requests later');
};

const livesOn: Scene = async (app, _, t) => {
  const forMs = ROLLING_MS + t.resolutionMs + SURE_MS;
  while (!(await outlives(app.browser(), forMs)));
};

/** False where this machine was too slow to ask in time. */
async function outlives(user: ReturnType<StockApp['browser']>, forMs: number): Promise<boolean> {
  succeeded(await user.get('/login/ada'));
  const started = Date.now();
  for (let asked = started; asked - started < forMs;) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const before = asked;
    asked = Date.now();
    const { user: name } = await read(user);
    // Less than what a lifetime of whole seconds, rounded down, leaves of it.
    if (Date.now() - before > LATE_MS) return false;
    assert.equal(name, 'ada', `the user of a session that is used, ${Date.now() - started} ms after the login`);
  }
  return true;
}

async function read(user: ReturnType<StockApp['browser']>): Promise<Session> {
  const answer = await user.get('/read');
  succeeded(answer);
  return JSON.parse(answer.text) as Session;
}

function succeeded({ status, text }: Answer): void {
  assert.equal(status, 200, `the status of an answer (${text.slice(0, 100)})`);
}
