import { digits, rate, ratio } from '../lib/format.js';
import { median, ratios, spread } from '../lib/statistics.js';

/** @typedef {import('./load.js').Turn} Turn */

/**
 * @param {import('./frameworks.js').Framework} framework
 * @param {string} place
 * @param {{ kind: string, title: string }} request
 * @param {Turn[][]} turns of the bare app, then of each contestant.
 * @returns {import('../lib/table.js').Table}
 */
export function tableOf({ bare: name, places, aims }, place, { kind, title }, [bare = [], ...turns]) {
  const contestants = places[place] ?? [];
  const added = turns.map((own) => differences(own, bare, 'cpuMicros'));
  const rows = contestants.map(({ name: middleware, over }, at) => {
    const own = turns[at] ?? [];
    const other = added[contestants.findIndex((one) => one.name === over)];
    return [
      middleware,
      rate(median(all(own, 'perSecond'))),
      ratio(ratios(all(own, 'perSecond'), all(bare, 'perSecond'))),
      ratio(spread(added[at] ?? [])),
      other === undefined ? '' : ratio(ratios(added[at] ?? [], other)),
      over === undefined ? '' : String(aims[place]?.[kind] ?? ''),
      ratio(spread(differences(own, bare, 'loneMicros'))),
    ];
  });
  const stock = [...new Set(contestants.flatMap(({ over }) => over ?? []))].map((one) => `${one}'s`).join(', ');
  const head = ['', 'req/s', `over ${name}`, 'CPU added, us', `over ${stock}`, 'aim', 'delay of a lone request, us'];
  return { title, head, rows: [bareRow(name, bare), ...rows] };
}

/**
 * @param {string} name
 * @param {Turn[]} bare
 */
function bareRow(name, bare) {
  const inAll = (/** @type {keyof Turn} */ what) => `${digits(median(all(bare, what)))} in all`;
  return [name, rate(median(all(bare, 'perSecond'))), '', inAll('cpuMicros'), '', '', inAll('loneMicros')];
}

/**
 * @param {Turn[]} turns
 * @param {keyof Turn} what
 */
function all(turns, what) {
  return turns.map((turn) => turn[what]);
}

/**
 * What was added, round by round.
 *
 * @param {Turn[]} own
 * @param {Turn[]} bare
 * @param {keyof Turn} what
 */
function differences(own, bare, what) {
  return own.map((turn, round) => turn[what] - (bare[round]?.[what] ?? NaN));
}
