import slotOf from 'cluster-key-slot';
import { type Command, type Emitter, type Link, listen, type Server, type Watcher } from './link.js';

/** The part of a node-redis client, or pool of clients, that is used here. */
export interface NodeRedisClient extends Emitter {
  sendCommand(args: string[], options?: object): Promise<unknown>;
  /** A pool has no such property. */
  readonly isReady?: boolean;
}

interface Primary {
  readonly client?: { readonly isReady: boolean } | undefined;
}

/** The part of a node-redis cluster that is used here. */
export interface NodeRedisCluster extends Emitter {
  sendCommand(key: string | undefined, isReadonly: boolean | undefined, args: string[], options?: object): Promise<unknown>;
  readonly slots: readonly ({ readonly master: Primary } | undefined)[];
  readonly masters: readonly Primary[];
  nodeClient(node: never): PromiseLike<unknown> | undefined;
}

/** Texts, whatever types the caller's client gives otherwise. */
const AS_TEXT = { typeMapping: {} };

/** A node-redis client or a pool of them. It writes to its socket once per turn of the event loop. */
export class NodeRedisLink implements Link {
  readonly sharded = false;
  readonly inOrder: boolean;
  readonly corks = true;
  readonly keyPrefix = '';
  readonly #client: NodeRedisClient;

  constructor(client: NodeRedisClient) {
    this.#client = client;
    // A pool, which has no such property, sends each command where a connection is free.
    this.inOrder = client.isReady !== undefined;
  }

  send({ name, args }: Command): Promise<unknown> {
    return this.#client.sendCommand([name, ...args], AS_TEXT);
  }

  servers(): Promise<readonly Server[]> {
    return Promise.resolve([serverOf(this.#client)]);
  }

  /** A pool makes connections as it needs them, and is never away. */
  watch({ up, down, changed }: Watcher): () => void {
    const away = (cause: unknown) => {
      changed();
      if (this.#client.isReady === false) down(cause);
    };
    return listen(this.#client, { error: away, end: away, ready: up });
  }

  close(): void {}
}

/** How often it is looked whether a cluster that is away is back, and the least time between two looks at its slots, ms. */
const LOOK_MS = 200;

/**
 * A node-redis cluster. Commands of one turn to one primary leave in one write. It follows redirections, and knows of no failover until it meets one: while a primary is away its
 * commands would wait for ever, so they fail, and the cluster is made to look at its slots again.
 */
export class NodeRedisClusterLink implements Link {
  readonly sharded = true;
  readonly inOrder = false;
  readonly corks = true;
  readonly keyPrefix = '';
  readonly #cluster: NodeRedisCluster;
  #lookedAt = 0;

  constructor(cluster: NodeRedisCluster) {
    this.#cluster = cluster;
  }

  send({ name, args, key }: Command): Promise<unknown> {
    if (isAway(this.#cluster.slots[slotOf(key)]?.master)) return this.#offline();
    return this.#cluster.sendCommand(key, false, [name, ...args], AS_TEXT);
  }

  servers(): Promise<readonly Server[]> {
    const { masters } = this.#cluster;
    if (this.#allAway() || masters.some(isAway)) return this.#offline();
    return Promise.all(masters.map(async (node) => serverOf((await this.#cluster.nodeClient(node as never)) as NodeRedisClient)));
  }

  watch({ up, down, changed }: Watcher): () => void {
    let timer: NodeJS.Timeout | undefined;
    const look = () => {
      this.refresh();
      if (this.#allAway()) return;
      clearInterval(timer);
      timer = undefined;
      up();
    };
    const away = (cause: unknown) => {
      if (timer !== undefined || !this.#allAway()) return;
      down(cause);
      timer = setInterval(look, LOOK_MS).unref();
    };
    const end = listen(this.#cluster, { error: away, 'node-error': away, disconnect: away, 'node-ready': changed });
    return () => {
      clearInterval(timer);
      end();
    };
  }

  close(): void {}

  #offline(): Promise<never> {
    this.refresh();
    return Promise.reject(new Error('The client is offline'));
  }

  /** Before it is connected it knows no primary. */
  #allAway(): boolean {
    return this.#cluster.masters.every(isAway);
  }

  /** Nothing but a redirection makes node-redis ask for the slots, and a dead server redirects nobody. */
  refresh(): void {
    const now = Date.now();
    const alive = this.#cluster.masters.find((node) => !isAway(node))?.client;
    const { _slots } = this.#cluster as { _slots?: { rediscover?: (from: unknown) => Promise<void> } };
    if (alive === undefined || now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    _slots?.rediscover?.(alive).catch(() => undefined);
  }
}

/** One that has no connection yet is not away: its first command makes one. */
function isAway(node: Primary | undefined): boolean {
  return node === undefined || node.client?.isReady === false;
}

function serverOf(client: NodeRedisClient): Server {
  return { send: (name, args) => client.sendCommand([name, ...args], AS_TEXT) };
}
