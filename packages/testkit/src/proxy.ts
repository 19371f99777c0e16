import { type AddressInfo, createServer, type Server } from 'node:net';
import { DeadEnd, type Faults, type Line, type Network, Pair } from './network.js';
import { newSeed, Random } from './random.js';

/** Stands between a client and a server, and makes the network fail. */
export interface Proxy {
  /** The server's URL, with the proxy's address in place of the server's. */
  readonly url: string;
  /** What its faults happen by. */
  readonly seed: number;
  /** How many connections are open. */
  readonly connections: number;
  /** Ends every connection, and refuses new ones. */
  refuse(): Promise<void>;
  /** Lets connections stand and be made, and passes nothing on, in either direction. */
  stall(): void;
  /** Ends every connection, and takes new ones. */
  drop(): void;
  /** Faults from now on, in place of those before. */
  impair(faults: Faults): void;
  /** Passes on again without a fault, what waited as well. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A proxy of its own on a free port.
 *
 * @param url of the server: `redis://127.0.0.1:6379`
 * @param options.seed by which faults happen; default: `SESSILE_SEED`, else another one each time.
 */
export async function proxyTo(url: string, options: { seed?: number } = {}): Promise<Proxy> {
  const { hostname, port } = new URL(url);
  const lines = new Set<Line>();
  const seed = options.seed ?? newSeed();
  const network: Network = { faults: {}, isStalled: false, random: new Random(seed) };
  const server = createServer((client) => {
    if (network.random.chance(network.faults.refuseShare ?? 0)) {
      client.resetAndDestroy();
      return;
    }
    const isSilent = network.random.chance(network.faults.silentShare ?? 0);
    const line = isSilent ? new DeadEnd(client) : new Pair(client, { host: hostname, port: Number(port) }, network);
    lines.add(line);
    client.on('close', () => lines.delete(line));
  });
  const own = await listen(server, 0);
  const drop = () => {
    for (const line of lines) line.end();
  };
  return {
    url: url.replace(`${hostname}:${port}`, `127.0.0.1:${own}`),
    seed,
    get connections() {
      return lines.size;
    },
    async refuse() {
      const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined;
      drop();
      await closed;
    },
    stall() {
      network.isStalled = true;
      for (const line of lines) line.stall();
    },
    drop,
    impair(faults) {
      network.faults = faults;
    },
    async restore() {
      network.isStalled = false;
      network.faults = {};
      for (const line of lines) line.resume();
      if (!server.listening) await listen(server, own);
    },
    async close() {
      drop();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
