import { AssertionError } from 'node:assert/strict';
import { inspect } from 'node:util';
import type { Check } from './types.js';

const CONTRACT = 'https://github.com/sessile/sessile/blob/main/docs/contract.md';

/** What a check saw, in words. */
export interface Seen {
  /** What the check was looking at. */
  readonly step: string;
  readonly expected: string;
  readonly got: string;
}

/** What is to stand in a failure in place of what the check and its cause say. */
export interface FailureTexts {
  readonly seen?: Seen;
  readonly why?: string;
  readonly mend?: string;
  /** How to run this check alone. */
  readonly again?: string;
}

/** A check that failed: what the rule is, what was seen, why it matters and what to do. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure';
  /** The id of the check, such as `GET-1.a`. */
  readonly id: string;
  /** The rule that was broken. */
  readonly rule: string;
  /** What the check was looking at. */
  readonly step: string;
  readonly expected: string;
  readonly got: string;
  readonly why: string;
  readonly mend: string;
  /** Where the rule is written. */
  readonly link: string;
  /** How to run this check alone. */
  readonly again: string;

  /**
   * @param check the check that failed.
   * @param target the name of what was checked.
   * @param cause what it threw: an AssertionError, or an error of the store.
   * @param texts what is to stand in place of what those say.
   */
  constructor(check: Check, target: string, cause: unknown, texts: FailureTexts = {}) {
    super('', { cause });
    const seen = texts.seen ?? describe(cause, check.title);
    this.id = check.id;
    this.rule = `${check.id} (${check.level}, since ${check.since}): ${check.title}`;
    this.step = seen.step;
    this.expected = seen.expected;
    this.got = seen.got;
    this.why = texts.why ?? check.why;
    this.mend = texts.mend ?? check.mend;
    this.link = linkTo(check.id);
    this.again = texts.again ?? againInTests(check);
    this.message = this.#page(target);
  }

  #page(target: string): string {
    const rows: [string, string][] = [
      ['store', target],
      ['step', this.step],
      ['expected', this.expected],
      ['got', this.got],
      ['why', this.why],
      ['mend', this.mend],
      ['contract', this.link],
      ['again', this.again],
    ];
    return [this.rule, ...rows.map(([label, text]) => `  ${`${label}:`.padEnd(10)}${text}`)].join('\n');
  }
}

/** How to run a check alone, through a test runner or by a program. A seed is named where there is one. */
export function againInTests({ id }: Check, seed?: number): string {
  const [variable, option] = seed === undefined ? ['', ''] : [` SESSILE_SEED=${seed}`, `, seed: ${seed}`];
  return `SESSILE_ONLY=${id}${variable} before your test command, or runConformance(target, { only: ['${id}']${option} })`;
}

/** Where the contract states the rule of a check. */
export function linkTo(id: string): string {
  return `${CONTRACT}#${ruleOf(id).toLowerCase()}`;
}

/** `GET-1` for `GET-1.a`. */
export function ruleOf(id: string): string {
  return id.replace(/\..*$/, '');
}

/** `GET` for `GET-1.a`. */
export function groupOf(id: string): string {
  return id.replace(/-.*$/, '');
}

function describe(cause: unknown, title: string): Seen {
  if (cause instanceof AssertionError) return fromAssertion(cause, title);
  return { step: 'a call that should succeed', expected: 'no error', got: oneLine(cause) };
}

function fromAssertion(error: AssertionError, title: string): Seen {
  const yesOrNo = error.actual === false && error.expected === true;
  if (yesOrNo) return { step: 'the rule as a whole', expected: title, got: error.message };
  // Node adds a comparison to the message that was given.
  const [step = ''] = error.message.split('\n');
  return { step, expected: short(error.expected), got: short(error.actual) };
}

function oneLine(cause: unknown): string {
  if (!(cause instanceof Error)) return `${short(cause)} was thrown, which is no Error`;
  const code = 'code' in cause && typeof cause.code === 'string' ? ` [${cause.code}]` : '';
  return `${cause.name}${code}: ${cause.message}${placeOf(cause)}`;
}

const KIT = new URL('.', import.meta.url).href;

/** Where a slip in a program was made: its message alone says little. Ours is only ever the reader of a store's answer. */
function placeOf({ name, stack = '' }: Error): string {
  if (!/^(Type|Reference|Range|Syntax)Error$/.test(name)) return '';
  const frame = stack.split('\n').find((line) => /^\s+at /.test(line) && !line.includes('node:')) ?? '';
  if (frame.includes(KIT)) return ' (when the check read what the store gave)';
  return frame && ` (${frame.trim()})`;
}

/** Of an error within a value: they would leave no room for what differs. */
function withoutFrames(text: string): string {
  return text.replace(/\n\s+at .*$/gm, '');
}

function short(value: unknown): string {
  if (value instanceof Error) return oneLine(value);
  const text = typeof value === 'string' && !value.includes('\n') ? value : withoutFrames(inspect(value, { depth: 4, breakLength: 80 }));
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
