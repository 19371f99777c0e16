import { StoreError } from '@sessile/core';

/** What the field `session` holds: a text of JSON, or a document. It is the token too. */
export type Value = string | number | boolean | object | null | undefined;

/** Stands for data that only connect-mongo's `crypto` can read: core says so of an envelope whose key it has not. */
const FOREIGN_CIPHER = '{"$sessile":1,"k":"connect-mongo crypto","d":""}';
/** kruptein's JSON, and base64 or hex of connect-mongo's Web Crypto adapter. */
const CIPHER = /^(?:\{"hmac":"[^"]*","ct":"|[A-Za-z0-9+/_-]{28,}={0,2}$)/;
/** In JSON: NUL, a lone surrogate, or bson's own mark; they may also be plain letters behind a backslash. */
const AWKWARD = /\\u(?:0000|d[89a-f])|_bsontype/i;
const MARK = '"_bsontype"';

/** The payload of core, whichever way it was stored. What is no session at all stays as it is: core refuses it. */
export function payloadOf(value: Value): string {
  if (typeof value === 'string') return CIPHER.test(value) ? FOREIGN_CIPHER : value;
  return JSON.stringify(value) ?? 'null';
}

/** What names a stored value to `replace`. An object is sent back as the client read it. */
export function tokenOf(value: Value, payload: string): Value {
  return typeof value === 'object' && payload.includes(MARK) ? sendable(value) : value;
}

/**
 * A payload as it is stored.
 *
 * @throws StoreError ERR_STORE_ENCODE where UTF-8 or a document cannot hold it.
 */
export function valueOf(payload: string, stringify: boolean): Value {
  if (!isWellFormed(payload)) throw unsendable('a lone surrogate');
  if (stringify) return payload;
  const value = JSON.parse(payload) as Value;
  return AWKWARD.test(payload) ? sendable(value) : value;
}

/**
 * As Maps, which the client takes for documents whatever their keys are: of an object it takes `_bsontype` for its own mark.
 */
function sendable(value: Value): Value {
  if (typeof value === 'string') return sendableText(value);
  if (Array.isArray(value)) return (value as Value[]).map(sendable);
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  return new Map(Object.entries(value).map(([key, child]) => [sendableKey(key), sendable(child as Value)]));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function sendableKey(key: string): string {
  if (key.includes('\0')) throw unsendable('NUL in a key');
  return sendableText(key);
}

function sendableText(text: string): string {
  if (!isWellFormed(text)) throw unsendable('a lone surrogate');
  return text;
}

function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

function unsendable(what: string): StoreError {
  const advice = 'With stringify: true any session can be stored. What was stored before is unchanged.';
  return new StoreError('ERR_STORE_ENCODE', `The session holds ${what}, which a document of MongoDB cannot. ${advice}`);
}
