import type { SessionData } from '@sessile/core';

/** Letters of one to four bytes, and what protocols and clients end their lines with. */
const WORDS = ['ann', 'é', '€', '😀', '\r\n', '"', '\\u0000', '$1', 'END\r\n', '{}'];

/** A text that belongs to this session id and to no other, of some hundred bytes, now and then of some thousand. */
function textOf(sid: string): string {
  let hash = 7;
  for (const letter of sid) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  const words = hash % 8 === 0 ? 600 : 30;
  return `${sid} ${Array.from({ length: words }, (_, n) => WORDS[(hash + n * n) % WORDS.length]).join(' ')} ${sid}`;
}

/** A session that tells whose it is. */
export function sessionOf(sid: string, more: SessionData = {}): SessionData {
  return { sid, text: textOf(sid), ...more };
}

/** Whether this is the session of that id, whole. */
export function isOf(sid: string, session: SessionData): boolean {
  return session['sid'] === sid && session['text'] === textOf(sid);
}
