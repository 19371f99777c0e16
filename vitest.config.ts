import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Chromium gives up its requests (ERR_NETWORK_CHANGED) whenever a container starts or ends: its tests run before those that need servers. */
const BROWSER = ['examples/demo/test/page.test.ts'];

export default defineConfig({
  test: {
    // Most of a test's time is a server's, or the life of a session that it waits for.
    maxWorkers: Math.max(2, availableParallelism()),
    // A flake is a bug to be found: nothing is tried twice.
    retry: 0,
    testTimeout: 30_000,
    // The first test that asks for a server waits for its container.
    hookTimeout: 120_000,
    reporters: ['default', './scripts/skip-reporter.mjs', ['json', { outputFile: 'node_modules/.cache/vitest.json' }]],
    projects: [
      { extends: true, test: { name: 'browser', include: BROWSER, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: 'all',
          include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**', ...BROWSER],
          globalSetup: './scripts/backends.mjs',
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
