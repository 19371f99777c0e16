import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SessionStore, StoreError } from '@sessile/core';
import type { Page, Replace, Replaced, Stored, Write } from '@sessile/core/driver';
import { MemoryDriver } from '@sessile/store-memory';
import { backend, ownServer, proxyTo, Random } from '@sessile/testkit';
import { soak, type SoakResult, troublesOf } from '@sessile/testkit/soak';
import { describe, expect, it, onTestFinished } from 'vitest';

const TIMEOUT_MS = 500;

/** Two stores on one driver, as of two processes on one server. */
function soaked(driver: MemoryDriver): Promise<SoakResult> {
  const stores = [new SessionStore(driver, { timeoutMs: TIMEOUT_MS }), new SessionStore(driver, { timeoutMs: TIMEOUT_MS })];
  return soak({ title: 'memory', timeoutMs: TIMEOUT_MS, stores, seconds: 1, seed: 1, traffic: { pauseMs: 4 } });
}

/** One time of so many. */
class Sometimes {
  #calls = 0;

  constructor(readonly of: number) {}

  get now(): boolean {
    this.#calls += 1;
    return this.#calls % this.of === 0;
  }
}

class Losing extends MemoryDriver {
  readonly #sometimes = new Sometimes(40);

  override replace(item: Replace<string>): Replaced<string> {
    return this.#sometimes.now ? { outcome: 'replaced', token: item.expected } : super.replace(item);
  }
}

class LosingNew extends MemoryDriver {
  readonly #sometimes = new Sometimes(40);

  override write(item: Write): string {
    return this.#sometimes.now ? item.payload : super.write(item);
  }
}

class Doubling extends MemoryDriver {
  readonly #sometimes = new Sometimes(40);

  override replace(item: Replace<string>): Replaced<string> {
    const twice = item.payload.replace(/"count":(\d+)/, (_, count) => `"count":${Number(count) + (Number(count) > 0 ? 1 : 0)}`);
    return super.replace(this.#sometimes.now ? { ...item, payload: twice } : item);
  }
}

class Confusing extends MemoryDriver {
  readonly #sometimes = new Sometimes(100);
  #last = '';

  override read(key: string): Stored<string> | null {
    const other = this.#last;
    this.#last = key;
    return super.read(this.#sometimes.now && other !== '' ? other : key);
  }
}

class Truncating extends MemoryDriver {
  readonly #sometimes = new Sometimes(100);

  override read(key: string): Stored<string> | null {
    const stored = super.read(key);
    if (stored === null || !this.#sometimes.now) return stored;
    return { ...stored, payload: stored.payload.replace('😀', '\ufffd\ufffd') };
  }
}

class Forgetting extends MemoryDriver {
  readonly #sometimes = new Sometimes(100);

  override read(key: string): Stored<string> | null {
    return this.#sometimes.now ? null : super.read(key);
  }
}

class Stale extends MemoryDriver {
  readonly #old = new Map<string, Stored<string> | null>();
  readonly #sometimes = new Sometimes(20);

  override read(key: string): Stored<string> | null {
    const stored = super.read(key);
    const old = this.#old.get(key);
    this.#old.set(key, stored);
    return this.#sometimes.now && old ? old : stored;
  }
}

class Undead extends MemoryDriver {
  readonly #sometimes = new Sometimes(10);

  override remove(key: string): boolean {
    return this.#sometimes.now ? true : super.remove(key);
  }
}

class Resurrecting extends MemoryDriver {
  override replace(item: Replace<string>): Replaced<string> {
    const replaced = super.replace(item);
    if (replaced.outcome !== 'missing') return replaced;
    return { outcome: 'replaced', token: super.write({ ...item, ttlMs: 60_000 }) };
  }
}

class Misnaming extends MemoryDriver {
  readonly #sometimes = new Sometimes(200);

  override read(key: string): Stored<string> | null {
    if (this.#sometimes.now) throw new StoreError('ERR_STORE_BACKEND', 'away');
    return super.read(key);
  }
}

class Unlisting extends MemoryDriver {
  override async *scan(payloads: boolean): AsyncGenerator<Page<string>> {
    for await (const page of super.scan(payloads)) yield page.filter(({ key }) => key !== 'shared2');
  }
}

describe.concurrent('the judge of a soak', () => {
  it('finds nothing wrong with a sound store', { timeout: 20_000 }, async () => {
    const result = await soaked(new MemoryDriver());
    expect(result).toMatchObject({ findings: [], breaches: {}, failed: 0 });
    expect(result.acknowledged).toBeGreaterThan(50);
    expect(result.usedMb).toHaveLength(3);
  });

  it.each([
    ['loses a save', Losing, 'lost write'],
    ['loses a new session', LosingNew, 'missing session'],
    ['counts an update twice', Doubling, 'done twice'],
    ["answers with another's session", Confusing, 'wrong data'],
    ['breaks a letter', Truncating, 'wrong data'],
    ['says that there is no session', Forgetting, 'missing session'],
    ['answers with an old session', Stale, 'lost write'],
    ['does not log out', Undead, 'came back'],
    ['lets a late save undo a logout', Resurrecting, 'came back'],
    ['gives an outage the wrong name', Misnaming, 'wrong error'],
    ['leaves a session out of its list', Unlisting, 'not listed'],
  ] as const)('finds a store that %s', { timeout: 30_000 }, async (_what, Driver, breach) => {
    const { breaches, findings } = await soaked(new Driver());
    expect(Object.keys(breaches), findings.join('\n')).toContain(breach);
  });

  it.each([
    ['is sound', []],
    ['leaves a rejection behind', ['unhandled']],
    ['keeps what it read', ['memory']],
    ['answers too late', ['late answer']],
  ])('in a process of its own: a store that %s', { timeout: 30_000 }, async (way, breaches) => {
    const script = fileURLToPath(new URL('fixtures/soak-once.js', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, way]);
    const result = JSON.parse(stdout) as SoakResult;
    expect(Object.keys(result.breaches), result.findings.join('\n')).toEqual(breaches);
  });
});

const redis = await backend('redis');

describe.skipIf(redis.skip !== undefined)(`a soak (${redis.skip ?? redis.from})`, () => {
  it('makes trouble of every kind, and mends it', { timeout: 60_000 }, async () => {
    const server = await ownServer('redis');
    if (server.skip !== undefined) throw new Error(server.skip);
    onTestFinished(() => server.stop());
    const proxy = await proxyTo(server.url);
    onTestFinished(() => proxy.close());
    for (const { title, begin } of troublesOf(true)) {
      const end = await begin({ server, proxy }, new Random(7));
      await end();
      expect(await answers(proxy.url), title).toBe('+PONG\r\n');
    }
  });
});

async function answers(url: string): Promise<string> {
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write('PING\r\n'));
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(String(answer));
    });
    socket.once('error', reject);
  });
}
