import type { Token } from './commands.js';
import type { Unit } from './unit.js';

/** A text that was stored, with the token that names it. */
export interface Version {
  text: string;
  token: Token;
}

/** What the store remembers of an object that a middleware holds. */
export interface Tie {
  sid: string;
  /** What the object was at its last load or successful save. */
  base: string;
  /** Its lifetime then, as it was reported; read from `base` when it is first needed. */
  unit: Unit | undefined;
  /** The `cookie.expires` that `get` reported in place of the one in `base`. */
  reported: string | undefined;
  /** What was stored then; undefined where nobody knows. Differs from `base` after a merge. */
  stored: Version | undefined;
  /** When it ended then, ms since the epoch; undefined where nobody knows. */
  expiresAt: number | undefined;
  /** When that was, ms since the epoch. */
  at: number;
  /** The holder's tie to another sid. */
  other: Tie | undefined;
}

/**
 * Which session each object belongs to. Weak: a tie lives as long as its holder. A copy of the holder has none.
 *
 * @see CON-1 in docs/contract.md
 */
export class Ties {
  readonly #ties = new WeakMap<object, Tie>();

  get(holder: object, sid: string): Tie | undefined {
    let tie = this.#ties.get(holder);
    while (tie !== undefined && tie.sid !== sid) tie = tie.other;
    return tie;
  }

  /** The tie of an object that belongs to one session. */
  sole(holder: object): Tie | undefined {
    return this.#ties.get(holder);
  }

  /** Ties an object to one more session. It keeps two at most: `regenerate()` in koa-session goes from one to the next. */
  put(holder: object, tie: Tie): void {
    const first = this.#ties.get(holder);
    if (first !== undefined && first !== tie) {
      tie.other = first.sid === tie.sid ? first.other : first;
      if (tie.other !== undefined) tie.other.other = undefined;
    }
    this.#ties.set(holder, tie);
  }

  delete(holder: object, sid: string): void {
    const first = this.#ties.get(holder);
    if (first?.sid !== sid) {
      if (first?.other?.sid === sid) first.other = undefined;
    } else if (first.other === undefined) this.#ties.delete(holder);
    else this.#ties.set(holder, first.other);
  }
}
