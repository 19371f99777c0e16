import { describe, it } from 'vitest';
import { SessionStore } from '@sessile/core';
import { defineConformance, type Target } from '@sessile/store-conformance';
import { MemoryDriver } from '@sessile/store-memory';
import target from './fixtures/conformance-target.js';

defineConformance({ describe, it }, target as Target);

/** A store whose backend can be reached from outside, as a test of damage and of two processes needs it. */
class OpenStore extends SessionStore {
  readonly reach: () => MemoryDriver;

  constructor(driver = new MemoryDriver()) {
    super(driver);
    this.reach = () => driver;
  }
}

defineConformance(
  { describe, it },
  {
    name: 'two SessionStores over one MemoryDriver',
    create: () => new OpenStore(),
    second: (store: OpenStore) => new OpenStore(store.reach()),
    spoil: (store: OpenStore, sid, text) => void store.reach().write({ key: sid, payload: text, ttlMs: 60_000 }),
  },
  { only: ['CON-14', 'UPD-1', 'ALL-4', 'ERR-5', 'ERR-6', 'ERR-7', 'ERR-9', 'EVT-1'] },
);
