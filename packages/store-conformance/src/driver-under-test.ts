/**
 * What the checks of bare drivers ask of one, in the words of the core.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { Call, Replaced, Stored, StoreDriver } from '@sessile/core/driver';
import { LONG_MS } from './sessions.js';
import type { StoreUnderTest } from './store-under-test.js';
import type { Trial } from './trial.js';

export type Driver = StoreDriver;

/** Of sessions that are left to expire: nothing must be done while they live. */
export const SHORT_MS = 400;

/** The driver, as the core would have it. */
export function opened({ raw }: StoreUnderTest): Driver {
  const bare = raw as unknown as Driver;
  bare.open?.(() => undefined);
  return bare;
}

export function call(): Call {
  return { timeLeftMs: 10_000, signal: new AbortController().signal, progress: () => undefined };
}

/** A payload that is JSON, for backends that look. */
export function text(value: unknown): string {
  return JSON.stringify({ value });
}

/** In the unit of the driver, as the core gives it. */
export function lifeOf({ unitMs }: Trial, ms: number): number {
  return Math.ceil(ms / unitMs) * unitMs;
}

export async function put(d: Driver, t: Trial, key: string, payload: string, ms = LONG_MS): Promise<unknown> {
  return d.write({ key, payload, ttlMs: lifeOf(t, ms) }, call());
}

export async function there(d: Driver, key: string, step: string): Promise<Stored<unknown>> {
  const stored = await d.read(key, call());
  assert.ok(stored, `${step}: there is none`);
  return stored;
}

/** Until every short life has ended. */
export function passShort(t: Trial): Promise<void> {
  return t.clock.pass(lifeOf(t, SHORT_MS) + t.resolutionMs + 100);
}

interface NewText {
  readonly payload?: string;
  readonly ttlMs?: number | 'keep';
  readonly onlyLonger?: boolean;
}

/** Only for drivers that have it. */
export async function replace(d: Driver, key: string, expected: unknown, change: NewText = {}): Promise<Replaced<unknown>> {
  const answer = await d.replace?.({ key, payload: text('new'), ttlMs: LONG_MS, onlyLonger: false, ...change, expected }, call());
  assert.ok(answer, 'replace() answered nothing');
  return answer;
}

/** What a walk gives, by key. */
export async function scanned(t: Trial, d: Driver, payloads: boolean): Promise<{ key: string; payload: string | undefined }[]> {
  await t.store.listed();
  const found: { key: string; payload: string | undefined }[] = [];
  for await (const page of d.scan(payloads, call())) found.push(...page.map(({ key, stored }) => ({ key, payload: stored?.payload })));
  return found.sort((one, two) => (one.key < two.key ? -1 : 1));
}
