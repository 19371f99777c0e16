import { createHash } from 'node:crypto';

const REF = /^ref:[0-9a-f]{12}$/;

/** What stands for a stored id where it must not be seen: the beginning of its SHA-256. Commands take it in place of an id. */
export function refOf(id: string): string {
  return `ref:${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}

/** Whether a word of a command is a ref. */
export function isRef(word: string): boolean {
  return REF.test(word);
}
