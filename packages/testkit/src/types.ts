/** The servers that the testkit can find or start. `-next` is a newer release of the same server. */
export type BackendName =
  | 'redis'
  | 'redis-next'
  | 'redis-cluster'
  | 'memcached'
  | 'memcached-second'
  | 'postgres'
  | 'postgres-next'
  | 'mongo';

/** A server that answers. */
export interface Backend {
  readonly url: string;
  /** Of a cluster: one per node. */
  readonly urls: readonly string[];
  /** What it is, for the titles of tests: `redis:8 in a container`. */
  readonly from: string;
  readonly skip?: undefined;
}

/** There is no server, and why. */
export interface Skipped {
  readonly skip: string;
  readonly url?: undefined;
  readonly urls?: undefined;
  readonly from?: undefined;
}

/** A server of one test's own, which it may break. It keeps its address. */
export interface OwnServer extends Backend {
  /** Stops its processes where they stand (SIGSTOP): connections stay open and nothing is answered. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Ends it at once (SIGKILL). What it had only in memory is lost. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, and waits until it answers. */
  start(): Promise<void>;
  /** Ends it as its operator would, and starts it again. */
  restart(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** How a server of a test's own differs from the shared one. */
export interface ServerOptions {
  /** Further arguments, as on its command line. */
  readonly args?: readonly string[];
  /** The size of the disk that its data lie on, MB. */
  readonly diskMb?: number;
}
