import { createServer } from 'node:net';

/** Below the range that the system hands out by itself (from 32,768), with Redis' cluster bus, which listens at 10,000 more. */
const FIRST = 15_000;
const LAST = 22_700;

/** Free ports of this machine. Picked at random, so that two runs at once rarely meet. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
