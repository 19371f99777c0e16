import { StoreError, type StoreErrorCode } from '@sessile/core';

interface MongoError {
  name?: unknown;
  code?: unknown;
  message?: unknown;
}

type Known = readonly [pattern: RegExp, code: StoreErrorCode, text: string];

const TOO_LARGE =
  'A document holds 16 MiB. To save a loaded session, what was stored and what is to be stored must fit into that together.';

/** By the name of the client's error, or by the server's code. */
const KNOWN: readonly Known[] = [
  [
    /^(MongoServerSelectionError|MongoNetworkError|(Mongo)?PoolCleared\w*|MongoPoolClosedError|MongoTopologyClosedError|MongoNotConnectedError|MongoClientClosedError|MongoServerClosedError)$/,
    'ERR_STORE_UNAVAILABLE',
    'MongoDB cannot be reached, or the connection to it was lost.',
  ],
  [
    /^(6|7|91|189|9001|10058|10107|11600|11602|13435|13436)$/,
    'ERR_STORE_UNAVAILABLE',
    'MongoDB cannot serve now: there is no primary, or it is starting or stopping.',
  ],
  [
    /^(MongoNetworkTimeoutError|MongoOperationTimeoutError|MongoWaitQueueTimeoutError|AbortError|TimeoutError|50|64|89|262|202)$/,
    'ERR_STORE_TIMEOUT',
    'MongoDB did not answer, or did not write as far as the write concern asks, in time.',
  ],
  [/^(13|18|8000)$/, 'ERR_STORE_DENIED', 'MongoDB refused the user. Check the password, and the rights on the collection.'],
  [/^(10334|17419|17420|285999133|ERR_OUT_OF_RANGE)$/, 'ERR_STORE_PAYLOAD_TOO_LARGE', TOO_LARGE],
  [
    /^15$/,
    'ERR_STORE_ENCODE',
    'MongoDB does not take documents that are nested as deeply. With stringify: true any session can be stored.',
  ],
  [/^(112|11000|16908292)$/, 'ERR_STORE_CONFLICT', 'Other writers were in the way, more than once.'],
  [/^(73|166)$/, 'ERR_STORE_SCHEMA', 'The collection cannot hold sessions: its name is not allowed, or it is a view.'],
];

/** A failure as the store tells it. What is not known here, core names. */
export function known(error: unknown): unknown {
  if (StoreError.isInstance(error)) return error;
  const { name, code, message } = (error ?? {}) as MongoError;
  if (/larger than the maximum size/.test(String(message))) return new StoreError('ERR_STORE_PAYLOAD_TOO_LARGE', TOO_LARGE);
  // The server's code says more than the name of the client's error.
  const found = KNOWN.find(([pattern]) => pattern.test(String(code))) ?? KNOWN.find(([pattern]) => pattern.test(String(name)));
  return found === undefined ? error : new StoreError(found[1], found[2], { cause: error });
}

/** Certainly not done, and may succeed now: a deadlock, a race of two upserts, another primary, a connection that was never had. */
const UNDONE = /^(112|10058|10107|11000|13435|16908292|MongoPoolClearedError)$/;
/** FerretDB 2.7 says so of an upsert that meets another one or a removal, and of the next try no more. */
const FERRET_RACE = /\$\$NOW operator cannot be used/;
/** Answered by a server that steps down or stops: done or not. */
const INTERRUPTED = /^(91|189|11600|11602)$/;

/** @param mayRepeat whether it does no harm to do it twice. */
export function isPassing(error: unknown, mayRepeat: boolean): boolean {
  const { name, code, message } = (error ?? {}) as MongoError;
  if (FERRET_RACE.test(String(message))) return true;
  const told = [String(code), String(name)];
  return told.some((word) => UNDONE.test(word) || (mayRepeat && INTERRUPTED.test(word)));
}

/** The client looked for a server, and found none. */
export function isAway(error: unknown): boolean {
  return (error as MongoError | undefined)?.name === 'MongoServerSelectionError';
}

/** The server understood a command and does not know it: no outage, no refused user, and nothing else that has a name here. */
export function isRefusal(error: unknown): boolean {
  return (error as MongoError | undefined)?.name === 'MongoServerError' && known(error) === error;
}
