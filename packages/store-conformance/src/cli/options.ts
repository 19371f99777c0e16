import { parseArgs } from 'node:util';
import { LIMIT_MS } from '../run.js';
import type { Level } from '../types.js';

/** The command was not understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The forms of report that go to a file. */
const FORMATS = ['json', 'junit', 'markdown', 'html'] as const;
export type Format = (typeof FORMATS)[number];

/** What the command line asks for. */
export interface Options {
  readonly command: 'run' | 'init' | 'list' | 'explain' | 'help' | 'version';
  /** The target's module, or the folder of `init`. */
  readonly place: string | undefined;
  readonly explain: readonly string[];
  /** Undefined leaves it to the environment. */
  readonly only: readonly string[] | undefined;
  readonly level: Level;
  readonly seed: number | undefined;
  readonly limitMs: number;
  /** Where each report goes; `-` is the standard output. */
  readonly files: ReadonlyMap<Format, string>;
}

export const USAGE = `store-conformance: tells what is wrong with a session store, by the numbered rules of a contract.

  npx @sessile/store-conformance TARGET [options]    check the store that a module describes
  npx @sessile/store-conformance init [FOLDER]       write a store and a target to start from
  npx @sessile/store-conformance --list              print the checks
  npx @sessile/store-conformance --explain ID        print what a check asks, why, and what to do

TARGET is a module whose default export is a target ({ name, create() }), a function that makes one, or an array of them.

Which checks
  --only IDS        checks (GET-2.a), rules (GET-2) or groups (GET), by commas; may be given more than once
                    (default: SESSILE_ONLY of the environment, else all)
  --level LEVEL     the least binding level: MUST, SHOULD or MAY (default: MAY, which is all)
  --seed N          what random histories are drawn from; a report names it (default: SESSILE_SEED, else another each time)
  --limit MS        how long one check may take (default: ${LIMIT_MS})

Reports, beside the one on the terminal. FILE may be - for the standard output
  --json FILE       for programs
  --junit FILE      for continuous integration
  --markdown FILE   for a README
  --html FILE       one page, for people

  --help, --version

Exit codes
  0   every check passed, was skipped or is known to fail
  1   a check failed, or one that is known to fail passes
  2   the command is wrong, or the target cannot be loaded

Colours are used on a terminal; NO_COLOR and FORCE_COLOR are respected.
`;

/** @throws UsageError */
export function parse(argv: readonly string[]): Options {
  const { values, positionals } = read(argv);
  const command = commandOf(values, positionals);
  const [place, ...more] = command === 'init' ? positionals.slice(1) : positionals;
  if (more.length > 0) throw new UsageError(`one target at a time: what is ${more.join(' ')}?`);
  if (command === 'run' && place === undefined) throw new UsageError('which target?');
  const only = values.only && names(values.only);
  const [level, seed] = [levelOf(values.level), values.seed === undefined ? undefined : whole('--seed', values.seed, 0, 2 ** 32 - 1)];
  const limitMs = values.limit === undefined ? LIMIT_MS : whole('--limit', values.limit, 100, 3_600_000);
  return { command, place, explain: names(values.explain ?? []), only, level, seed, limitMs, files: filesOf(values) };
}

type Values = ReturnType<typeof read>['values'];

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        only: { type: 'string', multiple: true },
        level: { type: 'string' },
        seed: { type: 'string' },
        limit: { type: 'string' },
        json: { type: 'string' },
        junit: { type: 'string' },
        markdown: { type: 'string' },
        html: { type: 'string' },
        list: { type: 'boolean' },
        explain: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function commandOf(values: Values, positionals: readonly string[]): Options['command'] {
  if (values.help === true) return 'help';
  if (values.version === true) return 'version';
  if (values.list === true) return 'list';
  if (values.explain) return 'explain';
  return positionals[0] === 'init' ? 'init' : 'run';
}

/** By commas or spaces, in any case: `get-2.A` is GET-2.a. */
function names(texts: readonly string[]): string[] {
  const all = texts.flatMap((text) => text.split(/[\s,]+/)).filter(Boolean);
  return all.map((name) => name.toUpperCase().replace(/\..*$/, (letter) => letter.toLowerCase()));
}

function levelOf(text = 'MAY'): Level {
  const level = text.toUpperCase();
  if (level === 'MUST' || level === 'SHOULD' || level === 'MAY') return level;
  throw new UsageError(`--level is MUST, SHOULD or MAY, not ${text}`);
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${name} is a whole number from ${least} to ${most}, not ${text}`);
}

function filesOf(values: Values): Map<Format, string> {
  const files = new Map(FORMATS.flatMap((format) => (values[format] === undefined ? [] : [[format, values[format]] as const])));
  if ([...files.values()].filter((file) => file === '-').length > 1)
    throw new UsageError('one report at a time can go to the standard output');
  return files;
}
