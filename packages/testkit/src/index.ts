import { randomBytes } from 'node:crypto';
import { startServer } from './start.js';
import type { BackendName, OwnServer, ServerOptions, Skipped } from './types.js';

export { assertFleet, assertHandover, assertMove, type Move, type Side } from './fleet.js';
export { type Answer, Client, type Cookie, serve } from './http.js';
export { assertLogin, type LoginSite } from './login.js';
export type { Faults } from './network.js';
export { blocksOf, codeOf } from './pages.js';
export { freePorts } from './ports.js';
export { type Program, startProgram } from './programs.js';
export { proxyTo, type Proxy } from './proxy.js';
export { newSeed, Random } from './random.js';
export { expressSite, koaGenericSite, koaSite, type Site } from './sites.js';
export { backend, serveBackends, stopAll } from './shared.js';
export type { Backend, BackendName, OwnServer, ServerOptions, Skipped } from './types.js';

/**
 * A server for one test, which it may freeze, kill and start again. Stop it at the end.
 *
 * @param options.args further arguments of the server, as on its command line.
 * @param options.diskMb its data lie on a disk of so many MB, which can be filled. In a container only; lost by `kill`.
 */
export function ownServer(name: BackendName, options: ServerOptions = {}): Promise<OwnServer | Skipped> {
  return startServer(name, options);
}

/** A word that no other test of this or another run uses: for prefixes and names of tables. Letters and digits only. */
export function namespace(): string {
  return `t${randomBytes(6).toString('hex')}`;
}
export { writeAmongOthers } from './writers.js';
