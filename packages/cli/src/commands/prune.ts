import { answer, type Context, placeIn, withStore } from '../context.js';
import { sessions as inWords } from '../format.js';

/** `sessile prune URL` */
export function prune(context: Context): Promise<number> {
  const { request, progress } = context;
  return withStore(context, placeIn(context, request.words[0]), 'change', async ({ sessions, place }) => {
    progress.begin('pruning');
    const pruned = await sessions.prune();
    progress.end();
    // Asked all the same: a store that cannot be reached has not been looked after.
    if (pruned === undefined) await sessions.ping();
    const text =
      pruned === undefined
        ? `Nothing to do: ${place.kind} removes expired sessions by itself.`
        : `Removed ${inWords(pruned)} that had expired.`;
    return answer(context, { pruned: pruned ?? 0, byItself: pruned === undefined }, text);
  });
}
