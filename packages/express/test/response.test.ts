import { once } from 'node:events';
import { createServer as createHttp2, connect } from 'node:http2';
import { createRequire } from 'node:module';
import { connect as connectTcp } from 'node:net';
import { Readable } from 'node:stream';
import session from '@sessile/express';
import { describe, expect, it, vi } from 'vitest';
import { type Client, EXPRESSES, type Handler, later, listener, SECRET, serve } from './apps.js';

const require = createRequire(import.meta.url);

/** A store whose saves wait until the test lets them go. */
class Gate extends session.MemoryStore {
  waiting: (() => void)[] = [];
  saved = 0;

  override set(sid: string, data: object, callback?: (error?: unknown) => void): void {
    this.waiting.push(() => {
      this.saved += 1;
      super.set(sid, data, callback);
    });
  }

  async release(): Promise<void> {
    await expect.poll(() => this.waiting.length).toBeGreaterThan(0);
    for (const go of this.waiting.splice(0)) go();
  }
}

/** What arrives at a client's socket, and when. */
async function raw(client: Client, request: string) {
  const { port, hostname } = new URL(client.base);
  const socket = connectTcp(Number(port), hostname);
  await once(socket, 'connect');
  const state = { text: '', ended: false };
  socket.setEncoding('latin1');
  socket.on('data', (data: string) => (state.text += data));
  socket.on('end', () => (state.ended = true));
  socket.write(`${request}\r\nHost: x\r\nConnection: close\r\n\r\n`);
  later(() => socket.destroy());
  return state;
}

const used =
  (handler: Handler): Handler =>
  (req, res) => {
    req.session.n = (req.session.n ?? 0) + 1;
    return handler(req, res);
  };

async function gated(handler: Handler, onError?: (error: any) => void) {
  const store = new Gate();
  const client = await serve(listener(session({ secret: SECRET, store }), used(handler), onError));
  return { store, client };
}

/** Long enough for an answer to arrive on loopback, where one was sent. */
const meanwhile = () => new Promise((resolve) => setTimeout(resolve, 60));

describe('A32 the client cannot act on an answer before the session is stored', () => {
  const nothing: [name: string, handler: Handler][] = [
    ['end(text)', (_, res) => res.end('hello')],
    ['end()', (_, res) => res.end()],
    ['end(callback)', (_, res) => res.end(() => {})],
    ['end(text, encoding, callback)', (_, res) => res.end('68656c6c6f', 'hex', () => {})],
    ['writeHead, then end', (_, res) => res.writeHead(302, { Location: '/next' }).end()],
    ['a length, and end(buffer)', (_, res) => res.setHeader('Content-Length', 5) && res.end(Buffer.from('hello'))],
    ['304', (_, res) => res.writeHead(304).end()],
    ['204', (_, res) => res.writeHead(204).end()],
  ];

  it.each(nothing)('%s: nothing leaves before that', async (_, handler) => {
    const { store, client } = await gated(handler);
    const state = await raw(client, 'GET / HTTP/1.1');
    await expect.poll(() => store.waiting.length).toBe(1);
    await meanwhile();
    expect(state.text).toBe('');
    await store.release();
    await expect.poll(() => state.ended).toBe(true);
    expect(state.text).toMatch(/^HTTP\/1\.1 \d+ /);
    expect(state.text).toMatch(/set-cookie: connect\.sid=/i);
  });

  it('a redirect by Express leaves with the session stored', async () => {
    for (const [, express] of EXPRESSES) {
      const store = new Gate();
      const app = express();
      app.use(session({ secret: SECRET, store }));
      app.get(
        '/',
        used((_, res) => res.redirect('/next')),
      );
      const client = await serve(app);
      const state = await raw(client, 'GET / HTTP/1.1');
      await expect.poll(() => store.waiting.length).toBe(1);
      await meanwhile();
      expect(state.text).toBe('');
      await store.release();
      await expect.poll(() => state.text).toMatch(/location: \/next/i);
    }
  });

  it('a stream without a length: its end waits', async () => {
    const { store, client } = await gated((_, res) => {
      res.write('first');
      res.write('second');
      res.end();
    });
    const state = await raw(client, 'GET / HTTP/1.1');
    await expect.poll(() => state.text).toMatch(/first[^]*second/);
    await meanwhile();
    expect(state.text).not.toMatch(/\r\n0\r\n/);
    await store.release();
    await expect.poll(() => state.text).toMatch(/\r\n0\r\n\r\n$/);
  });

  it('a stream with a length: its last byte waits', async () => {
    const { store, client } = await gated((_, res) => {
      res.setHeader('Content-Length', 10);
      Readable.from([Buffer.from('hello'), Buffer.from('world')]).pipe(res);
    });
    const state = await raw(client, 'GET / HTTP/1.1');
    await expect.poll(() => state.text).toMatch(/helloworl$/);
    await meanwhile();
    expect(state.text).toMatch(/helloworl$/);
    await store.release();
    await expect.poll(() => state.text).toMatch(/helloworld$/);
  });

  it('a body of one byte that is written: it waits', async () => {
    const { store, client } = await gated((_, res) => {
      res.setHeader('Content-Length', 1);
      res.write('x', () => res.end());
    });
    const state = await raw(client, 'GET / HTTP/1.1');
    await store.release();
    await expect.poll(() => state.text).toMatch(/\r\n\r\nx$/);
  });

  it('flushHeaders sends the headers with the cookie, and the end waits', async () => {
    const { store, client } = await gated((_, res) => {
      res.flushHeaders();
      res.end('hello');
    });
    const state = await raw(client, 'GET / HTTP/1.1');
    await expect.poll(() => state.text).toMatch(/set-cookie: connect/i);
    await meanwhile();
    expect(state.text).not.toMatch(/hello/);
    await store.release();
    await expect.poll(() => state.text).toMatch(/hello/);
  });

  it('trailers come after the body', async () => {
    const { store, client } = await gated((_, res) => {
      res.setHeader('Trailer', 'X-Sum');
      res.write('hello');
      res.addTrailers({ 'X-Sum': '42' });
      res.end();
    });
    const state = await raw(client, 'GET / HTTP/1.1');
    await store.release();
    await expect.poll(() => state.text).toMatch(/hello\r\n0\r\nX-Sum: 42\r\n\r\n$/);
  });

  it.each<[string, string, Handler]>([
    ['GET', 'end(text)', (_, res) => res.end('grün', 'utf8')],
    ['GET', 'end(callback)', (_, res) => res.end(() => {})],
    ['GET', 'a length', (_, res) => res.setHeader('Content-Length', 2) && res.end('ab')],
    ['GET', '304', (_, res) => res.writeHead(304).end()],
    ['GET', '204', (_, res) => res.writeHead(204).end()],
    ['HEAD', 'end(text)', (_, res) => res.end('hello')],
    ['HEAD', 'a length', (_, res) => res.setHeader('Content-Length', 5) && res.end('hello')],
    ['HEAD', 'a length, and writes', (_, res) => res.setHeader('Content-Length', 5) && res.write('hello') !== null && res.end()],
  ])('the response is as it would be without a session: %s, %s', async (method, _, handler) => {
    const plain = await serve(handler);
    const { store, client } = await gated(handler);
    const without = await raw(plain, `${method} / HTTP/1.1`);
    const state = await raw(client, `${method} / HTTP/1.1`);
    await store.release();
    await expect.poll(() => [without.ended, state.ended]).toEqual([true, true]);
    const strip = (text: string) => text.replace(/^(set-cookie|date): .*\r\n/gim, '');
    expect(strip(state.text)).toBe(strip(without.text));
  });

  it('after end the app sees headersSent, and can change nothing more', async () => {
    const seen: unknown[] = [];
    const { store, client } = await gated((_, res) => {
      seen.push(res.end('first') === res, res.headersSent);
      expect(() => res.setHeader('X-Late', '1')).toThrow(/ERR_HTTP_HEADERS_SENT|after they are sent/);
      seen.push(res.end('second'));
    });
    const reply = client.get();
    await store.release();
    expect((await reply).text).toBe('first');
    expect(seen).toEqual([true, true, false]);
  });

  it('callbacks of end are called once the response is over, those of a second end too', async () => {
    const called = vi.fn();
    const { store, client } = await gated((_, res) => {
      res.end('hello', () => called('first'));
      res.end(() => called('second'));
    });
    const reply = client.get();
    await expect.poll(() => store.waiting.length).toBe(1);
    expect(called).not.toHaveBeenCalled();
    await store.release();
    await reply;
    await expect.poll(() => called.mock.calls.flat().sort()).toEqual(['first', 'second']);
  });

  it('a write after end is an error of Node, as without a session', async () => {
    const error = vi.fn();
    const { store, client } = await gated((_, res) => {
      res.on('error', error);
      res.end('hello');
      res.write('more', (failed: any) => error(failed));
    });
    const reply = client.get();
    await store.release();
    expect((await reply).text).toBe('hello');
    await expect.poll(() => error.mock.calls[0]?.[0]?.code).toBe('ERR_STREAM_WRITE_AFTER_END');
  });

  it('a store that fails to save is an error for next, and the answer goes out', async () => {
    const onError = vi.fn();
    const store = new session.MemoryStore();
    store.set = (_: string, _data: object, callback: any) => callback(new Error('boom'));
    const client = await serve(
      listener(
        session({ secret: SECRET, store }),
        used((_, res) => res.end('answer')),
        onError,
      ),
    );
    expect((await client.get()).text).toBe('answer');
    await expect.poll(() => onError.mock.calls[0]?.[0]?.message).toBe('boom');
    store.set = () => {
      throw new Error('thrown');
    };
    expect((await client.get()).text).toBe('answer');
    await expect.poll(() => onError.mock.calls[1]?.[0]?.message).toBe('thrown');
  });

  it('data that cannot be serialized are an error for next', async () => {
    const onError = vi.fn();
    const handler: Handler = (req, res) => {
      req.session.big = 1n;
      res.end('answer');
    };
    const client = await serve(listener(session({ secret: SECRET }), handler, onError));
    expect((await client.get()).text).toBe('answer');
    await expect.poll(() => onError.mock.calls[0]?.[0]).toBeInstanceOf(TypeError);
  });

  it('a client that went away harms nothing, and its session is stored', async () => {
    const { store, client } = await gated((_, res) => res.end('hello'));
    const { port, hostname } = new URL(client.base);
    const socket = connectTcp(Number(port), hostname);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => store.waiting.length).toBe(1);
    socket.destroy();
    await store.release();
    await expect.poll(() => store.saved).toBe(1);
  });

  it('works under connect, with compression-like middleware that wraps write and end', async () => {
    const connectApp = require('connect')();
    connectApp.use((_: any, res: any, next: any) => {
      const { write, end } = res;
      res.write = function upper(chunk: any, ...rest: any[]) {
        return write.call(this, String(chunk).toUpperCase(), ...rest);
      };
      res.end = function upper(chunk: any, ...rest: any[]) {
        return end.call(this, typeof chunk === 'string' ? chunk.toUpperCase() : chunk, ...rest);
      };
      next();
    });
    connectApp.use(session({ secret: SECRET }));
    connectApp.use(used((req, res) => res.write('a') && res.end(`b${req.session.n}`)));
    const client = await serve(connectApp);
    expect((await client.get()).text).toBe('AB1');
    expect((await client.get()).text).toBe('AB2');
  });
});

describe.each(EXPRESSES)('the shape of requests and responses on %s', (_name, express) => {
  it('a mounted app, which changes their prototypes again, ends with the session stored', async () => {
    const parent = express();
    const child = express();
    parent.use(session({ secret: SECRET }));
    parent.use('/child', child);
    child.get('/', (req: any, res: any) => {
      req.session.n = (req.session.n ?? 0) + 1;
      res.json(req.session.n);
    });
    const client = await serve(parent);
    expect([await client.json('/child'), await client.json('/child')]).toEqual([1, 2]);
  });

  it('the number of listeners that an app allows stays', async () => {
    const own = express();
    own.use((req: any, res: any, next: any) => (req.setMaxListeners(21), res.setMaxListeners(22), next()));
    own.use(session({ secret: SECRET }));
    own.get('/', (req: any, res: any) => res.json([req.getMaxListeners(), res.getMaxListeners()]));
    own.get('/later', (_req: any, res: any) => res.setMaxListeners(23) && res.json(res.getMaxListeners()));
    const client = await serve(own);
    expect(await client.json('/')).toEqual([21, 22]);
    expect(await client.json('/later')).toBe(23);
  });

  it('a second session middleware takes over where the app has dropped the session of the first', async () => {
    const own = express();
    const stores = [new session.MemoryStore(), new session.MemoryStore()] as const;
    own.use(session({ secret: SECRET, name: 'one.sid', store: stores[0] }));
    own.use((req: any, _res: any, next: any) => {
      if (req.url === '/two') req.session = null;
      next();
    });
    own.use(session({ secret: SECRET, name: 'two.sid', store: stores[1] }));
    own.use((req: any, res: any) => {
      req.session.n = (req.session.n ?? 0) + 1;
      res.json(req.session.n);
    });
    const client = await serve(own);
    expect([await client.json('/one'), await client.json('/two'), await client.json('/two'), await client.json('/one')]).toEqual([
      1, 1, 2, 2,
    ]);
    expect([...client.jar.keys()]).toEqual(['one.sid', 'two.sid']);
    expect(stores.map((store) => Object.keys(store.sessions).length)).toEqual([1, 1]);
  });
});

describe('HTTP/2', () => {
  async function http2(handler: Handler, store: any = new session.MemoryStore()) {
    const server = createHttp2({}, listener(session({ secret: SECRET, store }), used(handler)) as never);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect(`http://127.0.0.1:${(server.address() as any).port}`);
    later(() => (client.close(), server.close()));
    return async (headers: object = {}, onResponse?: () => void) => {
      const stream = client.request({ ':path': '/', ...headers });
      let text = '';
      stream.setEncoding('utf8');
      stream.on('data', (data) => (text += data));
      const [answer] = await once(stream, 'response');
      onResponse?.();
      if (!stream.readableEnded) await once(stream, 'end');
      return { text, headers: answer };
    };
  }

  it.each<[string, Handler]>([
    ['end(text)', (req, res) => res.end(String(req.session.n))],
    ['write and end', (req, res) => res.write(String(req.session.n)) && res.end()],
    ['writeHead and end', (req, res) => res.writeHead(200, { 'x-mine': '1' }) && res.end(String(req.session.n))],
    ['end(text, callback)', (req, res) => res.end(String(req.session.n), () => {})],
  ])('%s: the cookie is set, and the session lasts', async (_, handler) => {
    const get = await http2(handler);
    const first = await get();
    const cookie = String(first.headers['set-cookie']?.[0]).split(';')[0];
    expect(cookie).toMatch(/^connect\.sid=/);
    expect([first.text, (await get({ cookie })).text, (await get({ cookie })).text]).toEqual(['1', '2', '3']);
  });

  it('nothing of an answer leaves before the session is stored', async () => {
    const store = new Gate();
    const get = await http2((_, res) => res.end('hello'), store);
    let saved = -1;
    const reply = get({}, () => (saved = store.saved));
    await store.release();
    expect((await reply).text).toBe('hello');
    expect(saved).toBe(1);
  });
});
