import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Stands between a client and a server, and makes the network fail. */
export interface Proxy {
  /** The server's URL, with the proxy's address in place of the server's. */
  readonly url: string;
  /** Ends every connection, and refuses new ones. */
  refuse(): Promise<void>;
  /** Lets connections stand and be made, and passes nothing on, in either direction. */
  stall(): void;
  /** Ends every connection, and takes new ones. */
  drop(): void;
  /** Passes on again, what waited as well. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

class Pair {
  readonly #client: Socket;
  readonly #server: Socket;

  constructor(client: Socket, target: { host: string; port: number }, isStalled: boolean) {
    this.#client = client;
    this.#server = connect(target);
    for (const [from, to] of this.#ways()) {
      from.on('data', (chunk) => void to.write(chunk));
      from.on('error', () => this.end());
      from.on('close', () => this.end());
    }
    if (isStalled) this.stall();
  }

  #ways(): readonly (readonly [Socket, Socket])[] {
    return [
      [this.#client, this.#server],
      [this.#server, this.#client],
    ];
  }

  stall(): void {
    for (const [from] of this.#ways()) from.pause();
  }

  resume(): void {
    for (const [from] of this.#ways()) from.resume();
  }

  end(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}

/** A proxy of its own on a free port. @param url of the server: `redis://127.0.0.1:6379` */
export async function proxyTo(url: string): Promise<Proxy> {
  const { hostname, port } = new URL(url);
  const pairs = new Set<Pair>();
  let isStalled = false;
  const server = createServer((client) => {
    const pair = new Pair(client, { host: hostname, port: Number(port) }, isStalled);
    pairs.add(pair);
    client.on('close', () => pairs.delete(pair));
  });
  const own = await listen(server, 0);
  const drop = () => {
    for (const pair of pairs) pair.end();
  };
  return {
    url: url.replace(`${hostname}:${port}`, `127.0.0.1:${own}`),
    async refuse() {
      const closed = new Promise((resolve) => server.close(resolve));
      drop();
      await closed;
    },
    stall() {
      isStalled = true;
      for (const pair of pairs) pair.stall();
    },
    drop,
    async restore() {
      isStalled = false;
      for (const pair of pairs) pair.resume();
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
