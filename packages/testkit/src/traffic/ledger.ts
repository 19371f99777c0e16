import type { Judge } from './judge.js';

/** What is known of a number that only ever grows by one, for whoever writes it. */
export class Ledger {
  readonly #judge: Judge;
  readonly #what: string;
  /** The last one of which a store has said that it is stored. */
  acknowledged = 0;
  /** The last one that was sent. */
  attempted = 0;

  constructor(judge: Judge, what: string) {
    this.#judge = judge;
    this.#what = what;
  }

  /** Looks at a number that was read. @param least what was acknowledged before the read began. */
  check(found: unknown, least: number): void {
    const value = found === undefined ? 0 : found;
    if (typeof value !== 'number') return this.#judge.breach('wrong data', `${this.#what} is ${typeof value}`);
    if (value < least) this.#judge.breach('lost write', `${this.#what} is ${value}, and ${least} was acknowledged`);
    if (value > this.attempted) this.#judge.breach('done twice', `${this.#what} is ${value}, and only ${this.attempted} was sent`);
  }
}
