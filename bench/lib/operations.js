import { freshSids, renewed } from './sessions.js';
import { fill, remove } from './fill.js';

/**
 * A row of the speed tables.
 *
 * @typedef {object} Operation
 * @property {string} id
 * @property {string} title
 * @property {number} [most] calls in one slice, where each needs a row of its own.
 * @property {(subject: Subject, pool: Pool, count: number) => Promise<string[]>} [prepare] untimed; gives the sids for `calls`.
 * @property {(subject: Subject, pool: Pool, sids: string[]) => (index: number) => Promise<unknown>} calls
 * @property {(subject: Subject, sids: string[]) => Promise<void>} [cleanUp] untimed.
 */

/** @typedef {import('./contestant.js').Subject} Subject */
/** @typedef {import('./sessions.js').Pool} Pool */

/** @type {Operation[]} */
const OPERATIONS = [
  {
    id: 'get-hit',
    title: 'get (hit)',
    calls:
      (subject, { sids, size }) =>
      (index) =>
        subject.get(sids[index % size]),
  },
  {
    id: 'get-miss',
    title: 'get (miss)',
    calls:
      (subject, { missing, size }) =>
      (index) =>
        subject.get(missing[index % size]),
  },
  {
    id: 'set-new',
    title: 'set (new)',
    most: 30_000,
    prepare: async (_subject, _pool, count) => freshSids(count),
    calls: (subject, pool, sids) => (index) => subject.set(sids[index], pool.session(index)),
    cleanUp: remove,
  },
  {
    id: 'set-overwrite',
    title: 'set (overwrite)',
    calls: (subject, pool) => (index) => subject.set(pool.sids[index % pool.size], pool.session(index)),
  },
  {
    id: 'touch',
    title: 'touch',
    calls: (subject, pool) => (index) => subject.touch(pool.sids[index % pool.size], pool.touched(index)),
  },
  {
    id: 'get+touch',
    title: 'get+touch',
    calls:
      (subject, { sids, size }) =>
      async (index) => {
        if (subject.getAndTouch !== undefined) return subject.getAndTouch(sids[index % size]);
        const session = await subject.get(sids[index % size]);
        return subject.touch(sids[index % size], renewed(session));
      },
  },
  {
    id: 'get+set',
    title: 'get+set',
    calls:
      (subject, { sids, size }) =>
      async (index) => {
        const session = renewed(await subject.get(sids[index % size]));
        session.views += 1;
        await subject.set(sids[index % size], session);
      },
  },
  {
    id: 'destroy',
    title: 'destroy',
    most: 30_000,
    prepare: async (subject, pool, count) => {
      const sids = freshSids(count);
      await fill(subject, sids, (index) => pool.session(index));
      return sids;
    },
    calls: (subject, _pool, sids) => (index) => subject.destroy(sids[index]),
  },
];

/**
 * The operations that a name on the command line stands for.
 *
 * @param {string[]} names
 */
export function operationsNamed(names) {
  const unknown = names.find((name) => !OPERATIONS.some(({ id }) => isNamed(id, name)));
  if (unknown !== undefined) throw new Error(`There is no operation "${unknown}". --help lists them.`);
  return OPERATIONS.filter(({ id }) => names.length === 0 || names.some((name) => isNamed(id, name)));
}

/**
 * @param {string} id
 * @param {string} name
 */
function isNamed(id, name) {
  return id === name || id.startsWith(`${name}-`);
}
