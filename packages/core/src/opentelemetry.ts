/**
 * OpenTelemetry for every store of this process: `@sessile/core/opentelemetry`.
 *
 * @module
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Attributes, Meter, MeterProvider, Span, Tracer, TracerProvider } from '@opentelemetry/api';
import { StoreError } from './errors.js';
import type { BatchMessage, EventMessage, OperationMessage } from './telemetry.js';

type Api = typeof OpenTelemetry;

/** What {@link instrument} takes. */
export interface InstrumentOptions {
  /** Default: the global one. */
  tracerProvider?: TracerProvider | undefined;
  /** Default: the global one. */
  meterProvider?: MeterProvider | undefined;
}

const NAME = '@sessile/core';

/** The names that OpenTelemetry's conventions have for these databases; the others keep ours. */
const SYSTEMS: Readonly<Record<string, string>> = { postgres: 'postgresql', mongo: 'mongodb' };

/** The boundaries, in seconds, that the conventions recommend for `db.client.operation.duration`. */
const DURATION_BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const BATCH_BOUNDARIES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

interface Running {
  span: Span;
  startedAt: number;
}

/**
 * Makes spans and metrics of what all stores of this process do, by OpenTelemetry's conventions for databases.
 *
 * A span for each call (`get redis`, kind CLIENT). Metrics: `db.client.operation.duration` (s), `sessile.batch.size` (sessions in one
 * command), `sessile.conflicts` (saves that found another one before them), `sessile.drops` (saves that were not made, by reason),
 * `sessile.outages`. No sid and no session data is in any of them.
 *
 * @param options the providers; by default the global ones, as they are now.
 * @returns what ends it.
 * @throws StoreError ERR_STORE_UNSUPPORTED where `@opentelemetry/api` is not installed.
 * @see https://opentelemetry.io/docs/specs/semconv/database/
 */
export function instrument({ tracerProvider, meterProvider }: InstrumentOptions = {}): () => void {
  const api = load();
  const tracer = (tracerProvider ?? api.trace).getTracer(NAME);
  const meter = (meterProvider ?? api.metrics).getMeter(NAME);
  const subscriptions = [...operations(api, tracer, meter), ...batches(meter), ...events(meter)];
  for (const [name, listener] of subscriptions) subscribe(name, listener);
  return () => {
    for (const [name, listener] of subscriptions) unsubscribe(name, listener);
  };
}

type Subscription = readonly [channel: string, listener: (message: unknown) => void];

function operations(api: Api, tracer: Tracer, meter: Meter): Subscription[] {
  const running = new WeakMap<object, Running>();
  const duration = meter.createHistogram('db.client.operation.duration', {
    description: 'Duration of calls of a session store.',
    unit: 's',
    advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
  });
  const begin = (message: unknown) => {
    const { store, operation } = message as OperationMessage;
    const span = tracer.startSpan(`${operation} ${systemOf(store)}`, {
      kind: api.SpanKind.CLIENT,
      attributes: { 'db.system.name': systemOf(store), 'db.operation.name': operation },
    });
    running.set(message as object, { span, startedAt: performance.now() });
  };
  const end = (message: unknown) => {
    const started = running.get(message as object);
    if (started === undefined) return;
    const { store, operation, error } = message as OperationMessage;
    const failure: Attributes = error === undefined ? {} : { 'error.type': errorType(error) };
    if (error !== undefined)
      started.span.setAttributes(failure).setStatus({ code: api.SpanStatusCode.ERROR, message: String(failure['error.type']) });
    started.span.end();
    const attributes = { 'db.system.name': systemOf(store), 'db.operation.name': operation, ...failure };
    duration.record((performance.now() - started.startedAt) / 1000, attributes);
  };
  return [
    ['tracing:sessile:operation:start', begin],
    ['tracing:sessile:operation:asyncEnd', end],
  ];
}

function batches(meter: Meter): Subscription[] {
  const size = meter.createHistogram('sessile.batch.size', {
    description: 'Sessions in one command.',
    unit: '{session}',
    advice: { explicitBucketBoundaries: BATCH_BOUNDARIES },
  });
  const record = (message: unknown) => {
    const { store, verb, items } = message as BatchMessage;
    size.record(items, { 'db.system.name': systemOf(store), 'db.operation.name': verb });
  };
  return [['sessile:batch', record]];
}

function events(meter: Meter): Subscription[] {
  const conflicts = meter.createCounter('sessile.conflicts', { description: 'Saves that found another save before them.', unit: '{save}' });
  const drops = meter.createCounter('sessile.drops', {
    description: 'Saves that were not made, since the session was gone.',
    unit: '{save}',
  });
  const outages = meter.createCounter('sessile.outages', { description: 'How often the backend went away.', unit: '{outage}' });
  const count = (message: unknown) => {
    const { store, event, reason } = message as EventMessage;
    const system = { 'db.system.name': systemOf(store) };
    if (event === 'conflict') conflicts.add(1, system);
    else if (event === 'drop') drops.add(1, { ...system, 'sessile.drop.reason': reason ?? 'unknown' });
    else if (event === 'down') outages.add(1, system);
  };
  return [['sessile:event', count]];
}

function systemOf(store: string): string {
  return SYSTEMS[store] ?? store;
}

/** A code or a name, never a message. */
function errorType(error: unknown): string {
  if (StoreError.isInstance(error)) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}

function load(): Api {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as Api;
  } catch (cause) {
    throw new StoreError('ERR_STORE_UNSUPPORTED', 'The package @opentelemetry/api is missing. Run: npm install @opentelemetry/api', {
      cause,
    });
  }
}
