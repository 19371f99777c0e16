/** Libraries without declarations of their own. */
declare module 'better-sqlite3-session-store' {
  import type session from 'express-session';

  export default function sqliteStore(library: typeof session): new (options: object) => unknown;
}
