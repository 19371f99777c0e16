import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { defineConformance } from '@sessile/store-conformance';
import { SqliteDriver } from '@sessile/store-sqlite';

const directory = mkdtempSync(join(tmpdir(), 'sessile-sqlite-driver-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let made = 0;

defineConformance(
  { describe, it },
  { name: 'SqliteDriver', kind: 'driver', create: () => new SqliteDriver({ file: join(directory, `${(made += 1)}.sqlite`) }) },
  { only: ['DRV'] },
);
