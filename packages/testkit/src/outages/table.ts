import { setTimeout as pause } from 'node:timers/promises';
import { AWAY } from '../traffic/judge.js';
import type { Outage, Site } from './types.js';

/** Does something again and again. @returns what ends it, and waits for what is under way. */
function every(ms: number, work: () => Promise<void> | void): () => Promise<void> {
  const loop = { isOn: true };
  const ended = (async () => {
    while (loop.isOn) {
      await work();
      await pause(ms);
    }
  })();
  return async () => {
    loop.isOn = false;
    await ended;
  };
}

/** What happens to any server, and to any network before one. */
export const OUTAGES: readonly Outage[] = [
  {
    title: 'is killed in use',
    codes: AWAY,
    isKnown: true,
    forgets: true,
    everyWay: true,
    async begin({ server }: Site) {
      await server.kill();
      return () => server.start();
    },
  },
  {
    title: 'is restarted in use',
    codes: AWAY,
    either: 'all',
    forgets: true,
    async begin({ server }: Site) {
      const restarted = server.restart();
      return () => restarted;
    },
  },
  {
    title: 'is frozen',
    codes: AWAY,
    everyWay: true,
    async begin({ server }: Site) {
      await server.freeze();
      return () => server.thaw();
    },
  },
  {
    title: 'refuses connections',
    via: 'proxy',
    codes: AWAY,
    isKnown: true,
    async begin({ proxy }: Site) {
      await proxy.refuse();
      return () => proxy.restore();
    },
  },
  {
    title: 'is down half of the time',
    via: 'proxy',
    codes: AWAY,
    either: 'all',
    async begin({ proxy }: Site) {
      let isThere = true;
      const end = every(100, () => {
        isThere = !isThere;
        return isThere ? proxy.restore() : proxy.refuse();
      });
      return async () => {
        await end();
        await proxy.restore();
      };
    },
  },
  {
    title: 'ends every second connection at once, and all of them each 150 ms',
    via: 'proxy',
    codes: AWAY,
    either: 'all',
    async begin({ proxy }: Site) {
      proxy.impair({ refuseShare: 0.5 });
      const end = every(150, () => proxy.drop());
      return async () => {
        await end();
        await proxy.restore();
      };
    },
  },
  {
    title: 'is slow, yet fast enough',
    via: 'proxy',
    codes: AWAY,
    works: 'all',
    async begin({ proxy }: Site) {
      proxy.impair({ delayMs: 20, jitterMs: 40 });
      return () => proxy.restore();
    },
  },
  {
    title: 'is too slow',
    via: 'proxy',
    codes: AWAY,
    async begin({ proxy }: Site, { timeoutMs }) {
      proxy.impair({ delayMs: 2 * timeoutMs, jitterMs: timeoutMs });
      return () => proxy.restore();
    },
  },
  {
    title: 'passes nothing on',
    via: 'proxy',
    codes: AWAY,
    async begin({ proxy }: Site) {
      proxy.stall();
      return () => proxy.restore();
    },
  },
  {
    title: 'swallows one of three connections',
    via: 'proxy',
    codes: AWAY,
    either: 'all',
    everyWay: true,
    isEndless: true,
    lastsMs: 2000,
    async begin({ proxy }: Site) {
      proxy.impair({ silentShare: 0.34 });
      proxy.drop();
      return () => proxy.restore();
    },
  },
  {
    title: 'fails in several ways at once',
    via: 'proxy',
    codes: AWAY,
    either: 'all',
    everyWay: true,
    lastsMs: 3000,
    async begin({ proxy }: Site) {
      proxy.impair({ delayMs: 1, jitterMs: 15, pieceBytes: 40, resetShare: 0.02, refuseShare: 0.1 });
      return () => proxy.restore();
    },
  },
];
