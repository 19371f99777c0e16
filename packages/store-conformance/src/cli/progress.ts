import { clearLine, cursorTo } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { Check, Result, Status } from '../types.js';
import { clean } from '../reports/text.js';
import type { Watcher } from './supervisor.js';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 80;
const SHOWN: readonly (readonly [Status, 'green' | 'red' | 'yellow' | 'gray', string])[] = [
  ['pass', 'green', 'passed'],
  ['fail', 'red', 'failed'],
  ['skip', 'gray', 'not run'],
];

/** One line that says how far the run is, on a terminal alone. */
export class Progress implements Watcher {
  readonly #stream: WriteStream;
  readonly #counts: Partial<Record<Status, number>> = {};
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #target = '';
  #total = 0;
  #done = 0;
  #now = '';

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  onTarget(name: string, total: number): void {
    for (const [status] of SHOWN) this.#counts[status] = 0;
    this.#target = clean(name);
    this.#total = total;
    this.#done = 0;
    this.#timer ??= setInterval(() => this.#draw(), FRAME_MS);
  }

  onStart({ id, title }: Check): void {
    this.#now = `${id} ${title}`;
  }

  onResult({ status }: Result): void {
    this.#counts[status] = (this.#counts[status] ?? 0) + 1;
    this.#done += 1;
  }

  /** Above the line, as the store wrote it. */
  onOutput(text: string): void {
    this.#erase();
    this.#stream.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
  }

  #draw(): void {
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const counts = SHOWN.map(([status, style, word]) => this.#paint(style, `${this.#counts[status] ?? 0} ${word}`)).join('  ');
    const head = `${FRAMES[this.#frame]} ${this.#target}  ${this.#done}/${this.#total}  `;
    // As far as the line goes: one that wraps could not be erased.
    const room = (this.#stream.columns || 80) - head.length - 40;
    this.#erase();
    this.#stream.write(`${head}${counts}  ${this.#paint('dim', this.#now.slice(0, Math.max(room, 0)))}`);
  }

  #erase(): void {
    cursorTo(this.#stream, 0);
    clearLine(this.#stream, 0);
  }

  #paint(style: 'green' | 'red' | 'yellow' | 'gray' | 'dim', text: string): string {
    return styleText(style, text, { stream: this.#stream });
  }
}

/** Where there is no terminal: what the store writes goes on, and nothing else. */
export class Silence implements Watcher {
  readonly #stream: NodeJS.WritableStream;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  onTarget(): void {}
  onStart(): void {}
  onResult(): void {}
  stop(): void {}

  onOutput(text: string): void {
    this.#stream.write(text);
  }
}
