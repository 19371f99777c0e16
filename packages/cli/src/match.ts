import { peek } from '@sessile/core/stored';
import { UsageError } from './errors.js';

/** A path into a session's data, and the value that must stand there. */
interface Condition {
  readonly path: readonly string[];
  readonly value: string;
}

/** Whether a session is meant; undefined where its data cannot be looked into. */
export type Match = (payload: string) => boolean | undefined;

/**
 * What `--match` asks for: `user.id=42`, all of several.
 *
 * @param texts `PATH=VALUE`; a dot in a key is written `\.`.
 * @returns undefined where nothing is asked for.
 * @throws UsageError
 */
export function matchOf(texts: readonly string[]): Match | undefined {
  if (texts.length === 0) return undefined;
  const conditions = texts.map(conditionOf);
  return (payload) => {
    const seen = peek(payload);
    if (!('session' in seen)) return undefined;
    return conditions.every(({ path, value }) => holds(seen.session, path, value));
  };
}

function conditionOf(text: string): Condition {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError('--match takes PATH=VALUE, such as --match user.id=42.');
  const path = text
    .slice(0, at)
    .split(/(?<!\\)\./)
    .map((key) => key.replaceAll('\\.', '.'));
  return { path, value: text.slice(at + 1) };
}

/** In an array any of its elements will do. */
function holds(at: unknown, [key, ...rest]: readonly string[], value: string): boolean {
  if (Array.isArray(at)) {
    const path = key === undefined ? [] : [key, ...rest];
    return (
      at.some((element) => holds(element, path, value)) ||
      (key !== undefined && Object.hasOwn(at, key) && holds(at[Number(key)], rest, value))
    );
  }
  if (key === undefined) return (typeof at !== 'object' || at === null) && String(at) === value;
  return typeof at === 'object' && at !== null && Object.hasOwn(at, key) && holds((at as Record<string, unknown>)[key], rest, value);
}
