import { type FoundSession, storedIdsOf, type StoredSessions } from '@sessile/core/stored';
import { type Context, watched } from '../context.js';
import { NotFound, UsageError } from '../errors.js';
import { isRef, refOf } from '../ref.js';

/**
 * The stored ids of live sessions that words of a command name: each a session id, a stored id or a ref.
 *
 * @returns by word; undefined where there is none.
 * @throws UsageError where a ref names several sessions.
 */
export async function findIds(context: Context, sessions: StoredSessions, words: readonly string[]): Promise<(string | undefined)[]> {
  const refs = new Set(words.filter(isRef));
  const byRef = refs.size === 0 ? new Map<string, string>() : await resolveRefs(context, sessions, refs);
  return Promise.all(words.map(async (word) => (isRef(word) ? byRef.get(word) : (await findSession(sessions, word))?.id)));
}

/** In one walk through all ids. */
async function resolveRefs(context: Context, sessions: StoredSessions, refs: ReadonlySet<string>): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const page of watched(context, sessions.ids())) {
    for (const id of page) {
      const ref = refOf(id);
      if (!refs.has(ref)) continue;
      if ((found.get(ref) ?? id) !== id)
        throw new UsageError(`${ref} names several sessions. Take a stored id: sessile ls URL --show-ids.`);
      found.set(ref, id);
    }
  }
  return found;
}

/** Under its id, or under the hash of it (`hashIds`). */
async function findSession(sessions: StoredSessions, word: string): Promise<FoundSession | undefined> {
  if (word === '' || Buffer.byteLength(word) > 1024) throw new UsageError('A session id has 1 to 1,024 bytes.');
  const found = await sessions.read(storedIdsOf(word));
  return found.find((session) => session !== null) ?? undefined;
}

/** @throws NotFound */
export async function findOne(context: Context, sessions: StoredSessions, word: string): Promise<FoundSession> {
  const [id] = await findIds(context, sessions, [word]);
  const [session] = id === undefined ? [] : await sessions.read([id]);
  if (!session) throw new NotFound('There is no such live session.');
  return session;
}
