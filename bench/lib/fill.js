/** @typedef {import('./contestant.js').Subject} Subject */

const AT_ONCE = 256;

/**
 * Stores a session under each sid; untimed.
 *
 * @param {Subject} subject
 * @param {string[]} sids
 * @param {(index: number) => object} sessionOf
 */
export function fill(subject, sids, sessionOf) {
  return each(subject, sids, (sid, index) => subject.set(sid, sessionOf(index)));
}

/**
 * Removes what stands under each sid; untimed.
 *
 * @param {Subject} subject
 * @param {string[]} sids
 */
export function remove(subject, sids) {
  return each(subject, sids, (sid) => subject.destroy(sid));
}

/**
 * @param {Subject} subject
 * @param {string[]} sids
 * @param {(sid: string, index: number) => Promise<unknown>} work
 */
export async function each(subject, sids, work) {
  const together = subject.together ?? ((/** @type {() => Promise<void>} */ all) => all());
  await together(async () => {
    for (let start = 0; start < sids.length; start += AT_ONCE) {
      await Promise.all(sids.slice(start, start + AT_ONCE).map((sid, offset) => work(sid, start + offset)));
    }
  });
}
