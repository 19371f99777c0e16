import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { StoreError } from '@sessile/core';
import { Link } from './link.js';

/** Where the servers are: `host:port`, `memcached://host:port`, a socket's path, several of them, or weights by server. */
export type Hosts = string | readonly string[] | Readonly<Record<string, number>>;

/** The part of a client of the package memcached that is used here. */
export interface MemcachedClient {
  readonly servers: readonly string[];
  readonly HashRing: { get(key: string): string | undefined };
  readonly namespace?: string;
  connect(server: string, callback: (error: unknown, socket?: Socket | false) => void): void;
  end(): void;
}

type Constructor = new (hosts: Hosts, options: object) => MemcachedClient & { connectionIssue: () => void };

/**
 * The servers, by the package memcached: which of them has a key is its hash ring's affair, and connections come from its pools.
 * What goes over them is read here, since the package's parser throws where nobody can catch it when a stored value is spoilt,
 * and forgets the calls of a lost connection.
 */
export class Servers {
  readonly #timeoutMs: number;
  readonly #routing: () => MemcachedClient;
  #connecting: MemcachedClient | undefined;
  readonly #links = new Map<string, Promise<Link>>();
  readonly #down = new Set<string>();
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  report: (state: 'up' | 'down', cause?: unknown) => void = () => undefined;

  /** @param from the servers, or a client of the caller's, whose servers and ring are used. */
  constructor(from: Hosts | MemcachedClient, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#routing = isClient(from) ? () => from : () => this.#client(plain(from));
  }

  /** A client of our own: its sockets are not shared with commands of the package. */
  #client(hosts: Hosts): MemcachedClient {
    this.#connecting ??= this.#newClient(hosts);
    return this.#connecting;
  }

  #newClient(hosts: Hosts): MemcachedClient {
    const Client = load();
    const client = new Client(hosts, { retries: 0, timeout: this.#timeoutMs, idle: 0, poolSize: 1 });
    // The package would keep a server away for half a minute, by timers that keep the process alive.
    client.connectionIssue = () => undefined;
    return client;
  }

  get all(): readonly string[] {
    return this.#routing().servers;
  }

  of(key: string): string {
    const { servers, HashRing } = this.#routing();
    const server = servers.length === 1 ? servers[0] : HashRing.get(key);
    if (server === undefined) throw new StoreError('ERR_STORE_UNAVAILABLE', 'No memcached server is left for this key.');
    return server;
  }

  /** The connection to a server, made when it is first asked for and again when it was lost. */
  link(server: string): Promise<Link> {
    let link = this.#links.get(server);
    if (link === undefined) {
      link = this.#connect(this.#client(this.all), server, () => this.#lost(server));
      this.#links.set(server, link);
      link.then(
        () => this.#isUp(server),
        (error: unknown) => this.#isDown(server, error),
      );
    }
    return link;
  }

  /** A connection of its own, for a command whose answer is long: a pool gives the same one again. */
  connect(server: string): Promise<Link> {
    return this.#connect(this.#newClient(this.all), server, () => undefined);
  }

  #connect(client: MemcachedClient, server: string, lost: () => void): Promise<Link> {
    if (this.#closed) return Promise.reject(new StoreError('ERR_STORE_CLOSED', 'The store was closed meanwhile.'));
    return new Promise((resolve, reject) => {
      client.connect(server, (error, socket) => {
        if (error || !socket) return reject(unreachable(error));
        // The package's own parser.
        socket.removeAllListeners('data');
        resolve(new Link(socket, this.#timeoutMs, lost));
      });
    });
  }

  #lost(server: string): void {
    this.#links.delete(server);
    this.#isDown(server, new Error('The connection was lost.'));
  }

  #isUp(server: string): void {
    this.#down.delete(server);
    this.report('up');
  }

  /** While one server of several is there, calls for its keys must go on. */
  #isDown(server: string, cause: unknown): void {
    this.#links.delete(server);
    if (this.#closed) return;
    this.#down.add(server);
    if (this.#down.size === this.all.length) this.report('down', cause);
    this.#retry ??= setTimeout(() => this.#again(), 100 + Math.random() * 200).unref();
  }

  #again(): void {
    this.#retry = undefined;
    if (this.#closed) return;
    for (const server of this.#down) this.link(server).catch(() => undefined);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const link of this.#links.values()) {
      link.then(
        (open) => open.end(),
        () => undefined,
      );
    }
    this.#links.clear();
    this.#connecting?.end();
  }
}

export function isClient(value: unknown): value is MemcachedClient {
  return typeof value === 'object' && value !== null && 'HashRing' in value && 'connect' in value;
}

/** The package knows no scheme. */
function plain(hosts: Hosts): Hosts {
  if (typeof hosts === 'string') return hosts.split(',').map(bare);
  if (Array.isArray(hosts)) return (hosts as readonly string[]).map(bare);
  return Object.fromEntries(Object.entries(hosts as Readonly<Record<string, number>>).map(([host, weight]) => [bare(host), weight]));
}

/** A port of its own for each, since the ring and the pools take names as they are. */
function bare(host: string): string {
  const name = host
    .trim()
    .replace(/^memcached:\/\//, '')
    .replace(/\/$/, '');
  return name.startsWith('/') || /:\d+$/.test(name) ? name : `${name}:11211`;
}

function unreachable(error: unknown): StoreError {
  const cause = error instanceof Error ? error : undefined;
  return new StoreError('ERR_STORE_UNAVAILABLE', 'A memcached server cannot be reached.', cause === undefined ? {} : { cause });
}

function load(): Constructor {
  try {
    return createRequire(import.meta.url)('memcached') as Constructor;
  } catch (cause) {
    throw new StoreError('ERR_STORE_UNSUPPORTED', 'The package memcached is missing. Run: npm install memcached', { cause });
  }
}
