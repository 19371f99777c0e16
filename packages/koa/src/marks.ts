import type { MarkPlace } from '@sessile/engine';

/** Rotation's notes as fields beside koa-session's own: what begins with `_` is no data. */
export const FIELDS: MarkPlace = {
  read: (session) => ({
    rotatedAt: session['_rotatedAt'],
    rotatedTo: session['_rotatedTo'],
    rotatedUntil: session['_rotatedUntil'],
  }),
  write(session, marks, endsAt) {
    for (const [name, value] of Object.entries(marks)) session[`_${name}`] = value as unknown;
    if (endsAt === undefined) return;
    session['_expire'] = endsAt;
    session['_maxAge'] = endsAt - Date.now();
  },
  isData: (key) => !key.startsWith('_'),
};
