/** Why an operation of a store failed; `docs/errors.md` has a heading for each. */
export type StoreErrorCode =
  | 'ERR_STORE_INVALID_OPTION'
  | 'ERR_STORE_INVALID_ARGUMENT'
  | 'ERR_STORE_PAYLOAD_TOO_LARGE'
  | 'ERR_STORE_ENCODE'
  | 'ERR_STORE_DECODE'
  | 'ERR_STORE_CLOSED'
  | 'ERR_STORE_UNAVAILABLE'
  | 'ERR_STORE_TIMEOUT'
  | 'ERR_STORE_DENIED'
  | 'ERR_STORE_CONFLICT'
  | 'ERR_STORE_SCHEMA'
  | 'ERR_STORE_UNSUPPORTED'
  | 'ERR_STORE_BACKEND';

/** What a {@link StoreError} carries beside its code and message. */
export interface StoreErrorDetails {
  cause?: unknown;
  /** Whether the same call may succeed later; default: by code. */
  retryable?: boolean;
  /** The backend: `traits.name`. */
  store?: string;
  /** The method that failed: `get`, `set`. */
  operation?: string;
}

const RETRYABLE: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  'ERR_STORE_UNAVAILABLE',
  'ERR_STORE_TIMEOUT',
  'ERR_STORE_CONFLICT',
]);

const BRAND: unique symbol = Symbol.for('sessile.StoreError');

/**
 * The one error class of every store.
 *
 * Act on `code`, never on the message. Neither a sid nor session data stands in it, in its cause or in what
 * `util.inspect` shows of it.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  store: string | undefined;
  operation: string | undefined;

  constructor(code: StoreErrorCode, message: string, details: StoreErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? RETRYABLE.has(code);
    this.store = details.store;
    this.operation = details.operation;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /**
   * Whether a value is a StoreError, also one made by another copy of this package, where `instanceof` says no.
   *
   * @param value anything.
   */
  static isInstance(value: unknown): value is StoreError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** Lets an error of ours tell which store and method it comes from, where it does not yet. @returns the error. */
export function named(error: unknown, store: string, operation: string): unknown {
  if (StoreError.isInstance(error)) {
    error.store ??= store;
    error.operation ??= operation;
  }
  return error;
}

/**
 * Turns whatever a driver threw into a {@link StoreError}.
 *
 * @param error what was thrown.
 * @param store the backend's name.
 * @param operation the method that was called.
 * @param secrets sids and payloads of the call, which must not show.
 */
export function asStoreError(error: unknown, store: string, operation: string, secrets: readonly string[]): StoreError {
  if (StoreError.isInstance(error)) {
    named(error, store, operation);
    if (error.cause !== undefined) error.cause = safeCause(error.cause, secrets);
    if (secrets.some((secret) => quotes(error.message, secret))) error.message = WITHHELD;
    return error;
  }
  const cause = safeCause(error, secrets);
  const reason = cause.message === '' ? cause.name : cause.message;
  const code = classify(error);
  return new StoreError(code, `${operation} failed in the ${store} store: ${reason}`, { cause, store, operation });
}

const AWAY: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The system's error codes mean the same for every backend; what is a backend's own, its driver says. */
function classify(error: unknown): StoreErrorCode {
  const code = errorCode(error);
  if (AWAY.has(code)) return 'ERR_STORE_UNAVAILABLE';
  if (code === 'ETIMEDOUT') return 'ERR_STORE_TIMEOUT';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'ERR_STORE_DENIED';
  return 'ERR_STORE_BACKEND';
}

/** The `code` of an error of any make, if it has one. */
function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

const KEPT: readonly string[] = ['code', 'errno', 'syscall', 'address', 'port', 'severity', 'routine', 'table', 'constraint'];

/**
 * A copy of an error that can be shown: clients put commands, rows and documents on theirs, so only its name, a cleaned
 * message, its stack and a few known fields are taken over.
 *
 * @param error what a client threw.
 * @param secrets sids and payloads, of which nothing may show.
 */
function safeCause(error: unknown, secrets: readonly string[]): Error {
  const source = error instanceof Error ? error : new Error(typeof error === 'string' ? error : 'an error that is no Error');
  const copy = new Error(clean(source.message, secrets));
  copy.name = source.name;
  const frames = /\n {4}at [\s\S]*$/.exec(source.stack ?? '')?.[0] ?? '';
  copy.stack = `${copy.name}: ${copy.message}${frames}`;
  for (const field of KEPT) {
    const value = (source as unknown as Record<string, unknown>)[field];
    if (typeof value === 'number' || (typeof value === 'string' && clean(value, secrets) === value)) {
      Object.defineProperty(copy, field, { value, enumerable: true });
    }
  }
  return copy;
}

const WITHHELD = '[withheld: it quotes a session]';
/** A run of this many characters in common with a payload is a quotation of it. */
const QUOTE = 12;

function clean(message: string, secrets: readonly string[]): string {
  const short = message.slice(0, 300);
  return secrets.some((secret) => quotes(short, secret)) ? WITHHELD : short;
}

function quotes(message: string, secret: string): boolean {
  if (secret.length < QUOTE) return standsIn(message, secret);
  const text = secret.slice(0, 65_536);
  for (let i = 0; i + QUOTE <= message.length; i += 1) {
    if (text.indexOf(message.slice(i, i + QUOTE)) !== -1) return true;
  }
  return false;
}

/** Whether a short secret stands there as a word: its letters occur in any sentence. */
function standsIn(message: string, secret: string): boolean {
  if (secret === '') return false;
  for (let at = message.indexOf(secret); at !== -1; at = message.indexOf(secret, at + 1)) {
    if (!/\w/.test(message.charAt(at - 1)) && !/\w/.test(message.charAt(at + secret.length))) return true;
  }
  return false;
}
