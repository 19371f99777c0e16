import { setTimeout as pause } from 'node:timers/promises';
import type { Site } from '../outages/types.js';
import type { Random } from '../random.js';

/** Something that goes wrong for a while. @returns what ends it. */
export interface Trouble {
  readonly title: string;
  readonly begin: (site: Site, random: Random) => Promise<() => Promise<void>>;
}

function network(title: string, begin: (proxy: Site['proxy'], random: Random) => Promise<void> | void): Trouble {
  return {
    title,
    async begin({ proxy }, random) {
      await begin(proxy, random);
      return () => proxy.restore();
    },
  };
}

/** What happens to the network before a server. */
const NETWORK: readonly Trouble[] = [
  network('refused', (proxy) => proxy.refuse()),
  network('stalled', (proxy) => proxy.stall()),
  network('dropped', (proxy) => proxy.drop()),
  network('slow', (proxy, random) => proxy.impair({ delayMs: random.between(5, 150), jitterMs: random.between(0, 300) })),
  network('in pieces', (proxy, random) => proxy.impair({ pieceBytes: random.between(1, 60) })),
  network('reset', (proxy, random) => proxy.impair({ resetShare: 0.01 + random.next() * 0.1 })),
  network('half refused', (proxy) => {
    proxy.impair({ refuseShare: 0.5 });
    proxy.drop();
  }),
  network('swallowed', (proxy) => {
    proxy.impair({ silentShare: 0.3 });
    proxy.drop();
  }),
  network('all of it', (proxy) => {
    proxy.impair({ delayMs: 2, jitterMs: 40, pieceBytes: 50, resetShare: 0.02, refuseShare: 0.2, silentShare: 0.05 });
    proxy.drop();
  }),
];

const FROZEN: Trouble = {
  title: 'frozen',
  async begin({ server }) {
    await server.freeze();
    return () => server.thaw();
  },
};

const KILLED: Trouble = {
  title: 'killed',
  async begin({ server }) {
    await server.kill();
    return () => server.start();
  },
};

const RESTARTED: Trouble = {
  title: 'restarted',
  async begin({ server }) {
    const restarted = server.restart();
    return () => restarted;
  },
};

/** @param keeps whether the server keeps over its end what it has acknowledged. */
export function troublesOf(keeps: boolean): readonly Trouble[] {
  return [...NETWORK, FROZEN, ...(keeps ? [KILLED, RESTARTED] : [])];
}

/** Makes trouble, one after the other: each of them once before any comes again, in an order that the seed tells. */
export class Chaos {
  readonly #site: Site;
  readonly #random: Random;
  readonly #troubles: readonly Trouble[];
  #next: Trouble[] = [];
  readonly counts = new Map<string, number>();

  constructor(site: Site, random: Random, troubles: readonly Trouble[]) {
    this.#site = site;
    this.#random = random;
    this.#troubles = troubles;
  }

  /** One of them, for up to two seconds and a half. @returns its name. */
  async strike(): Promise<string> {
    const { title, begin } = this.#pick();
    const end = await begin(this.#site, this.#random);
    await pause(this.#random.between(100, 2500));
    await end();
    this.counts.set(title, (this.counts.get(title) ?? 0) + 1);
    return title;
  }

  #pick(): Trouble {
    if (this.#next.length === 0) this.#next = [...this.#troubles];
    return this.#next.splice(this.#random.between(0, this.#next.length - 1), 1)[0] as Trouble;
  }
}
