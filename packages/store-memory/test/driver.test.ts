import { describe, it } from 'vitest';
import { defineConformance } from '@sessile/store-conformance';
import { MemoryDriver } from '@sessile/store-memory';

defineConformance({ describe, it }, { name: 'MemoryDriver', kind: 'driver', create: () => new MemoryDriver() }, { only: ['DRV'] });
