import path from 'node:path';
import { Client, startProgram } from '@sessile/testkit';
import { expect, it } from 'vitest';

const server = path.join(import.meta.dirname, '..', 'server.js');
const start = (env: NodeJS.ProcessEnv = {}) => startProgram([server], { env });

it('keeps a basket in the cookie, shows a message once, and empties', async () => {
  await using program = await start();
  const visitor = new Client(program.url);
  const home = async () => (await visitor.get('/')).text;
  expect(await home()).toBe('views: 1, basket: nothing\n');
  expect((await visitor.post('/basket', { item: 'tea' })).status).toBe(303);
  expect(await home()).toBe('Added tea.\nviews: 2, basket: tea\n');
  await visitor.post('/basket', { item: 'cake' });
  await home();
  expect(await home()).toBe('views: 4, basket: tea, cake\n');
  expect((await visitor.post('/basket')).status).toBe(400);
  await visitor.post('/empty');
  expect(visitor.cookies).toEqual([]);
  expect(await home()).toBe('views: 1, basket: nothing\n');
});

it('keeps it over a restart, and takes no cookie that was signed by another key', async () => {
  await using first = await start({ SESSION_SECRET: 'old' });
  const visitor = new Client(first.url);
  await visitor.post('/basket', { item: 'tea' });
  await first.stop();
  await using second = await start({ SESSION_SECRET: 'new,old' });
  expect((await visitor.clone(second.url).get('/')).text).toContain('basket: tea');
  await using third = await start({ SESSION_SECRET: 'new' });
  expect((await visitor.clone(third.url).get('/')).text).toContain('basket: nothing');
});
