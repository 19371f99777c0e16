import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Cookie, CookieJar } from 'tough-cookie';

export type { Cookie };

/** An answer as a test looks at it. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly setCookie: readonly string[];
}

/** A browser: its jar keeps cookies by their path, their end and `Secure`, and sends what a browser would. */
export class Client {
  readonly #base: string;
  readonly #jar: CookieJar;
  /** What it sends whatever the jar says, as a header. */
  readonly #kept: string | undefined;

  constructor(base: string, jar = new CookieJar(undefined, { allowSecureOnLocal: false }), kept?: string) {
    this.#base = base;
    this.#jar = jar;
    this.#kept = kept;
  }

  /** The cookies that it would send now. */
  get cookies(): readonly Cookie[] {
    return this.#jar.getCookiesSync(this.#base);
  }

  /** Another client that has the same cookies now: a second tab, or the same site on another server. */
  clone(base = this.#base): Client {
    return new Client(base, this.#jar.cloneSync(), this.#kept);
  }

  /** Whoever has copied the cookies of now: sends them past their end too, and listens to no later ones. */
  keeper(): Client {
    return new Client(this.#base, new CookieJar(), this.#jar.getCookieStringSync(this.#base));
  }

  get(path: string): Promise<Answer> {
    return this.#send(path, {});
  }

  /** Sends a form. */
  post(path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(fields), headers });
  }

  async #send(path: string, init: { method?: string; body?: URLSearchParams; headers?: Record<string, string> }): Promise<Answer> {
    const url = this.#base + path;
    const cookie = this.#kept ?? this.#jar.getCookieStringSync(url);
    const response = await fetch(url, { redirect: 'manual', ...init, headers: { ...init.headers, ...(cookie === '' ? {} : { cookie }) } });
    const setCookie = response.headers.getSetCookie();
    for (const line of setCookie) this.#jar.setCookieSync(line, url);
    return { status: response.status, text: await response.text(), setCookie };
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
