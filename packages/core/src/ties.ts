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
  /** Its lifetime then, as it was reported; read from `base` when it is first needed, after a save without a load. */
  unit: Unit | undefined;
  /** The `cookie.expires` that stands in `base`, where `get` reported another. */
  written: string | undefined;
  /** What was stored then; undefined where nobody knows. Differs from `base` after a merge. */
  stored: Version | undefined;
  /** When it ended then, ms since the epoch; undefined where nobody knows. */
  expiresAt: number | undefined;
  /** When that was, ms since the epoch. */
  at: number;
  /** Whose tie it is: an object may go through several stores. */
  owner: Ties | undefined;
  /** The holder's tie to another sid. */
  other: Tie | undefined;
}

// oxlint-disable typescript/no-extraneous-class, no-new -- a class is the only way to a private field
/** Lets a subclass add its private field to any object: ten times as fast as a WeakMap, and as invisible. */
class AnyObject {
  constructor(object: object) {
    // oxlint-disable-next-line no-constructor-return -- that is the point
    return object;
  }
}

class Holder extends AnyObject {
  #tie: Tie | undefined;

  static get(object: object): Tie | undefined {
    return #tie in object ? object.#tie : undefined;
  }

  static set(object: object, tie: Tie | undefined): void {
    if (!(#tie in object)) new Holder(object);
    (object as Holder).#tie = tie;
  }
}

// oxlint-enable

/**
 * Which session each object belongs to. Weak: a tie lives as long as its holder. A copy of the holder has none.
 *
 * @see CON-1 in docs/contract.md
 */
export class Ties {
  get(holder: object, sid: string): Tie | undefined {
    let tie = Holder.get(holder);
    while (tie !== undefined && (tie.sid !== sid || tie.owner !== this)) tie = tie.other;
    return tie;
  }

  /** The tie of an object that belongs to one session. */
  sole(holder: object): Tie | undefined {
    const tie = Holder.get(holder);
    return tie?.owner === this ? tie : undefined;
  }

  /** Ties an object to one more session. It keeps two at most: `regenerate()` in koa-session goes from one to the next. */
  put(holder: object, tie: Tie): void {
    const first = Holder.get(holder);
    tie.owner = this;
    if (first !== undefined && first !== tie) {
      tie.other = first.sid === tie.sid && first.owner === this ? first.other : first;
      if (tie.other !== undefined) tie.other.other = undefined;
    }
    Holder.set(holder, tie);
  }

  delete(holder: object, sid: string): void {
    const tie = this.get(holder, sid);
    const first = Holder.get(holder);
    if (tie === undefined || first === undefined) return;
    if (tie === first) Holder.set(holder, first.other);
    else first.other = undefined;
  }
}
