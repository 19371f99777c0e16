import { channel, tracingChannel } from 'node:diagnostics_channel';
import { isPromise } from './async.js';
import type { Awaitable } from './driver.js';
import { named } from './errors.js';

/**
 * What a store publishes on the channels of `node:diagnostics_channel`. No sid, no stored id and no session data is in it.
 *
 * Where nobody listens a call costs one look at a field.
 *
 * @module
 */

/**
 * A call of a method, on the channels `tracing:sessile:operation:start`, `end`, `asyncStart`, `asyncEnd` and `error`, as
 * `TracingChannel` of Node has them: the same object on each of them.
 */
export interface OperationMessage {
  /** The backend: `traits.name`. */
  readonly store: string;
  /** The method: `get`, `set`, `entries`. */
  readonly operation: string;
  /** What the call failed with: a StoreError, or what a function of the app threw. */
  error?: unknown;
}

/** One command for many sessions, on the channel `sessile:batch`. */
export interface BatchMessage {
  readonly store: string;
  /** The driver's verb: `readMany`, `writeMany`. */
  readonly verb: string;
  /** How many sessions it is for. */
  readonly items: number;
}

/** What happened, on the channel `sessile:event`. */
export interface EventMessage {
  readonly store: string;
  /** `conflict`: a save found another one before it. `drop`: a save was not made. `down`, `up`: the backend went and came. */
  readonly event: 'conflict' | 'drop' | 'down' | 'up';
  /** Of a drop. */
  readonly reason?: string;
  /** Of a drop: which method. */
  readonly operation?: string;
  /** Of `down`, where there is one. */
  readonly error?: unknown;
}

const operations = tracingChannel<unknown, OperationMessage>('sessile:operation');
const batches = channel('sessile:batch');
const events = channel('sessile:event');

/** Whether anybody wants to know of calls. */
export function isTraced(): boolean {
  return operations.hasSubscribers;
}

/** Does the work of one call, and tells of its beginning and end. `asyncEnd` comes last, also where the answer was there at once. */
export function traced<R>(store: string, operation: string, work: () => Awaitable<R>): Awaitable<R> {
  const message: OperationMessage = { store, operation };
  operations.start.publish(message);
  let answer: Awaitable<R>;
  try {
    answer = work();
  } catch (error) {
    operations.end.publish(message);
    throw failed(message, error);
  }
  operations.end.publish(message);
  if (!isPromise(answer)) {
    ended(message);
    return answer;
  }
  return answer.then(
    (result) => {
      ended(message);
      return result;
    },
    (error: unknown) => {
      throw failed(message, error);
    },
  );
}

function ended(message: OperationMessage): void {
  operations.asyncStart.publish(message);
  operations.asyncEnd.publish(message);
}

function failed(message: OperationMessage, error: unknown): unknown {
  message.error = named(error, message.store, message.operation);
  operations.error.publish(message);
  ended(message);
  return error;
}

/** Tells of a command for many sessions. */
export function tellBatch(store: string, verb: string, items: number): void {
  if (batches.hasSubscribers) batches.publish({ store, verb, items } satisfies BatchMessage);
}

const TOLD: ReadonlySet<string> = new Set(['conflict', 'drop', 'down', 'up']);

/** Tells of an event of a store's emitter, without the ids in it. */
export function tellEvent(store: string, event: string, detail: unknown): void {
  if (!events.hasSubscribers || !TOLD.has(event)) return;
  events.publish({ store, event: event as EventMessage['event'], ...harmless(event, detail) } satisfies EventMessage);
}

function harmless(event: string, detail: unknown): Partial<EventMessage> {
  if (event === 'drop') {
    const { reason, operation } = detail as { reason: string; operation: string };
    return { reason, operation };
  }
  return event === 'down' && detail !== undefined ? { error: detail } : {};
}
