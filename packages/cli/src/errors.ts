import { StoreError } from '@sessile/core';

/** What the shell is told. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3, interrupted: 130, terminated: 143 } as const;

/** Something that the user is told in a sentence or two. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exitCode: number = EXIT.failed;
  /** For machines: `code` of the JSON error. */
  readonly code: string = 'ERR_CLI_FAILED';
}

/** The command was not understood. */
export class UsageError extends CliError {
  override readonly name = 'UsageError';
  override readonly exitCode = EXIT.usage;
  override readonly code = 'ERR_CLI_USAGE';
}

/** A session that was asked for by its id is not there. */
export class NotFound extends CliError {
  override readonly name = 'NotFound';
  override readonly exitCode = EXIT.notFound;
  override readonly code = 'ERR_CLI_NOT_FOUND';
}

/** A file or table that a URL names is not there. */
export class Absent extends CliError {
  override readonly name = 'Absent';
  override readonly code = 'ERR_CLI_ABSENT';
}

/** The user, or the system, ended the command. */
export class Interrupted extends CliError {
  override readonly name = 'Interrupted';
  override readonly exitCode: number;
  override readonly code = 'ERR_CLI_INTERRUPTED';

  constructor(signal: 'SIGINT' | 'SIGTERM', message = 'Interrupted.') {
    super(message);
    this.exitCode = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
  }
}

/** An error as it is shown. */
export interface Shown {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
}

/**
 * An error in words, without what is secret.
 *
 * @param secrets passwords of the URLs: a client's own message may quote them.
 */
export function shown(error: unknown, secrets: readonly string[]): Shown {
  if (error instanceof CliError) return { code: error.code, message: error.message, exitCode: error.exitCode };
  const message = wiped(error instanceof Error ? error.message : String(error), secrets);
  if (StoreError.isInstance(error)) return { code: error.code, message: `${message} (${error.code})`, exitCode: EXIT.failed };
  return { code: 'ERR_CLI_FAILED', message, exitCode: EXIT.failed };
}

/** A text with every secret blotted out. */
function wiped(text: string, secrets: readonly string[]): string {
  return secrets.reduce((wiped, secret) => (secret === '' ? wiped : wiped.replaceAll(secret, '***')), text);
}
