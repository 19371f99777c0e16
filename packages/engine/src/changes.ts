import { stringifyData } from '@sessile/core';

/**
 * The text of a session's data, without its top-level `cookie`.
 *
 * @returns undefined where it cannot be serialized: circular, a BigInt.
 */
export function dataText(session: object): string | undefined {
  if (isEmpty(session)) return '{}';
  try {
    return stringifyData(session);
  } catch {
    return undefined;
  }
}

function isEmpty(session: object): boolean {
  for (const key in session) if (key !== 'cookie') return false;
  return true;
}

/** What `JSON.stringify` would have written otherwise: escapes, numbers, and keys that are whole numbers, which it puts first. */
const FOREIGN = /\\[/u]|"\d+":|[:,[](?:-0[,}\]]|-?\d+(?:\.\d*0[,}\]]|(?:\.\d+)?[eE]))/;

/** Whether a text may be JSON of other software, and other than `JSON.stringify` would write it. */
export function isForeign(text: string): boolean {
  return FOREIGN.test(text);
}

/** The text of data as they were loaded or saved, to tell whether they have changed since. */
export class Baseline {
  #text: string;
  #isGuess: boolean;

  /** @param isGuess whether the text is canonical by guess alone: other software writes the same JSON in another way. */
  constructor(text: string, isGuess = false) {
    this.#text = text;
    this.#isGuess = isGuess;
  }

  /**
   * Whether data differ from these.
   *
   * @param now their text, as `JSON.stringify` writes it.
   * @param canonical gives a stored text as `JSON.stringify` would have written it; asked where the guess may be wrong.
   */
  differsFrom(now: string, canonical: (text: string) => string): boolean {
    if (now === this.#text) return false;
    if (!this.#isGuess || !isForeign(this.#text)) return true;
    this.#text = canonical(this.#text);
    this.#isGuess = false;
    return now !== this.#text;
  }
}

/** A cookie in front, with nothing in it but plain texts, numbers and words, and no white space around them. */
const HEAD = /^\{"cookie":\{(?:[^{}"\s]*"[^"\\]*")*[^{}"\s]*\}/;

/**
 * The part of a stored text that is data: what {@link dataText} gives of the session in it, when that text was written by
 * `JSON.stringify` with the cookie in front.
 *
 * @returns undefined where the text has another form.
 */
export function dataPart(text: string): string | undefined {
  const head = HEAD.exec(text)?.[0].length;
  if (head === undefined) return undefined;
  if (text[head] === ',') return `{${text.slice(head + 1)}`;
  return text.length === head + 1 && text[head] === '}' ? '{}' : undefined;
}

/** Which fields of a cookie an app changes by hand; its date moves by itself. */
const FIELDS = [
  'originalMaxAge',
  'path',
  'domain',
  'httpOnly',
  'secure',
  'sameSite',
  'partitioned',
  'priority',
  'createdAt',
  'rotatedAt',
] as const;

type CookieFields = Partial<Record<(typeof FIELDS)[number], unknown>>;

/** Stock express-session wears `originalMaxAge` down by a millisecond now and then. */
const DRIFT_MS = 50;

/** Whether two cookies differ in more than their date. */
export function cookiesDiffer(before: CookieFields, now: CookieFields): boolean {
  return FIELDS.some((field) => {
    const a = before[field] ?? undefined;
    const b = now[field] ?? undefined;
    if (a === b) return false;
    return !(field === 'originalMaxAge' && typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) < DRIFT_MS);
  });
}
