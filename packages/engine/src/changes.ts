/**
 * The text of a session's data, without its top-level `cookie`.
 *
 * @returns undefined where it cannot be serialized: circular, a BigInt.
 */
export function dataText(session: object): string | undefined {
  if (isEmpty(session)) return '{}';
  const { cookie: _, ...data } = session as { cookie?: unknown };
  try {
    return JSON.stringify(data);
  } catch {
    return undefined;
  }
}

function isEmpty(session: object): boolean {
  for (const key in session) if (key !== 'cookie') return false;
  return true;
}

/** What `JSON.stringify` would have written otherwise: escapes, numbers, and keys that are whole numbers, which it puts first. */
const FOREIGN = /\\[/u]|"\d+":|[:,[](?:-0[,}\]]|-?\d+(?:\.\d*0[,}\]]|(?:\.\d+)?[eE]))/;

/** Whether a text may be JSON of other software, and other than `JSON.stringify` would write it. */
export function isForeign(text: string): boolean {
  return FOREIGN.test(text);
}

const COOKIE = '{"cookie":';

/**
 * The part of a stored text that is data: what {@link dataText} gives of the session in it, when that text was written by
 * `JSON.stringify` with the cookie in front.
 *
 * @param text the whole of it.
 * @param cookie the cookie that was parsed from it, as it stood there.
 * @returns undefined where the text has another form.
 */
export function dataPart(text: string, cookie: unknown): string | undefined {
  const head = COOKIE + JSON.stringify(cookie);
  if (!text.startsWith(head)) return undefined;
  const next = text[head.length];
  if (next === '}') return text.length === head.length + 1 ? '{}' : undefined;
  return next === ',' ? `{${text.slice(head.length + 1)}` : undefined;
}

/** Which fields of a cookie an app changes by hand; its date moves by itself. */
const FIELDS = [
  'originalMaxAge',
  'path',
  'domain',
  'httpOnly',
  'secure',
  'sameSite',
  'partitioned',
  'priority',
  'createdAt',
  'rotatedAt',
] as const;

type CookieFields = Partial<Record<(typeof FIELDS)[number], unknown>>;

/** Stock express-session wears `originalMaxAge` down by a millisecond now and then. */
const DRIFT_MS = 50;

/** Whether two cookies differ in more than their date. */
export function cookiesDiffer(before: CookieFields, now: CookieFields): boolean {
  return FIELDS.some((field) => {
    const a = before[field] ?? undefined;
    const b = now[field] ?? undefined;
    if (a === b) return false;
    return !(field === 'originalMaxAge' && typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) < DRIFT_MS);
  });
}
