/**
 * What the driver needs of a client, whatever library it is of.
 *
 * @module
 */

/** One command. */
export interface Command {
  name: string;
  /** Without the name. */
  args: readonly string[];
  /** The key that it is about, which also stands in `args`: it tells a cluster where to send it. */
  key: string;
}

/** One primary server: the whole of it, or a shard of a cluster. */
export interface Server {
  /** Sends a command that names no key. */
  send(name: string, args: readonly string[]): Promise<unknown>;
}

/** What a link tells of its connections. */
export interface Watcher {
  /** The backend answers. */
  up: () => void;
  /** It is known to be away. */
  down: (cause: unknown) => void;
  /** What was known of the server, such as its version, may be another's. */
  changed: () => void;
}

/** A client of one library behind the verbs that all of them have. Everything goes to primaries, never to replicas. */
export interface Link {
  /** Keys lie on several servers, so a command may name only one of them. */
  readonly sharded: boolean;
  /** Two commands of one turn run one after the other, with little or nothing between them: there is one connection. */
  readonly inOrder: boolean;
  /** Commands of one turn of the event loop leave in one write, so many small ones are about as cheap as a large one. */
  readonly corks: boolean;
  /** What the client itself puts before each key that it sends. */
  readonly keyPrefix: string;
  send(command: Command): Promise<unknown>;
  /** Every primary, for what concerns all keys. */
  servers(): Promise<readonly Server[]>;
  /** Of a cluster: makes the client look again where the slots are. */
  refresh?(): void;
  /** Starts to tell; what it returns ends it. */
  watch(watcher: Watcher): () => void;
  /** Ends the connections. Called only for those that the store has opened. */
  close(): void;
}

// oxlint-disable-next-line typescript/no-explicit-any -- so that the emitters of all libraries fit
type Listener = (...details: any[]) => void;

/** The events of a client. */
export interface Emitter {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** Adds listeners, and returns what removes them. */
export function listen(emitter: Emitter, listeners: Readonly<Record<string, (detail?: unknown) => void>>): () => void {
  const all = Object.entries(listeners);
  for (const [event, listener] of all) emitter.on(event, listener);
  return () => {
    for (const [event, listener] of all) emitter.off(event, listener);
  };
}
