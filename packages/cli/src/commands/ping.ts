import { answer, type Context, placeIn, withStore } from '../context.js';

/** `sessile ping URL` */
export function ping(context: Context): Promise<number> {
  return withStore(context, placeIn(context, context.request.words[0]), 'read', async ({ sessions, place }) => {
    // The first one connects.
    await sessions.ping();
    const started = performance.now();
    await sessions.ping();
    const ms = Math.round((performance.now() - started) * 10) / 10;
    return answer(context, { ok: true, store: place.label, ms }, `${place.label} answers in ${ms} ms.`);
  });
}
