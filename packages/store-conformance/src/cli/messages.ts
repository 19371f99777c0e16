/**
 * What the command line and the process that runs the checks say to each other.
 *
 * @module
 */
import type { Seen } from '../failure.js';
import type { Status } from '../types.js';

/** To the process: run these checks on this target, one of those that the module gives. */
export interface Order {
  readonly target: number;
  readonly ids: readonly string[];
  readonly limitMs: number;
  readonly seed: number;
}

/** What the command line must know of a target that it never loads itself. */
export interface TargetFacts {
  readonly name: string;
  readonly known: Readonly<Record<string, string>>;
}

/** A result in words alone. */
export interface Told {
  readonly id: string;
  readonly status: Status;
  readonly reason?: string | undefined;
  readonly seen?: Seen | undefined;
  readonly durationMs: number;
}

/** From the process. */
export type Message =
  /** The event loop turns. */
  | { readonly type: 'beat' }
  | { readonly type: 'ready'; readonly targets: readonly TargetFacts[] }
  | { readonly type: 'unusable'; readonly reason: string }
  | { readonly type: 'start'; readonly id: string }
  | { readonly type: 'result'; readonly told: Told }
  | { readonly type: 'done' }
  /** An error that reached nobody; the process ends. */
  | { readonly type: 'uncaught'; readonly error: string };
