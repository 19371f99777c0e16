import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { OwnServer } from '../types.js';

/** Uses a store, waits until its server is frozen, and closes it. Nothing else may keep it alive. */
const SCRIPT = `
const [module, url, name, timeoutMs] = process.argv.slice(1);
const { openStore } = await import(module);
const store = openStore(url, name, Number(timeoutMs));
while (await store.set('s', { n: 1 }).catch(String));
console.log('set');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.destroy();
const get = store.get('s').catch(({ code }) => code);
await store.close().catch(({ code }) => code);
console.log(await get);
console.log(await store.get('s').catch(({ code }) => code));`;

/** For a busy machine: to start a process, and to make a table. */
const LIMIT_MS = 25_000;
/** To end after its store was closed, beside the time of a call. */
const GRACE_MS = 4000;

/** @throws AssertionError where a process lives on though it has closed its store. */
export async function assertEnds(module: URL, server: OwnServer, name: string, timeoutMs: number): Promise<void> {
  const args = ['--input-type=module', '-e', SCRIPT, module.href, server.url, name, String(timeoutMs)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: LIMIT_MS });
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'set');
  await server.freeze();
  try {
    const frozenAt = performance.now();
    child.stdin.write('frozen\n');
    const said = [];
    for await (const line of lines) said.push(line);
    assert.match(said[0] ?? '', /^ERR_STORE_(TIMEOUT|UNAVAILABLE|CLOSED)$/);
    assert.deepEqual(said.slice(1), ['ERR_STORE_CLOSED']);
    assert.deepEqual(await ended, [0, null], 'it had to be ended');
    const ms = performance.now() - frozenAt;
    assert.ok(ms < timeoutMs + GRACE_MS, `it lived on for ${Math.round(ms)} ms`);
  } finally {
    await server.thaw();
  }
}
