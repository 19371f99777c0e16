import path from 'node:path';
import { Client, startProgram } from '@sessile/testkit';
import { expect, it } from 'vitest';

const file = path.join(import.meta.dirname, '..', 'server.js');

it('Prometheus reads how often the store was called, and how long it took', async () => {
  await using program = await startProgram([file]);
  const { url } = program;
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
