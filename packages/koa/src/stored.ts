/** How much longer a store keeps a session than its cookie lives, as in koa-session: the cookie ends first. */
export const MARGIN_MS = 10_000;

/** What the end of a stored text tells: koa-session's own fields stand there. */
export interface Life {
  /** Ms since the epoch; undefined: as long as the browser. */
  expire: number | undefined;
  maxAge: number | undefined;
  /** The text of the data alone, as `JSON.stringify` writes it. */
  data: string;
}

const SESSION_TAIL = '"_session":true}';
const TAIL = /^"_expire":(\d+),"_maxAge":(\d+)\}$/;

/** @returns undefined where the text has another form: it has to be parsed. */
export function lifeOf(text: string): Life | undefined {
  if (text.endsWith(SESSION_TAIL)) return lifeBefore(text, text.length - SESSION_TAIL.length);
  const start = text.lastIndexOf('"_expire":');
  const tail = start < 0 ? null : TAIL.exec(text.slice(start));
  return tail === null ? undefined : lifeBefore(text, start, Number(tail[1]), Number(tail[2]));
}

/** @param at where the fields begin that are not data. */
function lifeBefore(text: string, at: number, expire?: number, maxAge?: number): Life | undefined {
  if (at === 1) return { expire, maxAge, data: '{}' };
  return text[at - 1] === ',' ? { expire, maxAge, data: `${text.slice(0, at - 1)}}` } : undefined;
}

/**
 * When a session ends. A touch moves the end in the store and leaves `_expire` behind: so far as the store's end can come of such
 * a touch, it counts.
 *
 * @param expire of the stored session, ms since the epoch.
 * @param storeEnd when the store will drop it; undefined where nobody knows.
 * @see mayTouch
 */
export function endOf(expire: number, maxAge: number, storeEnd: number | undefined): number {
  const end = (storeEnd ?? 0) - MARGIN_MS;
  return end > expire && end <= expire + maxAge / 2 + 1000 ? end : expire;
}

/** Whether a touch will do to begin a lifetime anew: other software, which knows `_expire` alone, still finds half of one. */
export function mayTouch(expire: number, maxAge: number): boolean {
  return expire - Date.now() >= maxAge / 2;
}

/** A text with koa-session's fields at its end. */
export function withFields(text: string, fields: object): string {
  const added = JSON.stringify(fields);
  return text === '{}' ? added : `${text.slice(0, -1)},${added.slice(1)}`;
}
