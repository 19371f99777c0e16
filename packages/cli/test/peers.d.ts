declare module 'better-sqlite3-session-store' {
  import type { Database } from 'better-sqlite3';
  import type session from 'express-session';
  /** Makes its class of express-session's. */
  export default function sqliteStore(express: typeof session): new (options: { client: Database; expired?: object }) => session.Store;
}
