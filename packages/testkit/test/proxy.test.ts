import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Proxy, proxyTo, Random } from '@sessile/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';

/** A server that answers with what it was told, behind a proxy. */
async function echoBehindProxy(seed = 1): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined).pipe(socket))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await proxyTo(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, { seed });
  onTestFinished(async () => {
    await proxy.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return proxy;
}

interface Heard {
  /** As they were read. */
  pieces: string[];
  error: string | undefined;
  afterMs: number;
}

/** Says something, and listens until as much has come back, or the connection ends, or half a second has passed. */
async function say(proxy: Proxy, text: string): Promise<Heard> {
  const { hostname, port } = new URL(proxy.url);
  const begun = performance.now();
  const heard: Heard = { pieces: [], error: undefined, afterMs: 0 };
  const socket = connect({ host: hostname, port: Number(port), timeout: 500, noDelay: true }, () => socket.write(text));
  return new Promise((resolve) => {
    const done = (error?: string) => {
      socket.destroy();
      resolve({ ...heard, error: heard.error ?? error, afterMs: performance.now() - begun });
    };
    let bytes = 0;
    socket.on('data', (piece) => {
      heard.pieces.push(piece.toString('latin1'));
      bytes += piece.length;
      if (bytes >= Buffer.byteLength(text)) done();
    });
    socket.once('error', ({ message }) => (heard.error = message));
    socket.once('timeout', () => done('silent')).once('close', () => done('closed'));
  });
}

const TEXT = 'a text of more than a few letters, 😀 with one of four bytes. '.repeat(20);
const whole = (pieces: readonly string[]) => Buffer.from(pieces.join(''), 'latin1').toString();

describe('a proxy', () => {
  it('passes everything on, and counts its connections', async () => {
    const proxy = await echoBehindProxy();
    expect(whole((await say(proxy, TEXT)).pieces)).toBe(TEXT);
    await expect.poll(() => proxy.connections).toBe(0);
  });

  it('delays answers, and keeps their order', async () => {
    const proxy = await echoBehindProxy();
    proxy.impair({ delayMs: 100, jitterMs: 50, pieceBytes: 400 });
    const { pieces, afterMs } = await say(proxy, TEXT);
    expect(whole(pieces)).toBe(TEXT);
    expect(afterMs).toBeGreaterThanOrEqual(100);
  });

  it('cuts what it passes on into pieces, also in the middle of a letter', async () => {
    const proxy = await echoBehindProxy();
    proxy.impair({ pieceBytes: 7 });
    const { pieces } = await say(proxy, TEXT);
    expect(whole(pieces)).toBe(TEXT);
    expect(pieces.length).toBeGreaterThan(TEXT.length / 20);
    expect(pieces.some((piece) => Buffer.from(piece, 'latin1').toString().includes('\ufffd'))).toBe(true);
  });

  it('ends a connection in the middle of an answer', async () => {
    const proxy = await echoBehindProxy();
    proxy.impair({ resetShare: 1 });
    const ends = await Promise.all(Array.from({ length: 20 }, () => say(proxy, TEXT)));
    for (const { pieces, error } of ends) {
      expect(error).toMatch(/closed|ECONNRESET/);
      expect(TEXT.startsWith(whole(pieces).replace(/\ufffd+$/, ''))).toBe(true);
    }
    expect(ends.filter(({ pieces }) => pieces.length > 0).length).toBeGreaterThan(5);
  });

  it('refuses and swallows a share of new connections', async () => {
    const proxy = await echoBehindProxy();
    proxy.impair({ refuseShare: 0.5, silentShare: 0.5 });
    const ends = await Promise.all(Array.from({ length: 60 }, () => say(proxy, 'x')));
    const count = (of: (heard: Heard) => boolean) => ends.filter(of).length;
    expect(count(({ pieces }) => pieces.length > 0)).toBeGreaterThan(3);
    expect(count(({ error }) => error === 'silent')).toBeGreaterThan(3);
    expect(count(({ error }) => error !== undefined && error !== 'silent')).toBeGreaterThan(10);
    await proxy.restore();
    expect((await say(proxy, 'x')).pieces).toEqual(['x']);
  });

  it('passes on what waited, and its end, when it is mended', async () => {
    const proxy = await echoBehindProxy();
    proxy.stall();
    const heard = say(proxy, TEXT);
    await expect.poll(() => proxy.connections).toBe(1);
    await proxy.restore();
    expect(whole((await heard).pieces)).toBe(TEXT);
    await expect.poll(() => proxy.connections).toBe(0);
  });

  it('does the same again by the same seed', () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 20 }, () => [random.next(), random.between(1, 6), random.chance(0.5), random.pick(['a', 'b', 'c'])]);
    };
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    const dice = Array.from(
      { length: 6000 },
      (
        (random) => () =>
          random.between(1, 6)
      )(new Random(9)),
    );
    for (const side of [1, 2, 3, 4, 5, 6]) expect(dice.filter((thrown) => thrown === side).length).toBeGreaterThan(850);
  });
});
