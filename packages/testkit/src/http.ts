import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A client with a cookie jar of its own. */
export class Client {
  readonly #base: string;
  readonly cookies = new Map<string, string>();

  constructor(base: string) {
    this.#base = base;
  }

  /** Another client that has the same cookies now: a second tab, or the same site on another server. */
  clone(base = this.#base): Client {
    const twin = new Client(base);
    for (const [name, value] of this.cookies) twin.cookies.set(name, value);
    return twin;
  }

  async get(path: string): Promise<{ status: number; text: string; setCookie: string[] }> {
    const cookie = Array.from(this.cookies, ([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(this.#base + path, { redirect: 'manual', headers: cookie === '' ? {} : { cookie } });
    const setCookie = response.headers.getSetCookie();
    for (const line of setCookie) this.#take(line);
    return { status: response.status, text: await response.text(), setCookie };
  }

  #take(line: string): void {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    const expires = /expires=([^;]+)/i.exec(line)?.[1];
    if (name === undefined || value === undefined) return;
    if (expires !== undefined && Date.parse(expires) <= Date.now()) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** Serves on a free port of the loopback; closes it with `await using`. */
export async function serve(listener: RequestListener): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => close(server) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
