/** The panels that show the store: this user's sessions, the rows, the events. */
import { byId, clock, countDownTo, element, parts, syncList, timeOfDay } from './view.js';

const eventsShown = 14;
const eventsOneBurstMs = 2000;

/**
 * @param {{ sessions: any[], rows: any[], hiddenRows: number }} overview
 * @param {(session: any, button: HTMLButtonElement) => void} onRevoke
 */
export function showOverview({ sessions, rows, hiddenRows }, onRevoke) {
  syncList(byId('sessions'), sessions, (session) => makeSession(session, onRevoke), updateSession);
  syncList(byId('rows'), rows, makeRow, updateRow);
  byId('rows-count').textContent = rows.length + hiddenRows === 1 ? '1 row' : `${rows.length + hiddenRows} rows`;
  byId('rows-hidden').hidden = hiddenRows === 0;
  byId('rows-hidden').textContent = `And ${hiddenRows} more of other people.`;
}

function makeSession(session, onRevoke) {
  const button = element('button', { 'aria-label': `Revoke ${session.browser}, ${session.id}` }, 'Revoke');
  button.addEventListener('click', () => onRevoke(session, button));
  const about = element(
    'div',
    { class: 'about' },
    element('p', { class: 'who' }, session.browser, ' ', element('span', { class: 'tag', 'data-part': 'current' }, 'this browser')),
    element(
      'p',
      { class: 'meta' },
      element('code', {}, `${session.id}…`),
      element('span', {}, `since ${timeOfDay(session.createdAt)}`),
      element('span', {}, 'expires in ', element('span', { 'data-part': 'left', class: 'digits' })),
      element('span', { 'data-part': 'keys' }),
    ),
  );
  return element('li', {}, about, button);
}

function updateSession(node, session) {
  const { current, left, keys } = parts(node);
  current.hidden = !session.current;
  keys.textContent = session.keys === 1 ? '1 key' : `${session.keys} keys`;
  countDownTo(left, Date.now() + session.expiresInMs);
}

function makeRow(row) {
  const summary = [
    element('code', {}, `h1-${row.id}…`),
    element('span', { class: 'digits', 'data-part': 'left' }),
    element('span', { class: 'digits', 'data-part': 'bytes' }),
  ];
  if (row.payload === null)
    return element(
      'li',
      { class: 'closed' },
      element('div', { class: 'line' }, ...summary, element('span', { class: 'hint aside' }, 'not yours')),
    );
  const text = element('pre', { 'data-part': 'payload', tabindex: '0', role: 'region', 'aria-label': `Contents of ${row.id}` });
  return element('li', {}, element('details', row.current ? { open: '' } : {}, element('summary', { class: 'line' }, ...summary), text));
}

function updateRow(node, row) {
  const { left, bytes, payload } = parts(node);
  countDownTo(left, Date.now() + row.expiresInMs);
  bytes.textContent = `${row.bytes} B`;
  if (payload) payload.textContent = readable(row.payload);
}

/** A line for each key. */
function readable(payload) {
  return Object.entries(JSON.parse(payload))
    .map(([key, value]) => `${key}: ${inner(value)}`)
    .join('\n');
}

/** Fifty keys of one digit, a line each, would push everything else away: large objects wrap instead. */
function inner(value) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, each]) => `${key}: ${JSON.stringify(each)}`);
  return entries.length > 10 ? entries.join(', ') : entries.map((entry) => `\n  ${entry}`).join('');
}

/** @param {{ type: string, id?: string }} event */
export function showEvent(event) {
  const list = byId('events');
  byId('events-empty').hidden = true;
  if (countedWithAnother(list, event)) return;
  const line = element(
    'li',
    { 'data-type': event.type, 'data-id': event.id ?? '', 'data-at': String(Date.now()), 'data-count': '1' },
    element('span', { class: 'digits' }, new Date().toLocaleTimeString(undefined, { timeStyle: 'medium' })),
    element('b', {}, event.type),
    element('code', {}, event.id ?? ''),
    element('span', { class: 'digits', 'data-part': 'count' }),
  );
  list.prepend(line);
  while (list.children.length > eventsShown) list.lastElementChild.remove();
}

/** A burst of the same event is one line with a number. */
function countedWithAnother(list, { type, id = '' }) {
  const line = [...list.children].find(
    ({ dataset }) => dataset.type === type && dataset.id === id && Date.now() - Number(dataset.at) < eventsOneBurstMs,
  );
  if (!line) return false;
  line.dataset.count = String(Number(line.dataset.count) + 1);
  line.dataset.at = String(Date.now());
  parts(line).count.textContent = `×${line.dataset.count}`;
  return true;
}

/** @param {{ deadline: number, lifetimeMs: number }} cookie */
export function showTimeLeft({ deadline, lifetimeMs }) {
  const leftMs = Math.max(0, deadline - Date.now());
  byId('left').textContent = clock(leftMs);
  byId('gauge').style.inlineSize = `${Math.min(100, (leftMs / lifetimeMs) * 100)}%`;
}

/** @param {{ server: any, createdAt: number }} state */
export function showRestart({ server, createdAt }) {
  byId('where').textContent = `Sessions in ${server.store}`;
  byId('restart').textContent = timeOfDay(server.startedAt);
  byId('restart-hint').textContent = restartHint({ server, createdAt });
}

function restartHint({ server, createdAt }) {
  if (server.startedAt > createdAt) return `You signed in at ${timeOfDay(createdAt)}: your session survived a restart.`;
  if (server.persistent) return 'Stop it and start it again: you will still be signed in.';
  return 'This store ends with the process: after a restart you are signed out.';
}
