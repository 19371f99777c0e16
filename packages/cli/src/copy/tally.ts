import type { StoreError } from '@sessile/core';

/** What became of the sessions that a copy looked at. */
export interface Counts {
  /** Seen in the source and meant. */
  read: number;
  put: number;
  replaced: number;
  lengthened: number;
  shortened: number;
  same: number;
  kept: number;
  endedInTarget: number;
  /** Ended in the source, and removed from the target. */
  removed: number;
  /** Their life was over before they could be copied. */
  expired: number;
  /** Nothing tells how long they live: they got a day. */
  guessed: number;
  /** Their data could not be looked into, so that `--match` could not tell. */
  unreadable: number;
  failed: number;
}

/** Counts, and what kinds of failure there were. */
export class Tally {
  readonly counts: Counts = {
    read: 0,
    put: 0,
    replaced: 0,
    lengthened: 0,
    shortened: 0,
    same: 0,
    kept: 0,
    endedInTarget: 0,
    removed: 0,
    expired: 0,
    guessed: 0,
    unreadable: 0,
    failed: 0,
  };
  /** By code: how many, and what the first of them said. */
  readonly failures = new Map<string, { count: number; message: string }>();

  add(name: keyof Counts, count = 1): void {
    this.counts[name] += count;
  }

  fail({ code, message }: StoreError): void {
    this.counts.failed += 1;
    const known = this.failures.get(code);
    if (known === undefined) this.failures.set(code, { count: 1, message });
    else known.count += 1;
  }
}
