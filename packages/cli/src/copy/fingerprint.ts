import { hash } from 'node:crypto';

/** How many bytes of a hash tell two texts of one session apart. */
export const FINGERPRINT_BYTES = 7;

/** What tells two versions of a session apart. */
export type Fingerprint = (payload: string) => Buffer;

/** Of the text as it is: for targets that keep it. */
export const ofText: Fingerprint = (payload) => hash('sha256', payload, 'buffer').subarray(0, FINGERPRINT_BYTES);

/**
 * Of what JSON says, in whatever order: for targets that write it in their own way (jsonb, documents) or move the date in a cookie.
 * That date does not count: when a session ends is compared by itself.
 */
export const ofMeaning: Fingerprint = (payload) => {
  const value = parsed(payload);
  return ofText(value === undefined ? payload : JSON.stringify(sorted(withoutDate(value))));
};

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}

function withoutDate(value: unknown): unknown {
  const cookie = isObject(value) ? value['cookie'] : undefined;
  if (!isObject(value) || !isObject(cookie) || typeof cookie['expires'] !== 'string') return value;
  return { ...value, cookie: { ...cookie, expires: '' } };
}

/** In which an object is the list of its entries, under a key, so that it is not taken for a list. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, child]): [string, unknown] => [key, sorted(child)]);
  return { entries: entries.sort(([one], [two]) => (one < two ? -1 : 1)) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
