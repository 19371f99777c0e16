/* oxlint-disable typescript/no-misused-promises, typescript/consistent-return, typescript/no-base-to-string -- handlers of events may be async */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import session, { type LiveSession } from '@sessile/express';
import { MemoryStore } from '@sessile/store-memory';
import { SqliteStore } from '@sessile/store-sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server as SocketServer } from 'socket.io';
import { io } from 'socket.io-client';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { answerSession, Client, later, listener, SECRET } from './apps.js';

/** An HTTP server whose upgrades load their session, and keep what came of it. */
async function start(options: object = {}, watch: object = {}) {
  const store = new MemoryStore();
  const sessions = session<{ n: number; user: string }>({ secret: SECRET, store, ...options });
  const server = createServer(
    listener(sessions, async (req, res) => {
      if (req.url === '/logout') await req.session.destroy();
      if (req.url === '/logout') return res.end();
      return answerSession(req, res);
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets = new WebSocketServer({ noServer: true });
  const live: LiveSession[] = [];
  server.on('upgrade', async (req, socket, head) => {
    const found = await sessions.load(req, watch);
    if (found === null) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    live.push(found);
    sockets.handleUpgrade(req, socket, head, (ws) => {
      found.on('end', (reason) => ws.close(4001, reason));
      ws.on('close', () => found.close());
      ws.on('message', async (message) => {
        if (String(message) === 'count') found.session.n = (found.session.n ?? 0) + 1;
        if (String(message) === 'touch') await found.touch();
        else await found.save();
        ws.send(JSON.stringify({ n: found.session.n, id: found.id }));
      });
    });
  });
  later(() => {
    sockets.clients.forEach((ws) => ws.terminate());
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const client = new Client(`http://127.0.0.1:${port}`);
  const open = async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { cookie: `connect.sid=${client.jar.get('connect.sid')}` } });
    await once(ws, 'open');
    return ws;
  };
  return { store, sessions, server, client, open, live, port };
}

const ask = async (ws: WebSocket, text: string) => {
  const answer = once(ws, 'message');
  ws.send(text);
  return JSON.parse(String((await answer)[0]));
};

describe('ws: await session.load(req) from an upgrade', () => {
  it('reads the session, saves it, and requests see what was saved', async () => {
    const { client, open } = await start();
    await client.get('/set/user/ann');
    const ws = await open();
    expect((await ask(ws, 'count')).n).toBe(1);
    expect((await ask(ws, 'count')).n).toBe(2);
    expect(await client.json('/')).toMatchObject({ n: 2, user: 'ann' });
    ws.terminate();
  });

  it('gives null without a session, and the upgrade is refused', async () => {
    const { port } = await start();
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`);
    const [error] = await once(ws, 'error');
    expect(String(error)).toMatch(/401/);
  });

  it('a logout in this process ends the socket at once', async () => {
    const { client, open, live } = await start({}, { checkMs: 600_000 });
    await client.get('/set/user/ann');
    const [ws, second] = [await open(), await open()];
    const [closed, closedToo] = [once(ws, 'close'), once(second, 'close')];
    await client.get('/logout');
    expect([(await closed)[0], String((await closedToo)[1])]).toEqual([4001, 'destroyed']);
    expect(live.every(({ ended }) => ended)).toBe(true);
  });

  it('a logout in this process ends it with a store that is not ours, too', async () => {
    const { client, open } = await start({ store: new session.MemoryStore() }, { checkMs: 600_000 });
    await client.get('/set/user/ann');
    const ws = await open();
    const closed = once(ws, 'close');
    await client.get('/logout');
    expect((await closed)[0]).toBe(4001);
  });

  it('a logout by another process, or an expiry, ends it at the next look', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sessile-ws-'));
    const file = join(folder, 'sessions.sqlite');
    const [mine, other] = [new SqliteStore({ file }), new SqliteStore({ file })];
    later(async () => {
      await Promise.all([mine.close(), other.close()]);
      rmSync(folder, { recursive: true });
    });
    const { client, open } = await start({ store: mine }, { checkMs: 20 });
    await client.get('/set/user/ann');
    const ws = await open();
    const closed = once(ws, 'close');
    await other.clear();
    expect(String((await closed)[1])).toBe('gone');
    await client.get('/set/user/ann');
    const brief = await open();
    const expired = once(brief, 'close');
    const [sid = ''] = await other.ids();
    await other.touch(sid, undefined, 50);
    expect(String((await expired)[1])).toBe('gone');
  });

  it('its longest life ends it on time, whatever checkMs is', async () => {
    const { client, open } = await start({ absoluteMs: 700 }, { checkMs: 600_000 });
    await client.get('/set/user/ann');
    const ws = await open();
    expect(String((await once(ws, 'close'))[1])).toBe('too old');
  });

  it('touch keeps it alive', async () => {
    const { client, open, store } = await start({ cookie: { maxAge: 60_000 } });
    await client.get('/set/user/ann');
    const touched = vi.fn();
    store.on('touch', touched);
    const ws = await open();
    await ask(ws, 'touch');
    expect(touched).toHaveBeenCalledTimes(1);
    ws.terminate();
  });

  it('a save after a logout brings nothing back', async () => {
    const { client, open, store, live } = await start({}, { checkMs: 600_000 });
    await client.get('/set/user/ann');
    await open();
    await store.clear();
    (live[0] as LiveSession).session.n = 5;
    await live[0]?.save();
    expect(await store.length()).toBe(0);
  });

  it('a look that fails is an error event for who listens, and the watch goes on', async () => {
    const { client, open, store, live } = await start({}, { checkMs: 10 });
    await client.get('/set/user/ann');
    const ws = await open();
    const failing = vi.spyOn(store, 'get').mockImplementation(((_: string, callback: any) => callback(new Error('away'))) as never);
    const errors = vi.fn();
    live[0]?.on('error', errors);
    await expect.poll(() => errors.mock.calls.length).toBeGreaterThan(1);
    failing.mockRestore();
    const closed = once(ws, 'close');
    await store.clear();
    await closed;
  });

  it('many sockets of one session cost one listener of the store', async () => {
    const { client, store, open } = await start();
    await client.get('/set/user/ann');
    const listeners = store.listenerCount('destroy');
    for (let at = 0; at < 12; at += 1) await open();
    expect(store.listenerCount('destroy')).toBeLessThanOrEqual(listeners + 1);
  });
});

describe('socket.io', () => {
  it('the middleware serves its handshakes, and load watches their sessions', async () => {
    const { client, server, sessions, port } = await start();
    await client.get('/set/user/ann');
    server.removeAllListeners('upgrade');
    const sockets = new SocketServer(server, { transports: ['websocket'] });
    later(() => sockets.close());
    sockets.use((socket, next) => {
      sessions.load(socket.request).then((live) => {
        if (live === null) return next(new Error('log in first'));
        socket.data.live = live;
        live.on('end', () => socket.disconnect(true));
        socket.on('disconnect', () => live.close());
        return next();
      }, next);
    });
    sockets.on('connection', (socket) => {
      const live: LiveSession = socket.data.live;
      socket.on('count', async (answer) => {
        live.session.n = (live.session.n ?? 0) + 1;
        await live.save();
        answer(live.session.n, live.session.user);
      });
    });
    const cookie = `connect.sid=${client.jar.get('connect.sid')}`;
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], extraHeaders: { cookie }, reconnection: false });
    later(() => socket.close());
    await new Promise<void>((resolve, reject) => socket.on('connect', resolve).on('connect_error', reject));
    const count = () => new Promise((resolve) => socket.emit('count', (...all: unknown[]) => resolve(all)));
    expect([await count(), await count()]).toEqual([
      [1, 'ann'],
      [2, 'ann'],
    ]);
    expect((await client.json('/')).n).toBe(2);
    const gone = new Promise((resolve) => socket.on('disconnect', resolve));
    await client.get('/logout');
    expect(await gone).toBe('io server disconnect');
    const refused = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true, reconnection: false });
    const error: any = await new Promise((resolve) => refused.on('connect_error', resolve));
    refused.close();
    expect(error.message).toBe('log in first');
  });
});
