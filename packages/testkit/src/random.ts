/** Random numbers that a seed repeats: mulberry32. */
export class Random {
  #state: number;

  /** @param seed a whole number. */
  constructor(readonly seed: number) {
    this.#state = seed;
  }

  /** 0 or more, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** @param share 0: never, 1: always. */
  chance(share: number): boolean {
    return share > 0 && this.next() < share;
  }

  /** @param items at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }
}

/** `SESSILE_SEED` of the environment, to do again what failed; else another one each time. */
export function newSeed(): number {
  return Number(process.env['SESSILE_SEED'] ?? Math.floor(Math.random() * 1_000_000_000));
}
