import { spawn } from 'node:child_process';
import path from 'node:path';
import { Client } from '@sessile/testkit';
import { expect, it, onTestFinished } from 'vitest';

const file = path.join(import.meta.dirname, '..', 'server.js');

/** Starts the example on a free port. */
function start(): Promise<string> {
  const child = spawn(process.execPath, [file], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const url = /^(http:\S+?)\/ /.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`It ended with ${code}.`)));
  });
}

it('Prometheus reads how often the store was called, and how long it took', async () => {
  const url = await start();
  const client = new Client(url);
  for (const views of [1, 2, 3]) expect((await client.get('/')).text).toBe(`views: ${views}\n`);
  const { text } = await new Client(url).get('/metrics');
  const count = (operation: string) =>
    Number(new RegExp(`^db_client_operation_duration_count\\{[^}]*db_operation_name="${operation}"[^}]*\\} (\\d+)`, 'm').exec(text)?.[1]);
  expect(count('set')).toBe(3);
  expect(count('get')).toBe(2);
  expect(text).toContain('db_system_name="memory"');
  for (const { value } of client.cookies) expect(text).not.toContain(value);
  expect(client.cookies).toHaveLength(1);
});
