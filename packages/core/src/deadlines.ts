/** Something that must end in time. */
export interface Timed {
  /** By `performance.now()`. */
  deadlineAt: number;
  previous: Timed | undefined;
  next: Timed | undefined;
  waiting: boolean;
  expire(): void;
}

/**
 * The deadlines of all calls that are under way. They last equally long, so the first to start is the first to end, and one
 * timer serves them all; it keeps the process alive only while a call waits.
 */
export class Deadlines {
  readonly #timeoutMs: number;
  #first: Timed | undefined;
  #last: Timed | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  add(item: Timed): void {
    item.waiting = true;
    item.previous = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    if (this.#timer === undefined) this.#arm(this.#timeoutMs);
    else if (this.#first === item) this.#timer.ref();
  }

  remove(item: Timed): void {
    if (!item.waiting) return;
    item.waiting = false;
    if (item.previous === undefined) this.#first = item.next;
    else item.previous.next = item.next;
    if (item.next === undefined) this.#last = item.previous;
    else item.next.previous = item.previous;
    item.previous = undefined;
    item.next = undefined;
    if (this.#first === undefined) this.#timer?.unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => this.#fire(), ms);
  }

  #fire(): void {
    this.#timer = undefined;
    const now = performance.now();
    while (this.#first !== undefined && this.#first.deadlineAt <= now + 1) {
      const late = this.#first;
      this.remove(late);
      late.expire();
    }
    if (this.#first !== undefined) this.#arm(Math.max(1, this.#first.deadlineAt - now));
  }
}
