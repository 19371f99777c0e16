import { StoreError, type StoreErrorCode } from '@sessile/core';

type Kind = readonly [pattern: RegExp, code: StoreErrorCode, what: string];

/**
 * What Redis and its clients say, by the beginning of their messages: clients name their errors differently, and a bundler can
 * rename their classes. Nothing of a message is taken over, since some quote the arguments of the command.
 */
const KINDS: readonly Kind[] = [
  [
    /^(NOAUTH|WRONGPASS|NOPERM|ERR invalid password|ERR AUTH )/,
    'ERR_STORE_DENIED',
    'Redis refuses the user or the command. Check the password, and the permissions of the user (ACL): the README lists the commands',
  ],
  [/^(READONLY|MASTERDOWN|LOADING|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|BUSY) /, 'ERR_STORE_UNAVAILABLE', 'Redis cannot serve it now'],
  [/^ERR max number of clients/, 'ERR_STORE_UNAVAILABLE', 'Redis takes no more clients'],
  [
    /^(Connection is closed|Stream isn't writeable|Reached the max retries|Command aborted due to connection|None of startup nodes|Cluster (isn't|is) |Failed to refresh slots|Too many Cluster redirections|All sentinels are unreachable|The client is |Disconnects client|Socket |Cluster closed|Connection timeout|All the root nodes|Timeout waiting for a client|connect ETIMEDOUT|Cannot find node|Connection is (aborted|discarded))/,
    'ERR_STORE_UNAVAILABLE',
    'There is no connection to Redis. Is the server up, and was a client that was passed in connected?',
  ],
  [/^(Command timed out|The command was aborted)/, 'ERR_STORE_TIMEOUT', 'The client gave up on the command. Its outcome is unknown'],
  [
    /^OOM /,
    'ERR_STORE_BACKEND',
    'Redis is full, and its maxmemory-policy is noeviction: it stores nothing until there is room. What was stored before is unchanged',
  ],
  [/^MISCONF /, 'ERR_STORE_BACKEND', 'Redis cannot write its snapshot, and therefore stores nothing. Look at the disk of the server'],
  [/^WRONGTYPE /, 'ERR_STORE_BACKEND', 'What stands under this key is no text: another program uses the same prefix'],
  [/^ERR unknown command/, 'ERR_STORE_UNSUPPORTED', 'The server lacks a command that is needed: the README lists them'],
  [
    /^(ERR string exceeds|ERR Protocol error: invalid bulk|Invalid string length)/,
    'ERR_STORE_PAYLOAD_TOO_LARGE',
    'The session is too large',
  ],
];

const SHARDED = 'The server is part of a cluster. Pass a cluster client of ioredis or node-redis as the option client.';

/**
 * Names a failure that is known; any other is given back for the core to wrap.
 *
 * @param error what a client threw.
 * @param sharded whether it comes from a cluster client, which follows redirections by itself.
 */
export function known(error: unknown, sharded: boolean): unknown {
  if (StoreError.isInstance(error) || !(error instanceof Error)) return error;
  // ioredis asks a new connection whether it is ready.
  const message = error.message.replace(/^Ready check failed: /, '');
  if (!sharded && /^(MOVED|ASK|CROSSSLOT) /.test(message)) return oneOfCluster();
  const kind = KINDS.find(([pattern]) => pattern.test(message));
  if (kind === undefined) return error;
  const [, code, what] = kind;
  // The cause of an unknown command would quote its arguments.
  const cause = code === 'ERR_STORE_UNSUPPORTED' ? undefined : error;
  return new StoreError(code, what.endsWith('?') ? what : `${what}.`, { cause });
}

/** One server of a cluster, reached by a client that knows no clusters. */
export function oneOfCluster(): StoreError {
  return new StoreError('ERR_STORE_UNSUPPORTED', SHARDED);
}

/** Redis has forgotten the script: it was restarted, or its scripts were flushed. */
export function isForgotten(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** Says that nothing was done, and that the command may succeed elsewhere or later. */
export function isRedirection(error: unknown): boolean {
  return error instanceof Error && /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/.test(error.message);
}
