import { each, fill } from './fill.js';
import { bulkSession, freshSids, TTL_MS } from './sessions.js';
import { median, ratios, spread } from './statistics.js';
import { watch } from './watch.js';

/** @typedef {import('./contestant.js').Contestant} Contestant */
/** @typedef {import('./contestant.js').Subject} Subject */
/** @typedef {import('./bystander.js').Bystander} Bystander */
/** @typedef {import('./watch.js').Watched & { serverMs?: number | undefined, waitMs?: number | undefined }} Watched */

/** How long a session lives that is to be pruned. */
const SHORT_MS = 50;
/** Until it counts as expired also for a store that counts in seconds. */
const EXPIRED_AFTER_MS = 1200;

/**
 * @typedef {object} BulkVerb
 * @property {string} id
 * @property {string} title
 * @property {(subject: Subject) => (() => Promise<unknown> | undefined) | undefined} work undefined where the store has no such verb.
 * @property {number} [expireEvery] every nth session has expired before.
 */

/** In the order in which they run: those that remove come last. @type {BulkVerb[]} */
export const BULK_VERBS = [
  { id: 'length', title: 'length', work: (subject) => subject.length && (() => subject.length?.()) },
  { id: 'ids', title: 'ids', work: (subject) => subject.ids && (() => subject.ids?.()) },
  { id: 'all', title: 'all', work: (subject) => subject.all && (() => subject.all?.()) },
  { id: 'walk', title: 'entries (walk)', work: (subject) => subject.walk && (() => subject.walk?.(ignore)) },
  { id: 'prune-1', title: 'prune 1 %', work: pruning, expireEvery: 100 },
  { id: 'prune-50', title: 'prune 50 %', work: pruning, expireEvery: 2 },
  { id: 'clear', title: 'clear', work: (subject) => subject.clear && (() => subject.clear?.()) },
];

/**
 * One contestant in one row.
 *
 * @typedef {object} BulkResult
 * @property {string} contestant
 * @property {string} kind
 * @property {string} verb
 * @property {import('./statistics.js').Spread} overRaw time over raw's: above 1 is slower.
 * @property {number[]} ms by round.
 * @property {number} peakBytes the highest growth of RSS in any round.
 * @property {number} stallMs the longest in the middle round.
 * @property {number | undefined} serverMs the longest command of any round, as the server tells it.
 * @property {number | undefined} waitMs the longest that another client of the server waited, in the quietest round.
 */

/**
 * Measures what goes through all sessions, one contestant after the other in each round.
 *
 * @param {Contestant[]} contestants the first is raw.
 * @param {import('./args.js').Settings} settings
 * @param {(done: number, of: number, what: string) => void} progress
 * @param {Bystander} [bystander]
 * @returns {Promise<BulkResult[]>}
 */
export async function measureBulk(contestants, { bulkRounds, bulkSize }, progress, bystander) {
  /** @type {Map<string, Watched[]>} */
  const taken = new Map();
  for (let round = 0; round < bulkRounds; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const contestant = contestants[(turn + round) % contestants.length];
      progress(round * contestants.length + turn, bulkRounds * contestants.length, `bulk of ${bulkSize}, ${contestant.name}`);
      await measureOne(contestant, bulkSize, taken, bystander);
    }
  }
  return BULK_VERBS.flatMap((verb) => contestants.flatMap((contestant) => resultOf(verb, contestant, contestants[0], taken)));
}

/**
 * @param {Contestant} contestant
 * @param {number} size
 * @param {Map<string, Watched[]>} taken
 * @param {Bystander} [bystander]
 */
async function measureOne(contestant, size, taken, bystander) {
  const subject = await contestant.open();
  const sids = freshSids(size);
  await fill(subject, sids, (index) => bulkSession(index, TTL_MS));
  for (const verb of BULK_VERBS) {
    const work = verb.work(subject);
    if (work === undefined) continue;
    if (verb.expireEvery !== undefined) await expire(subject, sids, verb.expireEvery);
    await subject.longestCommandMs?.();
    bystander?.longestWaitMs();
    const watched = await watch(work);
    const waitMs = bystander?.longestWaitMs();
    const serverMs = await subject.longestCommandMs?.();
    const key = keyOf(verb, contestant);
    taken.set(key, [...(taken.get(key) ?? []), { ...watched, serverMs, waitMs, answer: undefined }]);
  }
  await subject.close();
}

/**
 * Lets every nth session end.
 *
 * @param {Subject} subject
 * @param {string[]} sids
 * @param {number} every
 */
async function expire(subject, sids, every) {
  const chosen = sids.filter((_, index) => index % every === 1);
  await each(subject, chosen, (sid, index) => subject.touch(sid, bulkSession(index, SHORT_MS)));
  await new Promise((resolve) => setTimeout(resolve, EXPIRED_AFTER_MS));
}

/**
 * @param {BulkVerb} verb
 * @param {Contestant} contestant
 * @param {Contestant} raw
 * @param {Map<string, Watched[]>} taken
 * @returns {BulkResult[]} empty where the store has no such verb.
 */
function resultOf(verb, contestant, raw, taken) {
  const own = taken.get(keyOf(verb, contestant));
  if (own === undefined) return [];
  const ms = timesOf(own);
  return [
    {
      contestant: contestant.name,
      kind: contestant.kind,
      verb: verb.id,
      overRaw: ratios(ms, timesOf(taken.get(keyOf(verb, raw)) ?? [])),
      ms,
      peakBytes: spread(own.map(({ peakBytes }) => peakBytes)).max,
      stallMs: median(own.map(({ stallMs }) => stallMs)),
      // What it waits for itself it waits for in each round; the rest is the machine's other work.
      waitMs: own[0].waitMs === undefined ? undefined : Math.min(...own.map(({ waitMs = 0 }) => waitMs)),
      serverMs: own[0].serverMs === undefined ? undefined : Math.max(...own.map(({ serverMs = 0 }) => serverMs)),
    },
  ];
}

/** @param {Watched[]} watched */
function timesOf(watched) {
  return watched.map(({ ms }) => ms);
}

/**
 * @param {BulkVerb} verb
 * @param {Contestant} contestant
 */
function keyOf(verb, contestant) {
  return `${verb.id} ${contestant.name}`;
}

/** @param {Subject} subject */
function pruning(subject) {
  return subject.prune && (() => subject.prune?.());
}

function ignore() {}
