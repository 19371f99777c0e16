import { once } from 'node:events';

/** The standard output: waits while a slow reader has enough, and ends quietly when it leaves (`sessile ls … | head`). */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  #isGone = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.#isGone = true;
    });
  }

  /** Whether nobody reads any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Of a terminal; undefined for a file or a pipe, where nothing is cut. */
  get columns(): number | undefined {
    return this.#stream.isTTY ? this.#stream.columns || 80 : undefined;
  }

  async line(text: string): Promise<void> {
    if (this.#isGone || this.#stream.write(`${text}\n`)) return;
    await once(this.#stream, 'drain').catch(() => undefined);
  }

  json(value: unknown): Promise<void> {
    return this.line(JSON.stringify(value));
  }
}

/** A text that is as wide as its column, or no wider than the room. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;
}
