import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const fixture = fileURLToPath(new URL('fixtures/throwing-callbacks.mjs', import.meta.url));

it('CB: what a callback throws is an uncaught exception of that one call; no callback comes twice, no neighbour is harmed', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [fixture]);
  expect(JSON.parse(stdout)).toEqual({
    seen: ['0', '1', '2', '3', 'set'],
    uncaught: ['callback 1', 'callback 3', 'callback set'],
    left: { n: 1 },
  });
});
