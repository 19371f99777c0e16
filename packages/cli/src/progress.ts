import { clearLine, cursorTo } from 'node:readline';
import { duration, number } from './format.js';

const FRAME_MS = 100;
/** The rate is that of the last seconds: a target that slows down shows. */
const WINDOW_MS = 5000;
const MIN_BAR = 8;

/** Tells how far a command is. */
export interface Progress {
  /** A part begins; `total` where it is known. */
  begin(what: string, total?: number): void;
  add(count: number): void;
  /** Erases the line: whoever writes to the terminal calls it first. */
  end(): void;
}

/** On a terminal a line that is drawn again and again; else nothing. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? new ProgressLine(stream) : SILENT;
}

const SILENT: Progress = { begin() {}, add() {}, end() {} };

class ProgressLine implements Progress {
  readonly #stream: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | undefined;
  #what = '';
  #total: number | undefined;
  #done = 0;
  #marks: [at: number, done: number][] = [];

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  begin(what: string, total?: number): void {
    this.#what = what;
    this.#total = total;
    this.#done = 0;
    this.#marks = [[performance.now(), 0]];
    this.#timer ??= setInterval(() => this.#draw(), FRAME_MS).unref();
    this.#draw();
  }

  add(count: number): void {
    this.#done += count;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
  }

  #draw(): void {
    const now = performance.now();
    this.#marks.push([now, this.#done]);
    while (this.#marks.length > 2 && (this.#marks[1]?.[0] ?? now) < now - WINDOW_MS) this.#marks.shift();
    const [from, before] = this.#marks[0] ?? [now, 0];
    const perSecond = now > from ? ((this.#done - before) * 1000) / (now - from) : 0;
    this.#erase();
    this.#stream.write(progressText(this.#what, this.#done, this.#total, perSecond, this.#stream.columns || 80));
  }

  #erase(): void {
    cursorTo(this.#stream, 0);
    clearLine(this.#stream, 0);
  }
}

/** A line that fits, with the `^C` that a terminal may add: one that wraps could not be erased. */
export function progressText(what: string, done: number, total: number | undefined, perSecond: number, columns: number): string {
  const rate = `${number(perSecond)}/s`;
  if (total === undefined) return `${what}  ${number(done)}  ${rate}`.slice(0, columns - 3);
  // More may have come since they were counted.
  const all = Math.max(total, done);
  const share = all === 0 ? 1 : done / all;
  const left = perSecond > 0 && done < all ? `${duration(((all - done) / perSecond) * 1000)} left` : '';
  const numbers = `${number(done)} of ${number(all)}  ${Math.floor(share * 100)} %  ${rate}  ${left}`;
  const room = columns - 3 - what.length - numbers.length - 4;
  const width = Math.min(room, 30);
  const bar = width < MIN_BAR ? '' : `${'━'.repeat(Math.round(share * width))}${'─'.repeat(width - Math.round(share * width))}  `;
  return `${what}  ${bar}${numbers}`.slice(0, columns - 3);
}
