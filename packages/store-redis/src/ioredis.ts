import { createRequire } from 'node:module';
import { StoreError } from '@sessile/core';
import slotOf from 'cluster-key-slot';
import { isRedirection } from './errors.js';
import { type Command, type Emitter, type Link, listen, type Server, type Watcher } from './link.js';

/** The part of an ioredis `Redis` that is used here; 5 and 6 agree in it. */
export interface IoRedisClient extends Emitter {
  readonly status: string;
  readonly options: { readonly keyPrefix?: string | undefined; readonly host?: string | undefined; readonly port?: number | undefined };
  call(name: string, args: string[]): Promise<unknown>;
  pipeline(commands: unknown[][]): { exec(): Promise<[error: Error | null, result: unknown][] | null> };
  disconnect(): void;
}

/** The part of an ioredis `Cluster` that is used here. */
export interface IoRedisCluster extends IoRedisClient {
  readonly isCluster: boolean;
  /** By slot, the nodes that serve it, the primary first. */
  readonly slots: string[][];
  nodes(role: 'master'): IoRedisClient[];
  refreshSlotsCache?(callback: () => void): void;
}

/** Options of a connection: those of `new Redis(options)` of ioredis. */
export type IoRedisOptions = Record<string, unknown>;

const AWAY: ReadonlySet<string> = new Set(['close', 'reconnecting', 'end', 'disconnecting']);

/** An ioredis connection. It writes to its socket for each command, so one command for many keys is the faster. */
export class IoRedisLink implements Link {
  readonly sharded: boolean = false;
  readonly inOrder: boolean = true;
  readonly corks = false;
  readonly keyPrefix: string;
  readonly #client: IoRedisClient;

  constructor(client: IoRedisClient) {
    this.#client = client;
    this.keyPrefix = client.options.keyPrefix ?? '';
  }

  send({ name, args }: Command): Promise<unknown> {
    return this.#client.call(name, args as string[]);
  }

  servers(): Promise<readonly Server[]> {
    return Promise.resolve([serverOf(this.#client)]);
  }

  watch({ up, down, changed }: Watcher): () => void {
    let cause: unknown;
    const away = () => {
      changed();
      down(cause);
    };
    if (AWAY.has(this.#client.status)) away();
    return listen(this.#client, {
      error: (error) => {
        cause = error;
      },
      close: away,
      end: away,
      ready: () => {
        cause = undefined;
        up();
      },
      // A cluster's.
      '+node': changed,
      '-node': changed,
    });
  }

  close(): void {
    this.#client.disconnect();
  }
}

interface Waiting {
  command: Command;
  resolve: (answer: unknown) => void;
  reject: (error: unknown) => void;
}

/**
 * An ioredis `Cluster`. It follows redirections; EVALSHA and writes go to primaries, whatever `scaleReads` says.
 *
 * Commands of one turn that go to the same nodes share a pipeline. Those of other nodes wait for none of them, so a primary that is
 * slow or away holds up its own sessions alone.
 */
export class IoRedisClusterLink extends IoRedisLink {
  override readonly sharded = true;
  override readonly inOrder = false;
  readonly #cluster: IoRedisCluster;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(cluster: IoRedisCluster) {
    super(cluster);
    this.#cluster = cluster;
  }

  override send(command: Command): Promise<unknown> {
    const nodes = this.#cluster.slots[slotOf(this.keyPrefix + command.key)]?.join(';');
    // Before the first connection nothing is known of the slots: the cluster finds the way of each.
    if (nodes === undefined) return super.send(command);
    return new Promise((resolve, reject) => {
      if (this.#waiting.size === 0) process.nextTick(() => this.#flush());
      const group = this.#waiting.get(nodes);
      if (group === undefined) this.#waiting.set(nodes, [{ command, resolve, reject }]);
      else group.push({ command, resolve, reject });
    });
  }

  #flush(): void {
    const groups = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const group of groups) {
      if (group.length === 1) for (const one of group) this.#alone(one);
      else this.#together(group);
    }
  }

  #alone({ command, resolve, reject }: Waiting): void {
    super.send(command).then(resolve, reject);
  }

  /** What was redirected was not done: it goes again, alone, for the cluster to find the way. */
  #together(group: readonly Waiting[]): void {
    const pipeline = this.#cluster.pipeline(group.map(({ command: { name, args } }) => ['call', name, args]));
    pipeline.exec().then(
      (results) => {
        for (const [index, waiting] of group.entries()) {
          const [error, answer] = results?.[index] ?? [new Error(ABORTED), undefined];
          if (isRedirection(error)) this.#alone(waiting);
          else if (error === null) waiting.resolve(answer);
          else waiting.reject(error);
        }
      },
      (error: unknown) => {
        // Right after a slot has moved ioredis contradicts itself about groups, and sends nothing.
        const isUnsent = error instanceof Error && error.message.startsWith('All keys in the pipeline');
        for (const waiting of group) {
          if (isUnsent) this.#alone(waiting);
          else waiting.reject(error);
        }
      },
    );
  }

  refresh(): void {
    this.#cluster.refreshSlotsCache?.(() => undefined);
  }

  override async servers(): Promise<readonly Server[]> {
    // It waits until the nodes are known.
    if (this.#cluster.status !== 'ready') await this.#cluster.call('ping', []);
    const primaries = new Set(this.#cluster.slots.map(([primary]) => primary));
    // One that has lost its slots may still be among the nodes.
    return this.#cluster
      .nodes('master')
      .filter(({ options: { host, port } }) => primaries.has(`${host}:${port}`))
      .map(serverOf);
  }
}

const ABORTED = 'Command aborted due to connection close';

/**
 * Makes a connection of our own, which is not made before the first command.
 *
 * A call that was not answered when the connection broke fails, and is never sent again by the client: only the caller knows
 * whether that is right. `socketTimeout` ends what a frozen server does not answer.
 *
 * @param target a URL, or the options of ioredis, which go before ours.
 * @param timeoutMs how long a call may take.
 * @throws StoreError ERR_STORE_UNSUPPORTED where ioredis is not installed.
 */
export function openIoRedis(target: string | IoRedisOptions, timeoutMs: number): IoRedisLink {
  const Redis = load();
  const ours = {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disconnectTimeout: 500,
    retryStrategy: pauseBefore,
  };
  const client = typeof target === 'string' ? new Redis(target, ours) : new Redis({ ...ours, ...target });
  // Without a listener ioredis writes to the console.
  client.on('error', () => undefined);
  client.on('close', () => stopSocketTimer(client));
  return new IoRedisLink(client);
}

/** Doubles up to a second, with jitter: many processes that lost the same server do not come back in the same moment. */
function pauseBefore(attempt: number): number {
  return Math.min(1000, 25 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

/** ioredis 5 leaves the timer of a lost connection running, and it would end the next connection (mended in 6). */
function stopSocketTimer(client: { socketTimeoutTimer?: NodeJS.Timeout | undefined }): void {
  clearTimeout(client.socketTimeoutTimer);
  if (client.socketTimeoutTimer !== undefined) client.socketTimeoutTimer = undefined;
}

function serverOf(client: IoRedisClient): Server {
  return { send: (name, args) => client.call(name, args as string[]) };
}

type Open = new (...options: unknown[]) => IoRedisClient & { socketTimeoutTimer?: NodeJS.Timeout };

function load(): Open {
  try {
    const library = createRequire(import.meta.url)('ioredis') as Open & { default?: Open };
    return library.default ?? library;
  } catch (cause) {
    const advice = 'Run: npm install ioredis. Or pass a client of node-redis as the option client.';
    throw new StoreError('ERR_STORE_UNSUPPORTED', `The package ioredis is missing. ${advice}`, { cause });
  }
}
