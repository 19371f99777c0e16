/** The page: which view is shown, and what the buttons do. */
import { drawShells, fireFifty, signOutDuringSlowRequest } from './experiments.js';
import { get, post, Refused } from './http.js';
import { showEvent, showOverview, showRestart, showTimeLeft } from './panels.js';
import { byId, tickCountdowns } from './view.js';

/** Undefined while nobody is signed in. */
let cookie;
let stream;
let retry;
let busy = false;

/** Asks the server how things are and shows it. */
async function refresh() {
  const state = await get('/api/state');
  byId('notice').hidden = true;
  showRestart(state);
  if (state.user === null) return showSignedOut();
  cookie = { deadline: Date.now() + state.remainingMs, lifetimeMs: state.lifetimeMs };
  byId('user').textContent = state.user;
  byId('counter').textContent = state.counter;
  showTimeLeft(cookie);
  showOverview(state, revoke);
  showSignedIn();
}

function showSignedIn() {
  const entered = byId('signed-in').hidden;
  byId('signed-in').hidden = false;
  byId('signed-out').hidden = true;
  listen();
  if (!entered) return;
  byId('report-when-in').append(byId('slow-report'));
  byId('slow-report').hidden = true;
}

function showSignedOut() {
  cookie = undefined;
  stream?.close();
  stream = undefined;
  const left = !byId('signed-in').hidden;
  byId('signed-in').hidden = true;
  byId('signed-out').hidden = false;
  byId('report-when-out').append(byId('slow-report'));
  if (!left) return;
  forgetUser();
  byId(byId('slow-report').hidden ? 'name' : 'slow-report-title').focus();
}

/** The next one who signs in on this page must not find what was shown to the last. */
function forgetUser() {
  for (const id of ['sessions', 'rows', 'events', 'fifty-result', 'sessions-result', 'user']) byId(id).replaceChildren();
  for (const id of ['score-merge', 'score-overwrite']) byId(id).textContent = 'not tried';
  byId('scores').hidden = true;
  byId('events-empty').hidden = false;
  drawShells();
}

/** Browsers allow six connections to a server over all tabs: a hidden page gives its one back. */
function listen() {
  if (document.hidden || stream) return;
  stream = new EventSource('/api/stream');
  const source = stream;
  source.addEventListener('overview', ({ data }) => showOverview(JSON.parse(data), revoke));
  source.addEventListener('store', ({ data }) => showEvent(JSON.parse(data)));
  source.addEventListener('gone', () => lost(source));
  source.addEventListener('open', () => {
    if (source.reopened) void attempt(refresh);
  });
  source.addEventListener('error', () => {
    source.reopened = true;
    if (source.readyState === EventSource.CLOSED) lost(source);
    else notify('The server is away. This page goes on as soon as it is back.');
  });
}

function lost(source) {
  source.close();
  if (stream === source) stream = undefined;
  // The experiment that signs out tells its own end.
  if (!busy) void attempt(() => refreshEnded('This session was ended elsewhere, or the server has forgotten it.'));
}

async function refreshEnded(reason) {
  await refresh();
  if (!cookie) notify(reason);
}

function notify(text) {
  byId('notice').textContent = text;
  byId('notice').hidden = false;
}

/** Runs what a button does, one at a time, and shows what went wrong. */
async function attempt(action, button) {
  if (button?.getAttribute('aria-disabled') === 'true') return;
  button?.setAttribute('aria-disabled', 'true');
  try {
    await action();
  } catch (error) {
    await explain(error);
  } finally {
    button?.removeAttribute('aria-disabled');
  }
}

async function explain(error) {
  if (!(error instanceof Refused)) throw error;
  if (error.status === 401) return refresh();
  notify(error.message);
  if (error.status === 0) tryAgainLater();
}

function tryAgainLater() {
  clearTimeout(retry);
  retry = setTimeout(() => void attempt(refresh), 2000);
}

function revoke(session, button) {
  void attempt(async () => {
    await post('/api/revoke', { id: session.id });
    byId('sessions-result').textContent = `The session ${session.id}… is revoked.`;
    // The button is about to vanish with its session, and the focus with it.
    if (!session.current) byId('sessions-title').focus();
    await refresh();
  }, button);
}

async function countOne() {
  const { counter } = await post('/api/counter');
  // Without a session there is nothing to count in.
  if (counter === null || !cookie) {
    await refresh();
    return;
  }
  // The answers of quick clicks may come in any order; the counter only grows.
  if (counter > Number(byId('counter').textContent)) byId('counter').textContent = counter;
  cookie.deadline = Date.now() + cookie.lifetimeMs;
}

/** While it runs, the page does not follow the store: the experiment shows its own steps. */
async function experiment(run) {
  busy = true;
  await run().finally(() => (busy = false));
  await refresh();
}

function onClick(id, action) {
  byId(id).addEventListener('click', ({ currentTarget }) => void attempt(action, currentTarget));
}

onClick('logout', async () => {
  await post('/api/logout');
  await refresh();
});
onClick('slow-start', () => experiment(signOutDuringSlowRequest));
// Not `onClick`, which takes one click at a time: this one is to be clicked fast.
byId('count').addEventListener('click', () => void attempt(countOne));
byId('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(async () => {
    await post('/api/login', { name: byId('name').value });
    byId('name').value = '';
    await refresh();
    byId('you-title').focus();
  }, event.submitter);
});
byId('fifty').addEventListener('submit', (event) => {
  event.preventDefault();
  const conflicts = new FormData(event.target).get('conflicts');
  void attempt(() => experiment(() => fireFifty(conflicts)), byId('fifty-start'));
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) {
    if (cookie) void attempt(refresh);
    return;
  }
  stream?.close();
  stream = undefined;
});
setInterval(() => {
  tickCountdowns();
  if (!cookie) return;
  showTimeLeft(cookie);
  if (cookie.deadline <= Date.now()) {
    cookie = undefined;
    void attempt(() => refreshEnded('The session has expired.'));
  }
}, 250);

drawShells();
void attempt(refresh);
