import { describe, it } from 'vitest';
import { defineConformance, type Target } from '@sessile/store-conformance';
import target from './fixtures/conformance-target.js';

defineConformance({ describe, it }, target as Target);
