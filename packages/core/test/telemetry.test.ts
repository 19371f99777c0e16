import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { instrument } from '@sessile/core/opentelemetry';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PluralDriver, session, TestDriver, TestStore } from './backend.js';

const SECRET_SID = 'a-very-secret-session-id';

function listen(...names: string[]): { name: string; message: any }[] {
  const heard: { name: string; message: any }[] = [];
  for (const name of names) {
    const keep = (message: unknown) => void heard.push({ name, message });
    subscribe(name, keep);
    onTestFinished(() => void unsubscribe(name, keep));
  }
  return heard;
}

const OPERATION = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((part) => `tracing:sessile:operation:${part}`);

describe('diagnostics_channel', () => {
  it('tells of the beginning and the end of each call, by promise and by callback', async () => {
    const heard = listen(...OPERATION);
    const store = new TestStore();
    await store.set(SECRET_SID, { secret: 'data' });
    await new Promise((resolve) => store.get(SECRET_SID, resolve));
    const names = heard.map(({ name, message }) => `${name.split(':').at(-1)} ${message.operation}`);
    expect(names).toEqual(['set', 'get'].flatMap((verb) => ['start', 'end', 'asyncStart', 'asyncEnd'].map((part) => `${part} ${verb}`)));
    expect(new Set(heard.map(({ message }) => message)).size).toBe(2);
    expect(JSON.stringify(heard)).not.toContain('secret');
  });

  it('tells of failures, those before anything was sent too', async () => {
    const heard = listen('tracing:sessile:operation:error', 'tracing:sessile:operation:asyncEnd');
    const store = new TestStore();
    store.driver.failWith = () => new Error('away');
    await store.get(SECRET_SID).catch(() => undefined);
    await store.get('').catch(() => undefined);
    expect(heard.map(({ name, message }) => [name.split(':').at(-1), message.error.code])).toEqual([
      ['error', 'ERR_STORE_BACKEND'],
      ['asyncEnd', 'ERR_STORE_BACKEND'],
      ['error', 'ERR_STORE_INVALID_ARGUMENT'],
      ['asyncEnd', 'ERR_STORE_INVALID_ARGUMENT'],
    ]);
    for (const { message } of heard) expect(message.error).toMatchObject({ store: 'test', operation: 'get' });
  });

  it('tells of a walk when it is over, also when it is left early', async () => {
    const store = new TestStore();
    await Promise.all(['a', 'b'].map((sid) => store.set(sid, {})));
    const heard = listen('tracing:sessile:operation:start', 'tracing:sessile:operation:asyncEnd');
    for await (const _ of store.entries()) break;
    expect(heard.map(({ name, message }) => `${name.split(':').at(-1)} ${message.operation}`)).toEqual([
      'start entries',
      'asyncEnd entries',
    ]);
    await store.all();
    expect(heard.slice(2).map(({ message }) => message.operation)).toEqual(['all', 'all']);
  });

  it('tells how many sessions share a command', async () => {
    const heard = listen('sessile:batch');
    const store = new TestStore(new PluralDriver(undefined, { singles: 2 }));
    await Promise.all(Array.from({ length: 10 }, (_, n) => store.get(`s${n}`)));
    expect(heard.map(({ message }) => message)).toEqual([{ store: 'test', verb: 'readMany', items: 8 }]);
  });

  it('tells of conflicts, drops and outages, without the ids', async () => {
    const heard = listen('sessile:event');
    const driver = new TestDriver();
    const [store, other] = [new TestStore(driver), new TestStore(driver)];
    await store.set(SECRET_SID, session(60_000, { a: 1 }));
    const [mine, theirs] = [await store.get(SECRET_SID), await other.get(SECRET_SID)];
    await other.set(SECRET_SID, Object.assign(theirs!, { b: 1 }));
    await store.set(SECRET_SID, Object.assign(mine!, { c: 1 }));
    await other.destroy(SECRET_SID);
    await store.set(SECRET_SID, Object.assign(mine!, { d: 1 }));
    driver.report?.('down', new Error('gone'));
    driver.report?.('up');
    expect(heard.map(({ message }) => ({ ...message, error: message.error?.message }))).toEqual([
      { store: 'test', event: 'conflict' },
      { store: 'test', event: 'drop', reason: 'missing', operation: 'set' },
      { store: 'test', event: 'down', error: expect.stringContaining('gone') },
      { store: 'test', event: 'up' },
    ]);
    expect(JSON.stringify(heard)).not.toContain('secret');
  });

  it('a call is told of nothing where nobody listens', async () => {
    expect(channel('tracing:sessile:operation:start').hasSubscribers).toBe(false);
    expect(await new TestStore().get('s')).toBeNull();
  });
});

describe('OpenTelemetry', () => {
  function telemetry() {
    const spans = new InMemorySpanExporter();
    const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 });
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
    const meterProvider = new MeterProvider({ readers: [reader] });
    onTestFinished(() => meterProvider.shutdown());
    const stop = instrument({ tracerProvider, meterProvider });
    onTestFinished(stop);
    const collect = async () => {
      await reader.forceFlush();
      const found =
        metrics
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
      return new Map(found.map((metric) => [metric.descriptor.name, metric]));
    };
    return { spans, collect, stop };
  }

  it('a span for each call, with the names that the conventions have', async () => {
    const { spans } = telemetry();
    const store = new TestStore(new TestDriver(undefined, { name: 'postgres' }));
    await store.set(SECRET_SID, { secret: 'data' });
    store.driver.failWith = () => new Error('away');
    await store.get(SECRET_SID).catch(() => undefined);
    const seen = spans.getFinishedSpans().map(({ name, kind, attributes, status }) => ({ name, kind, attributes, code: status.code }));
    expect(seen).toEqual([
      { name: 'set postgresql', kind: 2, attributes: { 'db.system.name': 'postgresql', 'db.operation.name': 'set' }, code: 0 },
      {
        name: 'get postgresql',
        kind: 2,
        attributes: { 'db.system.name': 'postgresql', 'db.operation.name': 'get', 'error.type': 'ERR_STORE_BACKEND' },
        code: 2,
      },
    ]);
    expect(JSON.stringify(spans.getFinishedSpans().map(({ attributes, status, events }) => [attributes, status, events]))).not.toContain(
      'secret',
    );
  });

  it('durations, sizes of batches, drops by reason', async () => {
    const { collect } = telemetry();
    const driver = new PluralDriver(undefined, { singles: 2 });
    const store = new TestStore(driver);
    await Promise.all(Array.from({ length: 10 }, (_, n) => store.get(`s${n}`)));
    await store.set('s', {});
    const loaded = await store.get('s');
    await store.destroy('s');
    await store.set('s', Object.assign(loaded!, { n: 1 }));
    const metrics = await collect();
    expect(metrics.get('db.client.operation.duration')?.descriptor.unit).toBe('s');
    const gets = metrics
      .get('db.client.operation.duration')
      ?.dataPoints.find(({ attributes }) => attributes['db.operation.name'] === 'get');
    expect(gets?.value).toMatchObject({ count: 11 });
    expect(metrics.get('sessile.batch.size')?.dataPoints).toMatchObject([
      { attributes: { 'db.system.name': 'test', 'db.operation.name': 'readMany' }, value: { count: 1, sum: 8 } },
    ]);
    expect(metrics.get('sessile.drops')?.dataPoints).toMatchObject([{ attributes: { 'sessile.drop.reason': 'missing' }, value: 1 }]);
  });

  it('ends when it is told to', async () => {
    const { spans, stop } = telemetry();
    stop();
    await new TestStore().get('s');
    expect(spans.getFinishedSpans()).toEqual([]);
  });
});
