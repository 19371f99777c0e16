import path from 'node:path';
import { assertLogin, Client, startProgram } from '@sessile/testkit';
import { expect, it } from 'vitest';

const server = path.join(import.meta.dirname, '..', 'server.js');

it('counts visits, and knows who logged in until the logout, over a restart too', () => assertLogin({ args: [server] }));

it('asks for no session where the page needs none, and remembers who wants it', async () => {
  await using program = await startProgram([server], { env: { SESSIONS: ':memory:' } });
  const visitor = new Client(program.url);
  expect((await visitor.get('/about')).setCookie).toEqual([]);
  const lifeMinutes = () => {
    const [cookie] = visitor.cookies;
    return Math.round((Number(cookie!.expires) - Date.now()) / 60_000);
  };
  await visitor.post('/login', { user: 'ada' });
  expect(lifeMinutes()).toBe(30);
  await visitor.post('/login', { user: 'ada', remember: 'yes' });
  expect(lifeMinutes()).toBe(30 * 24 * 60);
});
