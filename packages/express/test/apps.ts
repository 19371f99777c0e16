import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import session from '@sessile/express';
import { MemoryStore } from '@sessile/store-memory';
import { SqliteStore } from '@sessile/store-sqlite';
import { afterEach } from 'vitest';

export type Handler = (req: any, res: any) => unknown;

/** The stores of ours that every line of the checklist is tried on. */
export const STORES = [
  ['memory', () => new MemoryStore()],
  ['sqlite', () => new SqliteStore({ file: ':memory:' })],
] as const;

const require = createRequire(import.meta.url);

/** Both Expresses that are in use. */
export const EXPRESSES: readonly [name: string, express: any][] = [
  ['Express 5', require('express')],
  ['Express 4', require('express-4')],
];

export const SECRET = 'keyboard cat';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** Closes something when the test is over. */
export function later(close: () => unknown): void {
  closing.push(close);
}

/** What a client got. */
export interface Reply {
  status: number;
  text: string;
  headers: Headers;
  /** The Set-Cookie headers. */
  cookies: string[];
  /** The session cookie's header; undefined where there is none. */
  cookie: string | undefined;
}

/** A client with a cookie jar. */
export class Client {
  readonly base: string;
  jar = new Map<string, string>();

  constructor(base: string, jar?: Map<string, string>) {
    this.base = base;
    if (jar !== undefined) this.jar = jar;
  }

  async get(path = '/', headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Reply> {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(this.base + path, {
      redirect: 'manual',
      ...init,
      headers: { ...(cookie === '' ? {} : { cookie }), ...headers },
    });
    const text = await response.text();
    const cookies = response.headers.getSetCookie();
    for (const line of cookies) this.#take(line);
    const own = cookies.find((line) => /^(__\w+-)?(connect\.sid|sid)=/.test(line));
    return { status: response.status, text, headers: response.headers, cookies, cookie: own };
  }

  async json(path = '/'): Promise<any> {
    return JSON.parse((await this.get(path)).text);
  }

  #take(line: string): void {
    const [pair = ''] = line.split(';');
    const at = pair.indexOf('=');
    const expires = /expires=([^;]+)/i.exec(line)?.[1];
    if (expires !== undefined && Date.parse(expires) <= Date.now()) this.jar.delete(pair.slice(0, at));
    else this.jar.set(pair.slice(0, at), pair.slice(at + 1));
  }
}

/** Serves a listener on a port of its own. */
export async function serve(listener: RequestListener): Promise<Client> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** A plain node:http server: the middleware, then a handler. An error is answered with its message. */
export function listener(middleware: any, handler: Handler, onError?: (error: any) => void): RequestListener {
  return (req: IncomingMessage, res: ServerResponse) => {
    const failed = (error: any) => {
      onError?.(error);
      if (res.headersSent || res.writableEnded) return;
      res.statusCode = 500;
      res.end(String(error?.message ?? error));
    };
    middleware(req, res, (error: unknown) => {
      if (error) return failed(error);
      try {
        // oxlint-disable-next-line promise/no-promise-in-callback
        Promise.resolve(handler(req, res)).catch(failed);
      } catch (thrown) {
        failed(thrown);
      }
    });
  };
}

/** A server with one middleware, the options of which have a secret. */
export function app(options: object, handler: Handler = answerSession, onError?: (error: any) => void): Promise<Client> {
  return serve(listener(session({ secret: SECRET, ...options }), handler, onError));
}

/** `/set/name/value` puts something into the session; everything else shows it. */
export function answerSession(req: any, res: any): void {
  const [, verb, name, value] = req.url.split('/');
  if (verb === 'set') req.session[name] = value;
  if (verb === 'untouched') res.end('untouched');
  else res.end(JSON.stringify({ ...req.session, id: req.sessionID }));
}

/** A callback of the old kind, as a promise. */
export function promised<T = any>(work: (callback: (error: any, result?: T) => void) => unknown): Promise<T | undefined> {
  return new Promise((resolve, reject) => work((error, result) => (error ? reject(error) : resolve(result))));
}

/** The pairs of a Set-Cookie header. */
export function attributes(line: string | undefined): Record<string, string | true> {
  const [, ...rest] = (line ?? '').split(/; */);
  return Object.fromEntries(
    rest.map((part) => [part.split('=')[0]?.toLowerCase(), part.includes('=') ? part.slice(part.indexOf('=') + 1) : true]),
  );
}
