import { parseArgs } from 'node:util';
import { COMMANDS, type CommandFacts, type CommandName, OPTIONS, type OptionName } from './catalogue.js';
import { UsageError } from './errors.js';
import { nearest } from './nearest.js';

/** Who stays where both stores have another version of a session. */
export type Conflicts = 'keep' | 'later' | 'overwrite';

/** What a command line asks for. */
export interface Request {
  readonly command: CommandName;
  /** The words after the command. */
  readonly words: readonly string[];
  readonly help: boolean;
  readonly json: boolean;
  readonly timeoutMs: number;
  readonly match: readonly string[];
  /** `Infinity` where none was given. */
  readonly limit: number;
  readonly showIds: boolean;
  readonly resume: string | undefined;
  readonly follow: boolean;
  readonly conflicts: Conflicts;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** @throws UsageError */
export function parse(argv: readonly string[]): Request | 'help' | 'version' {
  const [first, ...rest] = argv;
  if (first === undefined) throw new UsageError(`Which command? ${commandList()}`);
  if (first === '--help' || first === '-h' || (first === 'help' && rest.length === 0)) return 'help';
  if (first === '--version' || first === '-v') return 'version';
  if (first === 'help') return parse([rest[0] as string, '--help']);
  if (!isCommand(first)) throw unknownCommand(first);
  const { values, positionals } = read(first, rest);
  const request = requestOf(first, positionals, values);
  if (!request.help) checkWords(request);
  return request;
}

type Values = Partial<Record<OptionName, string | boolean | readonly string[]>>;

function requestOf(command: CommandName, words: readonly string[], values: Values): Request {
  return {
    command,
    words,
    help: values.help === true,
    json: values.json === true,
    timeoutMs: values.timeout === undefined ? 30_000 : whole('timeout', values.timeout, 2_147_483_647),
    match: (values.match ?? []) as readonly string[],
    limit: values.limit === undefined ? Infinity : whole('limit', values.limit, Number.MAX_SAFE_INTEGER),
    showIds: values['show-ids'] === true,
    resume: values.resume as string | undefined,
    follow: values.follow === true,
    conflicts: conflictsOf(values.conflicts),
    dryRun: values['dry-run'] === true,
    yes: values.yes === true,
  };
}

function read(command: CommandName, args: readonly string[]): { values: Values; positionals: string[] } {
  const names: readonly OptionName[] = COMMANDS[command].options;
  const options = Object.fromEntries(names.map((name) => [name, { ...OPTIONS[name], ...(name === 'help' && { short: 'h' }) }]));
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw optionError(command, names, error);
  }
}

/** parseArgs names the option alone, never what stands behind it. */
function optionError(command: string, names: readonly OptionName[], error: unknown): UsageError {
  const message = error instanceof Error ? error.message : String(error);
  const [, unknown] = /^Unknown option '(-{1,2}[^'=]*)/.exec(message) ?? [];
  if (unknown === undefined) return new UsageError(`${message.split('. ')[0]}. See sessile ${command} --help.`);
  const near = nearest(unknown.replace(/^-+/, ''), names);
  const hint = near === undefined ? '' : ` Did you mean --${near}?`;
  return new UsageError(`sessile ${command} has no option ${unknown}.${hint} It has: ${names.map((name) => `--${name}`).join(', ')}.`);
}

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}

/** A URL in the wrong place is not repeated: there may be a password in it. */
function unknownCommand(word: string): UsageError {
  if (!/^[\w-]{1,30}$/.test(word)) return new UsageError(`The command comes first: sessile COMMAND URL. ${commandList()}`);
  const near = nearest(word, Object.keys(COMMANDS));
  return new UsageError(`There is no command ${word}.${near === undefined ? '' : ` Did you mean ${near}?`} ${commandList()}`);
}

function commandList(): string {
  return `There are: ${Object.keys(COMMANDS).join(', ')}. See sessile --help.`;
}

function checkWords({ command, words, match }: Request): void {
  const { words: bounds, synopsis }: CommandFacts = COMMANDS[command];
  const [least, most] = bounds;
  if (words.length < least || words.length > most) {
    throw new UsageError(`sessile ${command} takes ${synopsis}, but got ${counted(words.length)}. See sessile ${command} --help.`);
  }
  if (command === 'revoke' && (words.length === 1) === (match.length === 0)) {
    const given = words.length === 1 ? 'neither' : 'both';
    throw new UsageError(`sessile revoke takes ids or --match, but got ${given}. See sessile revoke --help.`);
  }
}

function counted(count: number): string {
  return count === 0 ? 'nothing' : count === 1 ? 'one word' : `${count} words`;
}

function whole(name: OptionName, given: unknown, most: number): number {
  const value = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} is ${named(given)}. It is a whole number from 1 to ${most}.`);
}

function conflictsOf(given: unknown): Conflicts {
  if (given === undefined) return 'keep';
  if (given === 'keep' || given === 'later' || given === 'overwrite') return given;
  throw new UsageError(`--conflicts is ${named(given)}. It is keep, later or overwrite.`);
}

/** A URL that slipped behind an option is not repeated. */
function named(given: unknown): string {
  return typeof given === 'string' && /^[\w.-]{1,20}$/.test(given) ? given : 'something else';
}
