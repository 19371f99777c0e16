import { peek, type FoundSession } from '@sessile/core/stored';
import { clean, duration, moment } from './format.js';
import { refOf } from './ref.js';

/** A session as `ls` tells it; `id` where ids may be shown. */
export interface Described {
  readonly ref: string;
  readonly id?: string;
  readonly lifetime: 'limited' | 'never' | 'unknown';
  /** ISO 8601; null where it never ends, or nobody knows. */
  readonly expiresAt: string | null;
  readonly bytes: number;
  /** How the data is stored: `other` is neither JSON nor ours. */
  readonly form: 'plain' | 'packed' | 'encrypted' | 'other';
  /** Of the data at its top; null where it cannot be looked into. */
  readonly keys: readonly string[] | null;
}

const LAST_DATE_MS = 8.64e15;

/** What may be shown of a session. */
export function describe({ id, payload, expiresAt }: FoundSession, showIds: boolean): Described {
  const seen = peek(payload);
  const isLimited = expiresAt !== undefined && expiresAt <= LAST_DATE_MS;
  return {
    ref: refOf(id),
    ...(showIds && { id }),
    lifetime: expiresAt === undefined ? 'unknown' : isLimited ? 'limited' : 'never',
    expiresAt: isLimited ? new Date(expiresAt).toISOString() : null,
    bytes: Buffer.byteLength(payload),
    form: seen.form,
    keys: 'session' in seen ? Object.keys(seen.session) : null,
  };
}

/** When it ends, in two columns: the moment (UTC), and what is left. */
export function endOf({ lifetime, expiresAt }: Described): [when: string, left: string] {
  if (expiresAt === null) return [lifetime, ''];
  const end = Date.parse(expiresAt);
  return [moment(end), duration(Math.max(end - Date.now(), 0))];
}

/** The keys of the data, or why there are none. */
export function keysOf({ form, keys }: Described): string {
  if (keys !== null) return keys.map(clean).join(' ');
  return form === 'encrypted' ? '(encrypted)' : '(not JSON)';
}
