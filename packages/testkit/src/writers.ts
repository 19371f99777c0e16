/** What of a store the writers use. */
interface Store {
  get(sid: string): Promise<object | null>;
  set(sid: string, session: object): Promise<unknown>;
  touch(sid: string, session: undefined, ttlMs: number): Promise<unknown>;
  destroy(sid: string): Promise<unknown>;
  update(sid: string, change: (session: Record<string, number>) => void): Promise<unknown>;
  length(): Promise<unknown>;
  ping(): Promise<unknown>;
  prune(): Promise<unknown>;
  close(): Promise<unknown>;
}

const SIDS = Array.from({ length: 60 }, (_, n) => `s${n}`);

function shuffled(): string[] {
  return SIDS.map((sid): [number, string] => [Math.random(), sid])
    .sort(([a], [b]) => a - b)
    .map(([, sid]) => sid);
}

/**
 * The work of one of several processes that write the same sixty sessions, in an order of its own, and count in `counter` together.
 * Closes the store, and prints what it did as JSON: `{ writes, updates }`.
 *
 * @param ms for how long.
 * @param updatesAtOnce increments of the counter at a time.
 */
export async function writeAmongOthers(store: Store, ms: number, updatesAtOnce: number): Promise<void> {
  const counts = { writes: 0, updates: 0 };
  await store.ping();
  await store.length();
  for (const end = Date.now() + ms; Date.now() < end;) {
    const some = shuffled().slice(0, 40);
    await Promise.all(
      some.map(async (sid, n) => {
        await writeOne(store, sid, n, counts.writes);
        counts.writes += 1;
      }),
    );
    await Promise.all(
      Array.from({ length: updatesAtOnce }, () =>
        store.update('counter', (session) => void (session['count'] = (session['count'] as number) + 1)),
      ),
    );
    counts.updates += updatesAtOnce;
    if (Math.random() < 0.2) await store.prune();
  }
  await store.close();
  process.stdout.write(`${JSON.stringify(counts)}\n`);
}

async function writeOne(store: Store, sid: string, n: number, writes: number): Promise<void> {
  if (n % 4 === 0) await store.set(sid, { n, cookie: { expires: new Date(Date.now() + 60_000) } });
  else if (n % 4 === 1) await store.touch(sid, undefined, 60_000 + n);
  else if (n % 4 === 2) await store.destroy(sid);
  else {
    const session = await store.get(sid);
    if (session !== null) await store.set(sid, Object.assign(session, { [`by${process.pid}`]: writes }));
  }
}
