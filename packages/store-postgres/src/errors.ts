import { StoreError, type StoreErrorCode } from '@sessile/core';

interface PgError {
  code?: unknown;
  message?: unknown;
}

/** By SQLSTATE, or its class. @see PostgreSQL, appendix A */
const STATES: readonly (readonly [RegExp, StoreErrorCode, string])[] = [
  [
    /^(42P01|42703|42804|42883|3F000)$/,
    'ERR_STORE_SCHEMA',
    'The session table is not as expected. If it was dropped, bring it back, or restart the process, which makes one.',
  ],
  [/^(28|42501)/, 'ERR_STORE_DENIED', 'PostgreSQL refused the user. Check the password, and the rights on the table.'],
  [
    /^(08|57P0[1-5]|53300|25006|55000)/,
    'ERR_STORE_UNAVAILABLE',
    'PostgreSQL cannot serve now: it is starting, stopping, full of connections, or a replica that only reads.',
  ],
  [/^57014$/, 'ERR_STORE_TIMEOUT', 'PostgreSQL ended the statement after its statement_timeout.'],
  [
    /^(22P05|22P02|22021|22032)$/,
    'ERR_STORE_ENCODE',
    'The column sess cannot hold this session: jsonb takes neither NUL nor lone surrogates. Use a column of type json, or text.',
  ],
  [/^(40001|40P01)$/, 'ERR_STORE_CONFLICT', 'Another transaction was in the way, more than once.'],
];

/** What the package says, without a code. */
const LOST =
  /Connection terminated|connection error|timeout exceeded when trying to connect|Cannot use a pool|timeout expired|not queryable|Connection ended/i;
const SLOW = /Query read timeout/;
/** The server asks for a password, and there is none. */
const NO_PASSWORD = /^SASL: .*password must be a/;

/** A failure as the store tells it. What is not known here, core names. */
export function known(error: unknown): unknown {
  if (StoreError.isInstance(error)) return error;
  const { code, message } = (error ?? {}) as PgError;
  const [, name, text] = STATES.find(([pattern]) => pattern.test(String(code))) ?? [];
  // A message of PostgreSQL may quote what it was given: the cause is cleaned by core, and this text is ours.
  if (name !== undefined) return new StoreError(name, `${text}`, name === 'ERR_STORE_ENCODE' ? {} : { cause: error });
  if (LOST.test(String(message)))
    return new StoreError('ERR_STORE_UNAVAILABLE', 'The connection to PostgreSQL was lost, or none could be had.', { cause: error });
  if (NO_PASSWORD.test(String(message)))
    return new StoreError('ERR_STORE_DENIED', 'PostgreSQL asks for a password. Set one.', { cause: error });
  if (SLOW.test(String(message))) return new StoreError('ERR_STORE_TIMEOUT', 'PostgreSQL did not answer in time.', { cause: error });
  return error;
}

/** A deadlock or a serialization failure: the same statement may succeed now. */
export function isPassing(error: unknown): boolean {
  return /^(40001|40P01)$/.test(String((error as PgError | undefined)?.code));
}

/** Of a failure as {@link known} names it: whether nobody answered, or nobody who can serve. */
export function isAway(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return code === 'ERR_STORE_UNAVAILABLE' || code === 'ERR_STORE_TIMEOUT' || /^E[A-Z]+$/.test(String(code));
}
