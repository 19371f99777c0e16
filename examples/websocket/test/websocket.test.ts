import { once } from 'node:events';
import path from 'node:path';
import { Client, startProgram } from '@sessile/testkit';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';

const server = path.join(import.meta.dirname, '..', 'server.js');

/** A window of a browser: the socket, and what it said, in order. */
async function open(url: string, visitor: Client, origin = url) {
  const cookie = visitor.cookies.map((one) => one.cookieString()).join('; ');
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: { cookie }, origin });
  const messages: string[] = [];
  socket.on('message', (text: Buffer) => messages.push(text.toString()));
  await once(socket, 'open');
  return { socket, messages };
}

it('a WebSocket has the session of its visitor, and is closed by the logout', async () => {
  await using program = await startProgram([server]);
  const { url } = program;
  const visitor = new Client(url);
  expect((await visitor.get('/')).text).toContain('<form method="post" action="/login">');
  await expect(open(url, visitor)).rejects.toThrow('401');
  expect((await visitor.post('/login', { user: 'ada' })).status).toBe(303);
  await expect(open(url, visitor, 'http://elsewhere.example')).rejects.toThrow('403');

  const windows = [await open(url, visitor), await open(url, visitor)];
  for (const { socket, messages } of windows) {
    socket.send('hello');
    await expect.poll(() => messages.length, { timeout: 10_000 }).toBe(1);
  }
  expect(windows.map(({ messages }) => messages)).toEqual([['ada, message 1: hello'], ['ada, message 2: hello']]);

  const closed = windows.map(({ socket }) => once(socket, 'close'));
  expect((await visitor.post('/logout')).status).toBe(303);
  const reasons = await Promise.all(closed);
  expect(reasons.map(([code, reason]) => [code, String(reason)])).toEqual([
    [4001, 'destroyed'],
    [4001, 'destroyed'],
  ]);
  await expect(open(url, visitor)).rejects.toThrow('401');
});
