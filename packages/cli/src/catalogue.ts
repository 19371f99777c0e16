/**
 * Which commands and options there are: what is parsed and what help tells come from here.
 *
 * @module
 */

/** An option, as parseArgs and as help have it. */
export interface OptionFacts {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** What stands behind it in help. */
  readonly value?: string;
  readonly text: string;
}

export const OPTIONS = {
  match: {
    type: 'string',
    multiple: true,
    value: 'PATH=VALUE',
    text: 'only sessions whose data has this value at this path, such as user.id=42; all of several; in a list any element; a dot in a key is \\.',
  },
  limit: { type: 'string', value: 'N', text: 'at most N sessions' },
  'show-ids': {
    type: 'boolean',
    text: 'stored ids in place of refs. With a stored id (unless it is a hash) anyone is logged in: mind who looks on',
  },
  resume: {
    type: 'string',
    value: 'FILE',
    text: 'keep in FILE what was copied, and go on from there where FILE exists. No ids and no data are in it, only hashes',
  },
  follow: {
    type: 'boolean',
    text: 'then go through both stores once more: copy what changed or came since, and remove from the target what ended in the source and this copy had put there',
  },
  conflicts: {
    type: 'string',
    value: 'WHO',
    text: "which of two sessions stays where the target has another one than this copy put there: keep (the target's; default), later (the one that ends later), overwrite (the source's)",
  },
  'dry-run': { type: 'boolean', text: 'look at everything, change nothing' },
  yes: { type: 'boolean', text: 'do not ask' },
  json: { type: 'boolean', text: 'for machines: JSON on the standard output, errors as JSON on the standard error' },
  timeout: { type: 'string', value: 'MS', text: 'how long a call to a server may take, in ms (default: 30000)' },
  help: { type: 'boolean', text: 'this text' },
} as const satisfies Record<string, OptionFacts>;

export type OptionName = keyof typeof OPTIONS;

/** A command, as it is parsed and as help tells it. */
export interface CommandFacts {
  /** After its name: `URL ID`. */
  readonly synopsis: string;
  readonly summary: string;
  readonly details: string;
  /** How many words it takes. */
  readonly words: readonly [least: number, most: number];
  readonly options: readonly OptionName[];
  readonly examples: readonly string[];
}

const COMMON: readonly OptionName[] = ['json', 'timeout', 'help'];

export const COMMANDS = {
  ls: {
    synopsis: 'URL',
    summary: 'list sessions: ref, end, size, top-level keys',
    details: `A line for each live session, in the order in which the store gives them: its ref, which stands
for the stored id and is taken by show and revoke; when it ends (UTC) and what is left; its size
as it is stored; and the keys of its data, without their values.`,
    words: [1, 1],
    options: ['match', 'limit', 'show-ids', ...COMMON],
    examples: ['sessile ls redis://localhost:6379', 'sessile ls postgres://app@db/site --match user.id=42 --json'],
  },
  show: {
    synopsis: 'URL ID',
    summary: 'print one session with its data',
    details: `ID is a session id, a stored id or a ref of ls. Prints all that is stored, the data too. What is
encrypted stays so. A ref is looked for in the whole store.`,
    words: [2, 2],
    options: COMMON,
    examples: ['sessile show sqlite:./sessions.sqlite ref:3f9a1c0b7d2e'],
  },
  revoke: {
    synopsis: 'URL ID...',
    summary: 'end sessions, by id or by --match',
    details: `Each ID is a session id, a stored id or a ref of ls. With --match in place of ids: all sessions
whose data has that value. Whoever used them is logged out.`,
    words: [1, Infinity],
    options: ['match', 'dry-run', ...COMMON],
    examples: ['sessile revoke redis://localhost ref:3f9a1c0b7d2e', 'sessile revoke mongodb://db/site --match user.id=42 --dry-run'],
  },
  count: {
    synopsis: 'URL',
    summary: 'count live sessions',
    details: 'With --match all sessions are read, and those counted whose data has that value.',
    words: [1, 1],
    options: ['match', ...COMMON],
    examples: ['sessile count memcached://localhost:11211?prefix=sess:'],
  },
  prune: {
    synopsis: 'URL',
    summary: 'remove what has expired',
    details: `Removes sessions that nobody can read any more, in batches. PostgreSQL, MongoDB and SQLite keep
them until they are removed, which the stores do by themselves while an app runs; Redis and
memcached need none of it, and the command says so.`,
    words: [1, 1],
    options: COMMON,
    examples: ['sessile prune postgres://app@db/site'],
  },
  clear: {
    synopsis: 'URL',
    summary: 'remove all sessions: everyone is logged out',
    details: `Asks first; --yes answers. Without a terminal and without --yes it refuses. Removes the sessions
under this prefix, or in this table or collection, and nothing else.`,
    words: [1, 1],
    options: ['yes', 'dry-run', ...COMMON],
    examples: ['sessile clear redis://localhost:6379/0?prefix=old:'],
  },
  copy: {
    synopsis: 'FROM TO',
    summary: 'copy sessions to another store, while an app runs',
    details: `Copies live sessions with what is left of their lives. The stored id is what moves, so hashed ids
stay hashed, and encrypted and compressed data is copied as it is. FROM may also be a table of
better-sqlite3-session-store or connect-sqlite3. The source is not changed.

A session that the target has already: the same data is left alone (its end is moved along with
the source's); what this copy put there and the source changed since is replaced; what the target
itself changed, or ended, since this copy put it there stays so; and of what else differs, --conflicts decides.

To move a site: copy with --resume FILE, which may take long; copy again with the same FILE and
--follow, right before and right after the app is switched to the new store. That brings what came
in between, and takes away what ended.

Killed or interrupted, the same command goes on where it was. One copy at a time may use a FILE.`,
    words: [2, 2],
    options: ['match', 'resume', 'follow', 'conflicts', 'dry-run', ...COMMON],
    examples: [
      'sessile copy redis://localhost:6379 postgres://app@db/site --resume move.state',
      'sessile copy redis://localhost:6379 postgres://app@db/site --resume move.state --follow',
      'sessile copy "sqlite:./sessions.db?format=connect-sqlite3" sqlite:./new.sqlite',
    ],
  },
  ping: {
    synopsis: 'URL',
    summary: 'ask whether the store answers',
    details: 'Fails with exit code 1 where it does not.',
    words: [1, 1],
    options: COMMON,
    examples: ['sessile ping env:REDIS_URL'],
  },
} as const satisfies Record<string, CommandFacts>;

export type CommandName = keyof typeof COMMANDS;
