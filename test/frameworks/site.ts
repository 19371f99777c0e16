import type { SessionStore, SessionStoreOptions } from '@sessile/core';
import { Client, type Cookie, serve } from '@sessile/testkit';
import type { App, AppOptions, Middleware, SessionOfRequest } from './middlewares/types.js';
import type { StoreKind } from './stores.js';

const DAY_MS = 86_400_000;

/** What a test asks of a site. */
export interface SiteOptions {
  /** Default: a day. */
  readonly life?: AppOptions['life'];
  readonly rolling?: boolean;
  readonly renew?: boolean;
  readonly native?: object;
  readonly store?: SessionStoreOptions;
}

/** Where requests wait in the middle of their work, until the test lets them go on. */
class Gate {
  #arrived = 0;
  readonly #crowds: { count: number; met: () => void }[] = [];
  readonly #opened: Promise<void>;
  open!: () => void;

  constructor() {
    this.#opened = new Promise((resolve) => (this.open = resolve));
  }

  async pass(): Promise<void> {
    this.#arrived += 1;
    for (const { count, met } of this.#crowds) if (this.#arrived >= count) met();
    await this.#opened;
  }

  /** Resolves when that many requests wait. */
  crowd(count: number): Promise<void> {
    return new Promise((met) => this.#crowds.push({ count, met }));
  }
}

let lastStart: Promise<unknown> = Promise.resolve();

/** A start takes the processor for a while: one at a time, so that the requests of other tests come through between them. */
async function inTurn<R>(start: () => Promise<R> | R): Promise<R> {
  const started = lastStart.then(start);
  lastStart = started.catch(() => undefined);
  return await started;
}

/** Two servers of one site behind one cookie, each with a middleware and a store of its own on the same sessions. */
export class Site implements AsyncDisposable {
  readonly gate = new Gate();
  /** The ids of all sessions that were ever stored. A list of the backend's own may be late. */
  readonly ids = new Set<string>();
  readonly #cookieName: string;
  readonly #stores: SessionStore[];
  readonly #apps: App[] = [];
  readonly #servers: Awaited<ReturnType<typeof serve>>[] = [];

  private constructor(kind: StoreKind, { cookieName }: Middleware, { store }: SiteOptions) {
    this.#cookieName = cookieName;
    // What is asked here is whether a save is made, not how soon: the machine may be busy.
    const another = kind.sessions({ timeoutMs: 30_000, ...store });
    this.#stores = [another(), another()];
    for (const one of this.#stores) one.on('create', (id: string) => this.ids.add(id));
  }

  static async open(kind: StoreKind, middleware: Middleware, options: SiteOptions = {}): Promise<Site> {
    const site = new Site(kind, middleware, options);
    const { life = DAY_MS, rolling, renew, native } = options;
    for (const store of site.#stores) {
      const app = await inTurn(() => middleware.start({ store, life, rolling, renew, native, handler: site.#handle }));
      site.#apps.push(app);
      site.#servers.push(await serve(app.listener));
    }
    return site;
  }

  /** The store of one of the servers. */
  get store(): SessionStore {
    return this.#stores[0]!;
  }

  /** A browser that has never been here. */
  browser(): Client {
    return new Client(this.#servers[0]!.url);
  }

  /** The same browser, sent to the other server by the load balancer. */
  elsewhere(browser: Client): Client {
    return browser.clone(this.#servers[1]!.url);
  }

  /** The session's cookies, and no others, that a browser would send: the one with the id, and a signature where it has its own. */
  cookiesOf(browser: Client): readonly Cookie[] {
    return browser.cookies.filter(({ key }) => key.startsWith(this.#cookieName));
  }

  /** The ids of the sessions that live. */
  async live(): Promise<string[]> {
    const ids = [...this.ids];
    const found = await Promise.all(ids.map((id) => this.isStored(id)));
    return ids.filter((_, n) => found[n]);
  }

  async isStored(id: string): Promise<boolean> {
    return (await this.store.get(id)) !== null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.open();
    await Promise.all(this.#servers.map((server) => server[Symbol.asyncDispose]()));
    for (const app of this.#apps) await app.close?.();
    await Promise.all(this.#stores.map((store) => store.close()));
  }

  /** What every app does with `/verb/name`. */
  readonly #handle = async (path: string, request: SessionOfRequest): Promise<string> => {
    const [, verb = '', name = ''] = path.split('/');
    await this.#verbs[verb]?.(request, name);
    return verb === 'logout' ? 'null' : JSON.stringify(dataOf(request.data()));
  };

  readonly #verbs: Record<string, (request: SessionOfRequest, name: string) => Promise<void> | void> = {
    login: ({ data }, name) => void (data()['user'] = name),
    lengthen: ({ live }) => live(DAY_MS),
    remember: ({ data, live }) => {
      data()['remembered'] = true;
      live(DAY_MS);
    },
    fill: ({ data }) => void (data()['cart'] = { items: ['tea'], total: 3, coupon: 'x' }),
    pay: ({ data }) => {
      const { cart } = data();
      cart.items.push('cake');
      cart.total = 7;
      delete cart.coupon;
      data()['paid'] = true;
      delete data()['user'];
    },
    write: async ({ data }, name) => {
      await this.gate.pass();
      data()['writers'] = { ...data()['writers'], [name]: true };
    },
    idle: () => this.gate.pass(),
    replace: async ({ replace }) => {
      await this.gate.pass();
      replace?.({ replaced: true });
    },
    logout: ({ destroy }) => destroy(),
    regenerate: async ({ data, regenerate }) => {
      const { user } = data();
      await regenerate();
      data()['user'] = user;
      data()['fresh'] = true;
    },
  };
}

/** What the app keeps in a session, without what the middleware keeps there. */
function dataOf(session: object): object {
  const { cookie: _cookie, ...data } = JSON.parse(JSON.stringify(session));
  return data;
}
