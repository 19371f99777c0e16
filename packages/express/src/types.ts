import type { Cookie, Session } from '@sessile/core';

/**
 * What an app keeps in its sessions. Tell it once, and `req.session` knows it everywhere:
 *
 * ```ts
 * declare module '@sessile/express' {
 *   interface SessionData {
 *     user: string;
 *   }
 * }
 * ```
 */
export interface SessionData {
  cookie: Cookie;
}

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- where Express's own types want it
  namespace Express {
    interface Request {
      /** The session. Undefined where the request is served without one: another path, a store that is away. */
      session: Session & Partial<SessionData>;
      /** The session's id. */
      sessionID: string;
      // oxlint-disable-next-line typescript/no-explicit-any -- any store for express-session
      sessionStore: any;
    }
  }
}
