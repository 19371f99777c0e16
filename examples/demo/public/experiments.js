/** The two experiments. They tell what came of them, also when it is not what was hoped. */
import { get, post } from './http.js';
import { byId, element } from './view.js';

const requests = 50;
const signOutAfterMs = 300;

export function drawShells() {
  byId('shells').replaceChildren(...Array.from({ length: requests }, () => element('i')));
}

/** @param {'merge' | 'overwrite'} conflicts */
export async function fireFifty(conflicts) {
  const shells = [...byId('shells').children];
  for (const shell of shells) shell.className = 'waiting';
  byId('fifty-result').textContent = 'Fifty requests are under way.';
  await post('/api/hits/reset');
  const answers = await Promise.allSettled(
    shells.map(async (shell, i) => {
      await post(`/api/hits/${i + 1}?conflicts=${conflicts}`);
      shell.className = 'answered';
    }),
  );
  const { kept } = await get('/api/hits');
  shells.forEach((shell, i) => (shell.className = kept.includes(i + 1) ? 'kept' : 'lost'));
  const failed = answers.filter(({ status }) => status === 'rejected').length;
  showScore(conflicts, kept.length, failed);
}

function showScore(conflicts, kept, failed) {
  const lost = requests - kept;
  const outcome = lost === 0 ? 'None was lost.' : lost === 1 ? '1 was lost.' : `${lost} were lost.`;
  const failures = failed === 0 ? '' : ` ${failed} of the requests failed.`;
  byId('fifty-result').textContent = `${kept} of ${requests} keys are in the session. ${outcome}${failures}`;
  byId('fifty-result').dataset.good = String(lost === 0);
  byId('scores').hidden = false;
  const score = byId(`score-${conflicts}`);
  score.textContent = `${kept} of ${requests}`;
  score.dataset.good = String(lost === 0);
}

/** Ends signed out. The report is kept on the page and moves with it. */
export async function signOutDuringSlowRequest() {
  const startedAt = performance.now();
  const say = (text, good) => addStep(performance.now() - startedAt, text, good);
  byId('slow-report').hidden = false;
  byId('slow-steps').replaceChildren();
  byId('slow-result').textContent = '';
  say('The slow request starts.');
  const slow = settled(post('/api/slow'));
  await begun(slow);
  await pause(signOutAfterMs);
  const logout = await settled(post('/api/logout'));
  say(logout.error ?? 'Signed out. The session is destroyed.', !logout.error);
  const late = await slow;
  say(lateStep(late), !late.error && Boolean(late.answer.drop));
  const state = await get('/api/state');
  say(cookieStep(state), state.user === null);
  showVerdict({ logout, late, state });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until the server has loaded the session for the slow request, or that request is over already. */
async function begun(slow) {
  const is = { over: false };
  void slow.then(() => (is.over = true));
  while (!is.over && !(await get('/api/slow')).running) await pause(20);
}

const settled = (promise) =>
  promise.then(
    (answer) => ({ answer }),
    (error) => ({ error: error.message }),
  );

function lateStep({ answer, error }) {
  if (error) return `The slow request failed: ${error}`;
  if (!answer.drop) return 'The slow request ended, and the store told of no drop.';
  return `The slow request ended without an error. The store dropped its save of ${answer.drop.id}… (event “drop”, reason “${answer.drop.reason}”).`;
}

function cookieStep({ user, cookieSent }) {
  if (user !== null) return 'The old cookie opened the session again.';
  return cookieSent ? 'The browser came with the old cookie once more. It opened nothing.' : 'The browser has no cookie any more.';
}

function showVerdict({ logout, late, state }) {
  const failed = [logout, late].filter(({ error }) => error).length;
  const gone = state.user === null ? 'You are signed out, and stay so.' : 'The session came back.';
  const result = byId('slow-result');
  result.textContent = `${gone} ${failed === 0 ? 'No request failed.' : `${failed} of the requests failed.`}`;
  result.dataset.good = String(state.user === null && failed === 0);
}

function addStep(ms, text, good) {
  const step = element('li', {}, element('span', { class: 'digits' }, `${(ms / 1000).toFixed(2)} s`), ` ${text}`);
  if (good !== undefined) step.dataset.good = String(good);
  byId('slow-steps').append(step);
}
