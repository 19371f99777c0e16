import type { CircuitSettings } from './circuit.js';
import { StoreError } from './errors.js';
import type { Dict } from './json.js';
import { DAY_MS, type TtlOption } from './lifetime.js';

/** Turns a session into text and back, both at once: neither may return a promise. */
export interface Serializer {
  stringify(session: Dict): string;
  parse(text: string): Dict;
}

/** Settles a save whose session another request changed meanwhile; all three are the function's own copies. */
export type ConflictResolver = (base: Dict, mine: Dict, theirs: Dict) => Dict;

/** The options that every store takes. */
export interface SessionStoreOptions {
  /**
   * The lifetime of a session that has none of its own: milliseconds, or a function of the session, whose answer goes
   * before the session's own. Default: 86,400,000 (one day).
   */
  ttlMs?: TtlOption | undefined;
  /** How long a call may take, counted from the call, in ms. Default: 5,000. */
  timeoutMs?: number | undefined;
  /**
   * When the backend accepts calls and answers none: after `afterTimeouts` (default 5) calls in a row without an answer in
   * `timeoutMs`, calls fail at once, and every `probeEveryMs` (default 500) one probe asks whether it is back. `false`: each call
   * waits for its own `timeoutMs`. Default: true.
   */
  circuit?: boolean | { afterTimeouts?: number | undefined; probeEveryMs?: number | undefined } | undefined;
  /** Skip a touch that would lengthen the session by less than this, in ms; counts as at most half the lifetime. Default: 0. */
  touchAfterMs?: number | undefined;
  /**
   * What to do when another request saved the session since this one loaded it: `merge` the changed leaves (default),
   * `overwrite` it, `reject` with ERR_STORE_CONFLICT, or a function. None brings a destroyed session back.
   */
  conflicts?: 'merge' | 'overwrite' | 'reject' | ConflictResolver | undefined;
  /** Gather calls that arrive together into one command where the backend can. Default: true. */
  coalesce?: boolean | undefined;
  /** How often expired sessions are removed where the backend does not do it itself, in ms; false: never. Default: 900,000. */
  pruneEveryMs?: number | false | undefined;
  /**
   * Emit `disconnect` and `connect` as express-session and koa-generic-session expect them. Default: false, for good reason:
   * on `disconnect` express-session serves requests without `req.session`, and koa-generic-session can end the process.
   */
  announceOutages?: boolean | undefined;
  /** Default: JSON. */
  serializer?: Serializer | undefined;
  /** Compress what is larger than `aboveBytes` (default 1,024); inflate to `maxInflatedBytes` at most (default 16 MiB). Default: false. */
  compress?: boolean | { aboveBytes?: number | undefined; maxInflatedBytes?: number | undefined } | undefined;
  /**
   * Encrypt with AES-256-GCM. The first key writes, all of them read; each is at least 32 bytes. `acceptPlain` also reads
   * sessions that are not encrypted (default: false). Default: off.
   */
  encrypt?: { keys: readonly (string | Buffer)[]; acceptPlain?: boolean | undefined } | undefined;
  /**
   * Show the backend a hash in place of each sid, so that who reads the backend cannot use what is there.
   * `readPlainUntil` also finds sessions that were stored before the switch, until that date. Default: false.
   */
  hashIds?: boolean | { readPlainUntil: Date | string } | undefined;
  /** A stored value that cannot be read: `throw` ERR_STORE_DECODE (default), or `discard`, so that `get` says null and leaves it there. */
  onUnreadable?: 'throw' | 'discard' | undefined;
}

/** What the codec needs of the options. */
export interface CodecOptions {
  serializer: Serializer | undefined;
  compress: { aboveBytes: number } | undefined;
  maxInflatedBytes: number;
  encrypt: { keys: readonly (string | Buffer)[]; acceptPlain: boolean } | undefined;
}

/** Checked options with their defaults. */
export interface Settings extends CodecOptions {
  ttlMs: TtlOption;
  timeoutMs: number;
  circuit: CircuitSettings | undefined;
  touchAfterMs: number;
  conflicts: 'merge' | 'overwrite' | 'reject' | ConflictResolver;
  coalesce: boolean;
  pruneEveryMs: number | false;
  announceOutages: boolean;
  hashIds: boolean;
  /** Until when sessions stored under their plain sid are found as well, ms since the epoch. */
  readPlainUntil: number | undefined;
  onUnreadable: 'throw' | 'discard';
}

const NAMES: ReadonlySet<string> = new Set([
  'ttlMs',
  'timeoutMs',
  'circuit',
  'touchAfterMs',
  'conflicts',
  'coalesce',
  'pruneEveryMs',
  'announceOutages',
  'serializer',
  'compress',
  'encrypt',
  'hashIds',
  'onUnreadable',
]);

/** The longest delay that a timer of Node's takes. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Checks the options that every store takes and fills in the defaults.
 *
 * @param options what the user gave.
 * @param ownNames the names of the store's own options, which its driver checks.
 * @throws StoreError ERR_STORE_INVALID_OPTION, with what was given, what is expected and what to do.
 */
export function checkOptions(options: SessionStoreOptions, ownNames: readonly string[]): Settings {
  refuseUnknown(options, ownNames);
  const hash = options.hashIds ?? false;
  return {
    ttlMs: checkTtl(options.ttlMs),
    timeoutMs: checkMs('timeoutMs', options.timeoutMs ?? 5000, 1, MAX_TIMER_MS),
    circuit: checkCircuit(options.circuit ?? true),
    touchAfterMs: checkMs('touchAfterMs', options.touchAfterMs ?? 0, 0, Number.MAX_SAFE_INTEGER),
    conflicts: checkConflicts(options.conflicts ?? 'merge'),
    coalesce: checkBoolean('coalesce', options.coalesce ?? true),
    pruneEveryMs: checkPruning(options.pruneEveryMs ?? 900_000),
    announceOutages: checkBoolean('announceOutages', options.announceOutages ?? false),
    serializer: checkSerializer(options.serializer),
    ...checkCompression(options.compress ?? false),
    encrypt: checkEncryption(options.encrypt),
    hashIds: typeof hash === 'object' || checkBoolean('hashIds', hash),
    readPlainUntil: typeof hash === 'object' ? checkDate(hash) : undefined,
    onUnreadable: oneOf('onUnreadable', options.onUnreadable ?? 'throw', ['throw', 'discard']),
  };
}

/**
 * The error for an option that cannot be used.
 *
 * @param name the option's name.
 * @param given what stands there; only its kind is shown when it could be a secret.
 * @param expected what may stand there, and what to do.
 */
export function invalidOption(name: string, given: unknown, expected: string): StoreError {
  return new StoreError('ERR_STORE_INVALID_OPTION', `The option ${name} is ${show(given)}. ${expected}`);
}

function show(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return String(value);
  if (typeof value === 'string') return `the string ${JSON.stringify(value.slice(0, 40))}`;
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

function refuseUnknown(options: SessionStoreOptions, ownNames: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new StoreError('ERR_STORE_INVALID_OPTION', `The options are ${show(options)}. Pass an object, or nothing for the defaults.`);
  }
  for (const name of Object.keys(options)) {
    if (name === 'ttl') throw new StoreError('ERR_STORE_INVALID_OPTION', TTL_HINT);
    if (!NAMES.has(name) && !ownNames.includes(name)) throw unknownOption(name, ownNames);
  }
}

const TTL_HINT =
  'There is no option called ttl, since some stores count it in seconds and some in milliseconds. Write ttlMs, in milliseconds: ttl: 3600 (seconds) becomes ttlMs: 3_600_000.';

function unknownOption(name: string, ownNames: readonly string[]): StoreError {
  const known = [...ownNames, ...NAMES].join(', ');
  return new StoreError('ERR_STORE_INVALID_OPTION', `There is no option called ${name}. The options are: ${known}.`);
}

function checkTtl(ttl: unknown): TtlOption {
  if (ttl === undefined) return DAY_MS;
  if (typeof ttl === 'function') return ttl as TtlOption;
  if (typeof ttl === 'number' && ttl > 0) return ttl;
  throw invalidOption('ttlMs', ttl, 'Pass a number of milliseconds above 0, Infinity, or a function of the session that returns one.');
}

/**
 * Checks a whole number of milliseconds.
 *
 * @throws StoreError ERR_STORE_INVALID_OPTION outside `min` to `max`.
 */
export function checkMs(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value;
  throw invalidOption(name, value, `Pass a number of milliseconds from ${min} to ${max}.`);
}

function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw invalidOption(name, value, 'Pass true or false.');
}

/** Checks that a value is one of a few words. */
export function oneOf<W extends string>(name: string, value: unknown, words: readonly W[]): W {
  if (words.includes(value as W)) return value as W;
  throw invalidOption(name, value, `Pass one of: ${words.map((word) => `'${word}'`).join(', ')}.`);
}

function checkConflicts(value: unknown): Settings['conflicts'] {
  if (typeof value === 'function') return value as ConflictResolver;
  if (value === 'merge' || value === 'overwrite' || value === 'reject') return value;
  throw invalidOption('conflicts', value, "Pass 'merge', 'overwrite', 'reject' or a function (base, mine, theirs) => session.");
}

function checkCircuit(value: SessionStoreOptions['circuit']): CircuitSettings | undefined {
  if (value === false) return undefined;
  if (value !== true && (typeof value !== 'object' || value === null)) {
    throw invalidOption('circuit', value, 'Pass true, false or { afterTimeouts, probeEveryMs }.');
  }
  const { afterTimeouts = 5, probeEveryMs = 500 } = value === true ? {} : value;
  return {
    afterTimeouts: checkBytes('circuit.afterTimeouts', afterTimeouts, 2),
    probeEveryMs: checkMs('circuit.probeEveryMs', probeEveryMs, 1, MAX_TIMER_MS),
  };
}

function checkPruning(value: unknown): number | false {
  return value === false ? false : checkMs('pruneEveryMs', value, 1, MAX_TIMER_MS);
}

function checkSerializer(value: unknown): Serializer | undefined {
  if (value === undefined) return undefined;
  const { stringify, parse } = (value ?? {}) as Partial<Serializer>;
  if (typeof stringify === 'function' && typeof parse === 'function') return value as Serializer;
  throw invalidOption('serializer', value, 'Pass an object with stringify(session) and parse(text), neither of them async.');
}

function checkCompression(value: SessionStoreOptions['compress']): Pick<CodecOptions, 'compress' | 'maxInflatedBytes'> {
  if (typeof value !== 'boolean' && (typeof value !== 'object' || value === null)) {
    throw invalidOption('compress', value, 'Pass true, false or { aboveBytes, maxInflatedBytes }.');
  }
  const { aboveBytes = 1024, maxInflatedBytes = 16 * 1024 * 1024 } = typeof value === 'object' ? value : {};
  return {
    compress: value === false ? undefined : { aboveBytes: checkBytes('compress.aboveBytes', aboveBytes, 0) },
    maxInflatedBytes: checkBytes('compress.maxInflatedBytes', maxInflatedBytes, 1),
  };
}

/** Checks a whole number of bytes, or of anything that is counted. */
export function checkBytes(name: string, value: unknown, min: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
  throw invalidOption(name, value, `Pass a whole number of at least ${min}.`);
}

function checkEncryption(value: SessionStoreOptions['encrypt']): CodecOptions['encrypt'] {
  if (value === undefined) return undefined;
  const { keys, acceptPlain = false } = (value ?? {}) as Partial<NonNullable<SessionStoreOptions['encrypt']>>;
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKey)) {
    const advice = "Make one with require('node:crypto').randomBytes(32), and keep it out of the code.";
    throw new StoreError(
      'ERR_STORE_INVALID_OPTION',
      `The option encrypt.keys needs at least one key of at least 32 bytes, each a string or a Buffer. ${advice}`,
    );
  }
  return { keys, acceptPlain: checkBoolean('encrypt.acceptPlain', acceptPlain) };
}

function isKey(key: unknown): boolean {
  return (typeof key === 'string' || Buffer.isBuffer(key)) && Buffer.byteLength(key) >= 32;
}

function checkDate({ readPlainUntil }: { readPlainUntil: Date | string }): number {
  const date = new Date(readPlainUntil);
  if (readPlainUntil !== undefined && readPlainUntil !== null && !Number.isNaN(date.getTime())) return date.getTime();
  throw invalidOption(
    'hashIds.readPlainUntil',
    readPlainUntil,
    "Pass the Date, or its text such as '2027-01-31', after which sessions stored before the switch are no longer looked for.",
  );
}
