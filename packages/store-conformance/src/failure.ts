import { AssertionError } from 'node:assert/strict';
import { inspect } from 'node:util';
import type { Check } from './types.js';

const CONTRACT = 'https://github.com/sessile/sessile/blob/main/docs/contract.md';

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
   */
  constructor(check: Check, target: string, cause: unknown) {
    super('', { cause });
    const seen = describe(cause);
    this.id = check.id;
    this.rule = `${check.id} (${check.level}, since ${check.since}): ${check.title}`;
    this.step = seen.step;
    this.expected = seen.expected;
    this.got = seen.got;
    this.why = check.why;
    this.mend = check.mend;
    this.link = linkTo(check.id);
    this.again = `SESSILE_ONLY=${check.id} before your test command, or runConformance(target, { only: ['${check.id}'] })`;
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

/** Where the contract states the rule of a check. */
function linkTo(id: string): string {
  return `${CONTRACT}#${ruleOf(id).toLowerCase()}`;
}

/** `GET-1` for `GET-1.a`. */
export function ruleOf(id: string): string {
  return id.replace(/\..*$/, '');
}

function describe(cause: unknown): { step: string; expected: string; got: string } {
  if (cause instanceof AssertionError) return fromAssertion(cause);
  return { step: 'a call that should succeed', expected: 'no error', got: oneLine(cause) };
}

function fromAssertion(error: AssertionError): { step: string; expected: string; got: string } {
  const yesOrNo = error.actual === false && error.expected === true;
  if (yesOrNo) return { step: 'see got', expected: 'as the rule says', got: error.message };
  // Node adds a comparison to the message that was given.
  const [step = ''] = error.message.split('\n');
  return { step, expected: short(error.expected), got: short(error.actual) };
}

function oneLine(cause: unknown): string {
  if (!(cause instanceof Error)) return `${short(cause)} was thrown, which is no Error`;
  const code = 'code' in cause && typeof cause.code === 'string' ? ` [${cause.code}]` : '';
  return `${cause.name}${code}: ${cause.message}`;
}

function short(value: unknown): string {
  if (value instanceof Error) return oneLine(value);
  const text = typeof value === 'string' && !value.includes('\n') ? value : inspect(value, { depth: 4, breakLength: 100 });
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
