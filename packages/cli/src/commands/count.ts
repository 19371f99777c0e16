import type { StoredSessions } from '@sessile/core/stored';
import { answer, type Context, placeIn, sayUnreadable, totalOf, watched, withStore } from '../context.js';
import { type Match, matchOf } from '../match.js';

/** `sessile count URL` */
export function count(context: Context): Promise<number> {
  const { request, progress } = context;
  const match = matchOf(request.match);
  return withStore(context, placeIn(context, request.words[0]), 'read', async ({ sessions }) => {
    progress.begin('counting', match && (await totalOf(context, sessions)));
    const { found, unreadable } =
      match === undefined ? { found: await sessions.count(), unreadable: 0 } : await matching(context, sessions, match);
    progress.end();
    sayUnreadable(context, unreadable);
    return answer(context, { count: found, unreadable }, String(found));
  });
}

async function matching(context: Context, sessions: StoredSessions, match: Match): Promise<{ found: number; unreadable: number }> {
  let found = 0;
  let unreadable = 0;
  for await (const page of watched(context, sessions.pages())) {
    const answers = page.map(({ payload }) => match(payload));
    found += answers.filter((answer) => answer === true).length;
    unreadable += answers.filter((answer) => answer === undefined).length;
  }
  return { found, unreadable };
}
