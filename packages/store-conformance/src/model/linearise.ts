/**
 * Judges calls that were under way at the same time: some order of them, in which no call comes before one that was over
 * when it began, must explain every answer. It is enough to look at each sid by itself (Herlihy and Wing: linearisability
 * is local). The search is that of Wing and Gong, with a memo of what was visited as Lowe has it.
 *
 * @module
 */
import { type Call, next, type State } from './reference.js';

/** The bits of a number are the calls that are done. */
const MOST_CALLS = 30;

/** What the search found. */
export interface Verdict {
  /** An order of all the calls explains every answer. */
  readonly explained: boolean;
  /** The longest order that explains its answers. */
  readonly order: readonly Call[];
}

/**
 * Looks for an order of the calls of one sid.
 *
 * @param starts what may have been there before the first call.
 * @param calls at most 30. The order they are given in is tried first.
 * @throws RangeError when there are more.
 */
export function linearise(starts: readonly State[], calls: readonly Call[]): Verdict {
  if (calls.length > MOST_CALLS) throw new RangeError(`${calls.length} calls of one sid are too many`);
  const search = new Search(calls);
  const explained = starts.some((start) => search.finds([], 0, start));
  return { explained, order: search.longest };
}

class Search {
  longest: readonly Call[] = [];
  readonly #calls: readonly Call[];
  /** Where a search from was in vain. */
  readonly #seen = new Set<string>();

  constructor(calls: readonly Call[]) {
    this.#calls = calls;
  }

  finds(order: readonly Call[], done: number, state: State): boolean {
    const place = `${done} ${JSON.stringify(state)}`;
    if (this.#seen.has(place)) return false;
    this.#seen.add(place);
    if (order.length > this.longest.length) this.longest = order;
    return order.length === this.#calls.length || this.#calls.some((call, i) => this.#goesOn(order, done, state, call, i));
  }

  #goesOn(order: readonly Call[], done: number, state: State, call: Call, at: number): boolean {
    if (!this.#mayBeNext(call, at, done)) return false;
    return next(state, call).some((after) => this.finds([...order, call], done | (1 << at), after));
  }

  /** Nothing that is left was over before it began. */
  #mayBeNext(call: Call, at: number, done: number): boolean {
    if ((done & (1 << at)) !== 0) return false;
    return this.#calls.every((other, i) => (done & (1 << i)) !== 0 || other.ended >= call.begun);
  }
}
