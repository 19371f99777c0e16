import type { SessionStore } from '@sessile/core';
import type { Proxy } from '../proxy.js';
import type { BackendName, OwnServer, ServerOptions } from '../types.js';
import type { Verb } from './probe.js';

/** A server of the tests' own, and the network before it. Of a store without a server none of it is used. */
export interface Site {
  readonly server: OwnServer;
  readonly proxy: Proxy;
}

/** What an outage may need to know of the store that suffers it. */
export interface Victim {
  /** The prefix, table or collection of its sessions. */
  readonly name: string;
  readonly stores: readonly SessionStore[];
  readonly timeoutMs: number;
}

/** Mends it again. */
type Repair = () => Promise<unknown>;

/** Something that happens to a server, and what a store must make of it. */
export interface Outage {
  /** As a sentence about the server, for the title of the test. */
  readonly title: string;
  /** Whether the store reaches its server directly or through the proxy. Default: `server`. */
  readonly via?: 'server' | 'proxy';
  /** Breaks it. */
  readonly begin: (site: Site, victim: Victim) => Promise<Repair> | Repair;
  /** With which codes calls fail meanwhile. */
  readonly codes: readonly string[];
  /** Which calls work all the same, and which may do either. All others must fail. */
  readonly works?: readonly Verb[] | 'all';
  readonly either?: readonly Verb[] | 'all';
  /** How long it lasts beside what is asked meanwhile, ms. */
  readonly lastsMs?: number;
  /** Whether the store knows of it: its status is `down`, and calls are refused at once. */
  readonly isKnown?: boolean;
  /** Whether calls first fail as if the server were away, until the store has asked it again. */
  readonly comesLater?: boolean;
  /** Whether what the server had only in memory is gone. */
  readonly forgets?: boolean;
  /** Whether it is tried on every way of the target; else on the first. */
  readonly everyWay?: boolean;
  /** Whether connections stay silent for good: for clients that would wait for ever it never ends. */
  readonly isEndless?: boolean;
}

/** Stores on one server, and how they end. */
export interface Opened {
  readonly stores: readonly SessionStore[];
  close(): Promise<void>;
}

/** How a store gets to its server: on a connection of its own, on a client of the caller's. */
export interface Way {
  readonly title: string;
  /** Its client has no time limit of its own, and one connection for all: a silent one is never given up. */
  readonly waitsForEver?: boolean;
  /** Its client makes connections when it needs them, and does not tell that it can have none. */
  readonly neverDown?: boolean;
  /** @param name of a prefix, table or collection that nobody else has. */
  open(url: string, name: string, timeoutMs: number): Promise<Opened>;
}

/** A store that is to survive. */
export interface FailureTarget {
  readonly title: string;
  /** A store without one suffers its own outages alone. */
  readonly backend?: BackendName;
  /** Of the server: so that it keeps over a kill what it has acknowledged; or a small disk. */
  readonly server?: ServerOptions;
  /** Whether it keeps that. */
  readonly keeps: boolean;
  /** How many networks fail at a time, each before a store of its own. Default: 4. */
  readonly atOnce?: number;
  /** Whether it suffers the outages of the table, beside its own. Default: true, where there is a server. */
  readonly common?: boolean;
  readonly ways: readonly [Way, ...Way[]];
  /** A module that exports `openStore(url, name, timeoutMs)`, for a process of its own. With a server only. */
  readonly module?: URL;
  /** What happens to this kind of server alone. */
  readonly outages?: readonly Outage[];
  /** Whether an error that nobody caught is a client library's own. */
  readonly isForeign?: (error: unknown) => boolean;
}

/** @param end of what the stores share, such as a client of the caller's; after they are closed. */
export function opened(stores: readonly SessionStore[], end: () => unknown = () => undefined): Opened {
  return {
    stores,
    async close() {
      try {
        await Promise.all(stores.map((store) => store.close()));
      } finally {
        await end();
      }
    },
  };
}
