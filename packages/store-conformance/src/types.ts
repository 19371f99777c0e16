/**
 * The words of the kit: what a check, a target and a report are.
 *
 * @module
 */
import type { ConformanceFailure } from './failure.js';
import type { Trial } from './trial.js';

/** How binding a rule is. */
export type Level = 'MUST' | 'SHOULD' | 'MAY';

/** How a store is called: with callbacks as express-session does, with promises as koa-session does, or either way. */
export type Kind = 'callback' | 'promise' | 'both';

/** A session as a store gives it back. */
// oxlint-disable-next-line typescript/no-explicit-any -- checks read and write whatever a test session holds
export type Session = Record<string, any>;

/** Methods that a store may lack. */
export type OptionalMethod =
  | 'touch'
  | 'all'
  | 'ids'
  | 'length'
  | 'clear'
  | 'entries'
  | 'update'
  | 'revoke'
  | 'prune'
  | 'ping'
  | 'close'
  | 'tie'
  | 'on'
  | 'createSession'
  | 'regenerate'
  | 'load';

/** Hooks that a target may lack. */
export type Hook = 'reopen' | 'spoil' | 'second' | 'neighbour' | 'disrupt' | 'rows' | 'module';

/** Stock middlewares that some checks run the store in: optional peers of the kit. */
export type Middleware = 'express-session' | 'koa-session' | 'koa-generic-session';

/** What a check cannot do without. Where it is missing the check is skipped, and the report says why. */
export type Need = 'callbacks' | 'promises' | 'cookies' | OptionalMethod | Hook | Middleware | 'driver' | 'replace';

/** One check: data, so that any runner, report or document can use it. */
export interface Check {
  /** Permanent. `GET-1`, or `GET-1.a` where one rule needs several checks. The rule is in `docs/contract.md`. */
  readonly id: string;
  readonly level: Level;
  /** The version of the contract that brought the rule. */
  readonly since: string;
  /** The rule, as a statement that is true of a correct store. */
  readonly title: string;
  /** What happens to users of a store that breaks it. */
  readonly why: string;
  /** What to do about it. */
  readonly mend: string;
  readonly needs?: readonly Need[];
  /** Waits for sessions to expire: such checks run side by side, each on a store of its own. */
  readonly timed?: boolean;
  /** Draws from the run's seed: a failure says which one, since it comes again only with it. */
  readonly seeded?: boolean;
  /** Fulfils when the store is right, rejects when it is not. */
  readonly run: (trial: Trial) => Promise<void>;
}

/** What is checked: a few lines that tell the kit how to make your store. */
// oxlint-disable-next-line typescript/no-explicit-any -- any shape of store can be checked
export interface Target<S extends object = any> {
  /** As it should stand in the report. */
  readonly name: string;
  /** A store that holds no sessions and shares its namespace with no other store. Called once per check. */
  create(): S | Promise<S>;
  /** Ends a store that `create`, `reopen`, `second` or `neighbour` gave. Default: `store.close()`, where there is one. */
  destroy?(store: S): unknown;
  /** How the store is called, or that it is a bare driver. Default: found out by one `get`. */
  readonly kind?: Kind | 'driver';
  /** Ends this store and opens another one on the same data, as a restart of the process would. */
  reopen?(store: S): S | Promise<S>;
  /** A second store object on the same data, as another process would have. */
  second?(store: S): S | Promise<S>;
  /** A store in another namespace (prefix, table, collection) of the same backend. */
  neighbour?(store: S): S | Promise<S>;
  /**
   * Writes `text` behind the store's back as the stored value of a live session.
   * Returns false where the backend cannot hold that text.
   */
  spoil?(store: S, sid: string, text: string): unknown;
  /** How many sessions are physically there, expired ones included. */
  rows?(store: S): number | Promise<number>;
  /** Breaks the backend, and returns what repairs it. */
  disrupt?(store: S): (() => unknown) | Promise<() => unknown>;
  /** Moves the clock of this store forward. Default: the kit waits. */
  advance?(store: S, ms: number): unknown;
  /**
   * How much later than its lifetime a session may go, in ms: what rounding and the backend's own clock add up to. Default: the
   * store's `traits.resolutionMs`, else 1000.
   */
  readonly resolutionMs?: number;
  /**
   * For how long after a change `all`, `ids`, `entries`, `length` and `clear` may miss it, in ms. The kit waits so long before it
   * asks them, and leaves them out of random histories. Default: 0.
   */
  readonly listedAfterMs?: number;
  /**
   * Methods whose answers the backend does not promise, each with the reason: `{ length: 'an estimate' }`. They are not asked. For
   * what fails always there is `known`.
   */
  readonly unpromised?: Readonly<Partial<Record<OptionalMethod, string>>>;
  /** A module whose default export is this target, for checks that need a process of their own. */
  readonly module?: string | URL;
  /**
   * Checks that are known to fail, each with the reason. Strict: one that passes is `stale`, and fails the run until the
   * entry is removed.
   */
  readonly known?: Readonly<Record<string, string>>;
}

/** `known`: fails, and the target says so. `stale`: the target says so, but it passes. */
export type Status = 'pass' | 'fail' | 'skip' | 'known' | 'stale';

/** What became of one check. */
export interface Result {
  readonly id: string;
  readonly level: Level;
  readonly title: string;
  readonly status: Status;
  /** Why it was skipped, is known to fail, or is stale. */
  readonly reason?: string;
  /** For `fail` and `known`. */
  readonly failure?: ConformanceFailure;
  readonly durationMs: number;
}

/** What became of all of them, in the order of the catalogue. */
export interface Report {
  readonly target: string;
  /** The version of this kit. */
  readonly kit: string;
  /** The version of the contract: the latest that a check of the kit belongs to. */
  readonly contract: string;
  /** The version of Node that ran it, without a "v". */
  readonly node: string;
  /** When it began, as an ISO 8601 text. */
  readonly date: string;
  readonly durationMs: number;
  /** What random histories were drawn from. */
  readonly seed: number;
  readonly results: readonly Result[];
  readonly counts: Readonly<Record<Status, number>>;
  /** No check failed, and none is stale. */
  readonly ok: boolean;
}

/** Options of a run. */
export interface RunOptions {
  /** Ids of checks (`GET-1.a`), rules (`GET-1`) or groups (`GET`). Default: the environment's `SESSILE_ONLY`, else all. */
  readonly only?: readonly string[];
  /** The least binding level to run: `SHOULD` runs MUST and SHOULD. Default: `MAY`, which is all. */
  readonly level?: Level;
  /** What random histories are drawn from, an integer from 0 to 4294967295. Default: `SESSILE_SEED`, else another one in each run. */
  readonly seed?: number;
  /** The catalogue. Default: all checks of the kit. */
  readonly checks?: readonly Check[];
  /** How long one check may take before it counts as hanging. Default: 20,000. */
  readonly limitMs?: number;
}
