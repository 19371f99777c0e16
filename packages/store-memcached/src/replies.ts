/** A value, and the number by which it can be replaced. */
export interface Item {
  key: string;
  text: string;
  cas: string;
}

/** Takes the lines of one answer. */
export interface Reader {
  /** What ends a line: a dump of keys has no carriage returns. */
  readonly lineEnd: '\r\n' | '\n';
  /** How many bytes of data follow this line, or -1. Other lines are the answer's own. */
  dataAfter(line: string): number;
  /** True when this was the last line. */
  line(line: string, data: string | undefined): boolean;
}

const FAILURE = /^(ERROR|CLIENT_ERROR|SERVER_ERROR)/;

/** An answer of one line. */
export class LineReader implements Reader {
  readonly lineEnd = '\r\n';
  answer = '';

  dataAfter(): number {
    return -1;
  }

  line(line: string): boolean {
    this.answer = line;
    return true;
  }
}

/** `VALUE <key> <flags> <bytes> <cas>` and the data, any number of times, then `END`. */
export class ItemReader implements Reader {
  readonly lineEnd = '\r\n';
  readonly items: Item[] = [];
  failure: string | undefined;

  dataAfter(line: string): number {
    return line.startsWith('VALUE ') ? Number(line.split(' ', 4)[3]) : -1;
  }

  line(line: string, data: string | undefined): boolean {
    if (data === undefined) {
      if (FAILURE.test(line)) this.failure = line;
      return true;
    }
    const [, key = '', , , cas = ''] = line.split(' ');
    this.items.push({ key, text: textOf(data), cas });
    return false;
  }
}

/** Any number of lines, then `END`. */
export class ListReader implements Reader {
  readonly lineEnd = '\n';
  lines: string[] = [];
  failure: string | undefined;

  dataAfter(): number {
    return -1;
  }

  line(ended: string): boolean {
    const line = ended.trimEnd();
    if (line === 'END') return true;
    if (FAILURE.test(line) || line.startsWith('BUSY')) this.failure = line;
    else this.lines.push(line);
    return this.failure !== undefined;
  }
}

/** Cuts the bytes of a connection into lines and data, and hands them to the reader whose turn it is. */
export class Replies {
  #rest = '';
  /** Where to look on: a value of a megabyte comes in many pieces. */
  #needs = 0;

  /**
   * @param chunk bytes as latin1: a letter a byte, which makes lengths plain.
   * @param turn the reader of the next answer, or undefined where none is waited for.
   * @param done that reader has its answer.
   */
  push(chunk: string, turn: () => Reader | undefined, done: () => void): void {
    this.#rest += chunk;
    if (this.#rest.length < this.#needs) return;
    let at = 0;
    for (let reader = turn(); reader !== undefined; reader = turn()) {
      const next = this.#one(reader, at, done);
      if (next === at) break;
      at = next;
    }
    this.#rest = at === 0 ? this.#rest : this.#rest.slice(at);
  }

  /** Reads one line, with its data; where it is not all there yet, stays where it is. */
  #one(reader: Reader, at: number, done: () => void): number {
    this.#needs = 0;
    const end = this.#rest.indexOf(reader.lineEnd, at);
    if (end === -1) return at;
    const line = this.#rest.slice(at, end);
    const bytes = reader.dataAfter(line);
    const from = end + reader.lineEnd.length;
    const next = bytes < 0 ? from : from + bytes + 2;
    if (next > this.#rest.length) {
      this.#needs = next - at;
      return at;
    }
    if (reader.line(line, bytes < 0 ? undefined : this.#rest.slice(from, from + bytes))) done();
    return next;
  }
}

const NOT_ASCII = /[\x80-\xff]/;

/** The package writes a line break with a backslash before it. */
function textOf(data: string): string {
  const text = NOT_ASCII.test(data) ? Buffer.from(data, 'latin1').toString() : data;
  return text.includes('\n') || text.includes('\r') ? text.replaceAll(/\\(\r|\n)/g, '$1') : text;
}

/** The other way. */
export function dataOf(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replaceAll(/(\r|\n)/g, '\\$1') : text;
}
