import { MemoryStore } from '@sessile/store-memory';
import { Client, expressSite, serve } from '@sessile/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { memorystoreOf } from './fixtures/memorystore.js';

function open(): MemoryStore {
  const store = new MemoryStore();
  onTestFinished(() => store.close());
  return store;
}

const NOBODY = JSON.stringify({ user: null, visits: null });

describe('a site on memorystore', () => {
  it.each([
    ['to MemoryStore', () => memorystoreOf({ max: 10 }), open],
    ['back', open, () => memorystoreOf({ max: 10 })],
  ])('moves %s: old cookies do no harm, and whoever has one can log in again', async (_way, from, to) => {
    const visitor = await loggedIn(from());
    await using next = await serve(expressSite.listener(to()));
    const known = visitor.clone(next.url);
    expect(await known.get('/visit')).toMatchObject({ status: 200, text: NOBODY });
    await known.get('/login');
    expect(JSON.parse((await known.get('/visit')).text)).toEqual({ user: 'ada', visits: 1 });
    expect(expressSite.sidOf(known)).not.toBe(expressSite.sidOf(visitor));
  });

  it('has options that are refused here by name, as its page says what to write', () => {
    const options = ['checkPeriod', 'max', 'ttl', 'dispose', 'stale', 'noDisposeOnSet'];
    for (const name of options) {
      expect(() => new MemoryStore({ [name]: 1 })).toThrow(`There is no option called ${name}`);
    }
  });

  it('may have numbers as ids, which are refused here', async () => {
    await expect(open().get(7 as never)).rejects.toMatchObject({ code: 'ERR_STORE_INVALID_ARGUMENT' });
  });
});

/** A visitor of a site that has stopped since. */
async function loggedIn(store: unknown): Promise<Client> {
  await using served = await serve(expressSite.listener(store));
  const visitor = new Client(served.url);
  await visitor.get('/login');
  return visitor;
}
