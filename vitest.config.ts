import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**'],
    // Most of a test's time is a server's, or the life of a session that it waits for.
    maxWorkers: Math.max(2, availableParallelism()),
    // A flake is a bug to be found: nothing is tried twice.
    retry: 0,
    testTimeout: 30_000,
    // The first test that asks for a server waits for its container.
    hookTimeout: 120_000,
    globalSetup: './scripts/backends.mjs',
    reporters: ['default', './scripts/skip-reporter.mjs', ['json', { outputFile: 'node_modules/.cache/vitest.json' }]],
  },
});
