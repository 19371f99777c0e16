import type { StoredSessions } from '@sessile/core/stored';
import { answer, type Context, placeIn, sayUnreadable, totalOf, watched, withStore } from '../context.js';
import { EXIT } from '../errors.js';
import { sessions as inWords } from '../format.js';
import { matchOf } from '../match.js';
import { findIds } from './find.js';

/** What became of the sessions that were named. */
interface Revoked {
  revoked: number;
  /** Named, and not there. */
  missing: number;
  /** Encrypted, or not JSON: `--match` could not look into them. */
  unreadable: number;
}

/** `sessile revoke URL ID...`, `sessile revoke URL --match …` */
export function revoke(context: Context): Promise<number> {
  const { request, progress } = context;
  const [url, ...words] = request.words;
  return withStore(context, placeIn(context, url), request.dryRun ? 'read' : 'change', async ({ sessions }) => {
    progress.begin('revoking', words.length === 0 ? await totalOf(context, sessions) : undefined);
    const result = words.length === 0 ? await byMatch(context, sessions) : await byId(context, sessions, words);
    progress.end();
    const { revoked, missing, unreadable } = result;
    sayUnreadable(context, unreadable);
    const text = `${request.dryRun ? 'Would revoke' : 'Revoked'} ${inWords(revoked)}.${missing === 0 ? '' : ` Not there: ${missing}.`}`;
    await answer(context, { ...result, dryRun: request.dryRun }, text);
    return missing === 0 ? EXIT.ok : EXIT.notFound;
  });
}

async function byId(context: Context, sessions: StoredSessions, words: readonly string[]): Promise<Revoked> {
  const ids = await findIds(context, sessions, words);
  const there = [...new Set(ids.filter((id) => id !== undefined))];
  return { revoked: await removed(context, sessions, there), missing: ids.filter((id) => id === undefined).length, unreadable: 0 };
}

async function byMatch(context: Context, sessions: StoredSessions): Promise<Revoked> {
  const match = matchOf(context.request.match);
  const result: Revoked = { revoked: 0, missing: 0, unreadable: 0 };
  for await (const page of watched(context, sessions.pages())) {
    const answers = page.map(({ payload }) => match?.(payload));
    result.unreadable += answers.filter((answer) => answer === undefined).length;
    const meant = page.filter((_, at) => answers[at] === true).map(({ id }) => id);
    result.revoked += await removed(context, sessions, meant);
  }
  return result;
}

/** @returns how many were there. */
async function removed({ request }: Context, sessions: StoredSessions, ids: readonly string[]): Promise<number> {
  if (request.dryRun || ids.length === 0) return ids.length;
  return (await sessions.remove(ids)).filter(Boolean).length;
}
