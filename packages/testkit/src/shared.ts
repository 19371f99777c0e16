import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RECIPES } from './recipes.js';
import { startServer } from './start.js';
import type { Backend, BackendName, OwnServer, Skipped } from './types.js';

/** Where the tests of one run, each in a process of its own, find the servers that they share. */
const VARIABLE = 'SESSILE_TESTKIT_URL';

const started = new Map<BackendName, Promise<OwnServer | Skipped>>();

/** One server per name and process. */
function shared(name: BackendName): Promise<OwnServer | Skipped> {
  let server = started.get(name);
  if (server === undefined) started.set(name, (server = startServer(name)));
  return server;
}

/**
 * A server that all tests of a run share: give each test a {@link namespace} of its own. Looked for in this order: a URL in the
 * environment (`SESSILE_REDIS_URL`, ...); a container; a program of this machine. Else `skip` says why there is none.
 *
 * @throws Error where `SESSILE_REQUIRE` names it and there is none.
 */
export async function backend(name: BackendName): Promise<Backend | Skipped> {
  const url = process.env[RECIPES[name].variable];
  if (url !== undefined) return { url, urls: url.split(','), from: RECIPES[name].variable };
  const service = process.env[VARIABLE];
  return service === undefined ? described(await shared(name)) : await askedFor(service, name);
}

function described(server: OwnServer | Skipped): Backend | Skipped {
  if (server.skip !== undefined) return server;
  const { url, urls, from } = server;
  return { url, urls, from };
}

async function askedFor(service: string, name: BackendName): Promise<Backend | Skipped> {
  const response = await fetch(`${service}/${name}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Backend | Skipped;
}

/** Stops what {@link backend} started in this process. */
export async function stopAll(): Promise<void> {
  const servers = await Promise.allSettled(started.values());
  started.clear();
  const running = servers.flatMap((server) => (server.status === 'fulfilled' && server.value.skip === undefined ? [server.value] : []));
  await Promise.all(running.map((server) => server.stop()));
}

/**
 * Lets the processes of one test run share servers, which start when they are first asked for and stop at the end. For the
 * global setup of a test runner.
 *
 * @returns what to call at the end; it tells which servers were used.
 */
export async function serveBackends(): Promise<() => Promise<string[]>> {
  const service = createServer((request, response) => {
    const name = (request.url ?? '').slice(1) as BackendName;
    shared(name).then(
      (server) => response.end(JSON.stringify(described(server))),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  process.env[VARIABLE] = await listening(service);
  return async () => {
    const used = await Promise.all([...started].map(async ([name, server]) => `${name}: ${title(await server)}`));
    delete process.env[VARIABLE];
    service.close();
    service.closeAllConnections();
    await stopAll();
    return used;
  };
}

function title(server: OwnServer | Skipped): string {
  return server.skip ?? server.from;
}

function listening(service: Server): Promise<string> {
  return new Promise((resolve) => {
    service.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(service.address() as AddressInfo).port}`));
  });
}
