import { randomBytes } from 'node:crypto';
import { startServer } from './start.js';
import type { BackendName, OwnServer, Skipped } from './types.js';

export { assertFleet, assertHandover, assertMove, type Move, type Side } from './fleet.js';
export { Client, serve } from './http.js';
export { blocksOf, codeOf } from './pages.js';
export { proxyTo, type Proxy } from './proxy.js';
export { expressSite, koaGenericSite, koaSite, type Site } from './sites.js';
export { backend, serveBackends, stopAll } from './shared.js';
export type { Backend, BackendName, OwnServer, Skipped } from './types.js';

/**
 * A server for one test, which it may freeze, kill and start again. Stop it at the end.
 *
 * @param options.args further arguments of the server, as on its command line.
 */
export function ownServer(name: BackendName, options: { args?: readonly string[] } = {}): Promise<OwnServer | Skipped> {
  return startServer(name, options.args);
}

/** A word that no other test of this or another run uses: for prefixes and names of tables. Letters and digits only. */
export function namespace(): string {
  return `t${randomBytes(6).toString('hex')}`;
}
export { writeAmongOthers } from './writers.js';
