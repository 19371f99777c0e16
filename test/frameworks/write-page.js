/** `npm run matrix`: runs the tests, and writes docs/frameworks.md from what they saw. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PAGE, render } from './page.js';

/** In the order of the page's columns. */
const PARTS = ['express-session', 'koa', 'egg', 'fastify'];

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sessile-matrix-'));

const tests = PARTS.map((part) => `test/frameworks/${part}.test.ts`);
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
// A page of some stores would look like one of all.
const env = { ...process.env, SESSILE_MATRIX: folder, SESSILE_REQUIRE: 'all' };
const { status } = spawnSync(process.execPath, [vitest, 'run', ...tests], { cwd: root, env, stdio: 'inherit' });

if (status === 0) {
  const parts = PARTS.map((part) => JSON.parse(readFileSync(join(folder, `${part}.json`), 'utf8')));
  const [{ rows, stores }] = parts;
  writeFileSync(
    PAGE,
    render(
      parts.flatMap(({ sights }) => sights),
      rows,
      stores,
    ),
  );
  console.log(`Written: ${fileURLToPath(PAGE)}`);
} else {
  console.error('A test failed: docs/frameworks.md is left as it is.');
}
rmSync(folder, { recursive: true });
process.exitCode = status ?? 1;
