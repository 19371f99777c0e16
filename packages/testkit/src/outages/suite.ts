import { setTimeout as pause } from 'node:timers/promises';
import type { SessionStore } from '@sessile/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backend, type BackendName, namespace, ownServer, proxyTo } from '../index.js';
import { AWAY, type Breach, Judge } from '../traffic/judge.js';
import { Traffic } from '../traffic/traffic.js';
import { assertEnds } from './ends.js';
import { type Answer, Probe, type Verb } from './probe.js';
import { Records } from './records.js';
import { Strays } from './strays.js';
import { OUTAGES } from './table.js';
import type { FailureTarget, Opened, Outage, Site, Way } from './types.js';

/** Where calls are to run out of time. */
const SHORT_MS = 1000;
/** Where they are not, also on a busy machine. */
const LONG_MS = 5000;
/** How long an outage lasts beside what is asked meanwhile. */
const LASTS_MS = 600;
/** On a machine that is busy with other things, too. */
const RECOVERY_LIMIT_MS = 25_000;
/** The most commands of a walk through the sessions of a test, a repetition of each included. */
const PAGES = 8;
const PATIENTLY = { timeout: 90_000 };

/**
 * Lets a store suffer every outage of the table and its own, while many use it: each call ends in time and with a code that
 * docs/errors.md names, nothing that was acknowledged is lost, nobody gets another's session or is told that there is none, and
 * the store works again by itself.
 */
export async function describeOutages(target: FailureTarget): Promise<void> {
  const { backend: name, title, outages = [], common = name !== undefined } = target;
  const { skip, url = '', from = 'a file' } = name === undefined ? {} : await backend(name);
  describe.skipIf(skip !== undefined)(`${title}, while its server (${skip ?? from})`, () => {
    let site: Site;
    const records = new Records(title);
    beforeAll(async () => (site = name === undefined ? NOWHERE : await siteOf(name, target)));
    afterAll(async () => {
      records.show();
      await site?.proxy.close();
      await site?.server.stop();
    });
    const all = runs(common ? [...OUTAGES, ...outages] : outages, target);
    for (const [outage, way] of all.filter(([{ via }]) => via !== 'proxy')) {
      it(`${outage.title}: on ${way.title}`, PATIENTLY, () => suffer(site, target, way, outage, records));
    }
    if (!common) return;
    // Each with a network of its own, before the server that all tests share.
    const inTurn = new Turns(target.atOnce ?? 4);
    describe.concurrent('has a network that', () => {
      for (const [outage, way] of all.filter(([{ via }]) => via === 'proxy')) {
        it(`${outage.title}: on ${way.title}`, PATIENTLY, () =>
          inTurn.take(async () => {
            const proxy = await proxyTo(url);
            try {
              await suffer({ ...site, proxy }, target, way, outage, records);
            } finally {
              await proxy.close();
            }
          }),
        );
      }
    });
    it('is away at first', PATIENTLY, () => begins(site, target, records));
    it.skipIf(target.module === undefined)('is frozen: a process that closes its store ends', async () => {
      await assertEnds(target.module as URL, site.server, namespace(), SHORT_MS);
    });
  });
}

/** So many at a time. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async take(work: () => Promise<void>): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/** Of a store without a server. */
const NOWHERE = {
  server: { url: '', stop: async () => undefined },
  proxy: { url: '', connections: 0, close: async () => undefined },
} as unknown as Site;

function timeoutOf({ codes, works }: Outage): number {
  return codes.includes('ERR_STORE_TIMEOUT') && works !== 'all' ? SHORT_MS : LONG_MS;
}

function runs(outages: readonly Outage[], target: FailureTarget): readonly (readonly [Outage, Way])[] {
  return outages.flatMap((outage) => waysThrough(outage, target).map((way) => [outage, way] as const));
}

function waysThrough({ everyWay, isEndless }: Outage, { ways }: FailureTarget): readonly Way[] {
  if (everyWay !== true) return ways.slice(0, 1);
  return ways.filter(({ waitsForEver }) => isEndless !== true || waitsForEver !== true);
}

async function siteOf(name: BackendName, target: FailureTarget): Promise<Site> {
  const server = await ownServer(name, target.server);
  if (server.skip !== undefined) throw new Error(server.skip);
  return { server, proxy: await proxyTo(server.url) };
}

async function suffer(site: Site, target: FailureTarget, way: Way, outage: Outage, records: Records): Promise<void> {
  using strays = new Strays(target.isForeign);
  const before = resources();
  const name = namespace();
  const opened = await way.open(outage.via === 'proxy' ? site.proxy.url : site.server.url, name, timeoutOf(outage));
  try {
    await endures(site, target, way, outage, records, name, opened);
  } finally {
    await closed(opened);
  }
  await until(() => expect(site.proxy.connections, 'connections that stay open').toBe(0));
  // What a client of the caller's keeps is the caller's, and other networks live beside this one.
  if (way === target.ways[0] && outage.via !== 'proxy') await until(() => expect(resources(), 'what lives on').toBeLessThanOrEqual(before));
  expect(strays.found).toEqual([]);
}

async function endures(
  site: Site,
  target: FailureTarget,
  way: Way,
  outage: Outage,
  records: Records,
  name: string,
  { stores }: Opened,
): Promise<void> {
  const isForgotten = outage.forgets === true && !target.keeps;
  const timeoutMs = timeoutOf(outage);
  const judge = new Judge(timeoutMs, [...outage.codes, ...AWAY], isForgotten ? OF_A_NEW_SERVER : []);
  // What a first call makes (connections, a table) is not what is tested, and may take longer than a short timeout.
  await recovery(stores);
  const [traffic, probe] = await started(stores, judge);
  const events = stores.map(eventsOf);
  const repair = await outage.begin(site, { name, stores, timeoutMs });
  let answers: Answer[];
  try {
    if (outage.comesLater === true) await until(async () => expect(await codeOf(stores[0]?.set('felt', {}))).toBe(outage.codes[0]));
    answers = await probe.ask();
    await pause(outage.lastsMs ?? LASTS_MS);
    if (outage.isKnown === true && way.neverDown !== true) await isRefused(stores);
  } finally {
    await repair();
  }
  const recoveryMs = await recovery(stores);
  assertAnswers(answers, outage);
  if (!isForgotten) await traffic.goesWell(RECOVERY_LIMIT_MS);
  await traffic.end();
  for (const told of events) expect(told.join()).toMatch(outage.isKnown === true && way.neverDown !== true ? /up$/ : /up$|^$/);
  if (isForgotten) await serves(stores);
  else await keptAll(traffic, probe);
  expect(judge.findings, `to see it again: SESSILE_SEED=${site.proxy.seed}`).toEqual([]);
  records.add(outage.title, way.title, answers, recoveryMs);
}

/** Tries until it does not throw. `expect.poll` is for one test at a time. */
async function until(work: () => unknown, timeout = 5000): Promise<void> {
  for (const end = performance.now() + timeout; ; await pause(20)) {
    try {
      return void (await work());
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

/** What a store tells of its server from now on. */
function eventsOf(store: SessionStore): string[] {
  const events: string[] = [];
  for (const event of ['down', 'up']) store.on(event, () => events.push(event));
  return events;
}

/** They know that their server is away, and ask nobody. */
async function isRefused(stores: readonly SessionStore[]): Promise<void> {
  for (const store of stores) {
    const state = async () => `${store.status}, ${String(await codeOf(store.get('refused')))}`;
    await until(async () => expect(await state()).toBe('down, ERR_STORE_UNAVAILABLE'));
    const begun = performance.now();
    expect(await codeOf(store.get('refused'))).toBe('ERR_STORE_UNAVAILABLE');
    expect(performance.now() - begun, 'a call that is refused at once').toBeLessThan(SHORT_MS / 2);
  }
}

/** A command that nobody waits for any more may still be under way: then the store ends it, and says so. */
async function closed(opened: Opened): Promise<void> {
  await opened.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_STORE_TIMEOUT' }));
}

/** What is true of a server that has no sessions any more. */
const OF_A_NEW_SERVER: readonly Breach[] = ['missing session', 'lost write'];

/** Visitors who are at it, and a probe that is ready. */
async function started(stores: readonly SessionStore[], judge: Judge): Promise<[Traffic, Probe]> {
  const traffic = new Traffic(stores, judge, { sessions: 3, counters: 1, readers: 3, guests: 2, pauseMs: 30 });
  const probe = new Probe(stores[0] as SessionStore, 'probe');
  await traffic.begin();
  await probe.prepare();
  await traffic.goesWell(RECOVERY_LIMIT_MS);
  expect(judge.findings).toEqual([]);
  return [traffic, probe];
}

async function keptAll(traffic: Traffic, probe: Probe): Promise<void> {
  await traffic.check();
  await until(async () => expect(await probe.look()).toEqual([]));
}

/** As if the server were new. */
async function serves(stores: readonly SessionStore[]): Promise<void> {
  const judge = new Judge(SHORT_MS);
  const [traffic, probe] = await started(stores, judge);
  await traffic.end();
  await keptAll(traffic, probe);
  expect(judge.findings).toEqual([]);
}

/** Works again by itself: nobody but the stores does anything. @returns how long that took since the repair, ms. */
async function recovery(stores: readonly SessionStore[]): Promise<number> {
  const begun = performance.now();
  for (const [index, store] of stores.entries()) {
    const works = async () => {
      await store.set(`again${index}`, { index });
      expect(await store.get(`again${index}`)).toEqual({ index });
    };
    await until(works, RECOVERY_LIMIT_MS);
    expect(store.status).toBe('up');
  }
  return performance.now() - begun;
}

async function codeOf(call: Promise<unknown> | undefined): Promise<unknown> {
  try {
    await call;
    return 'none';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

const WALKS: ReadonlySet<Verb> = new Set(['ids', 'length', 'entries']);

function assertAnswers(answers: readonly Answer[], outage: Outage): void {
  const isIn = (verbs: readonly Verb[] | 'all' = [], verb: Verb) => verbs === 'all' || verbs.includes(verb);
  for (const { verb, outcome, ms, error } of answers) {
    const expected = isIn(outage.either, verb) ? /worked|failed/ : isIn(outage.works, verb) ? /worked/ : /failed/;
    expect(outcome, `${verb} (${String(error)})`).toMatch(expected);
    // The time of a walk is each page's: where some get through, it may wait for several.
    const pages = WALKS.has(verb) && isIn(outage.either, verb) ? PAGES : 1;
    expect(ms, `${verb} takes ${Math.round(ms)} ms`).toBeLessThan(pages * timeoutOf(outage) + 700);
    if (error === undefined) continue;
    expect(outage.codes, `${verb}: ${String(error)}`).toContain(error.code);
    const retryable = /_(UNAVAILABLE|TIMEOUT|CONFLICT)$/.test(String(error.code));
    expect(error, verb).toMatchObject({ name: 'StoreError', retryable, store: expect.any(String), operation: expect.any(String) });
  }
}

/** Sockets and timers that keep the process alive. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap' || kind === 'Timeout').length;
}

async function begins(site: Site, target: FailureTarget, records: Records): Promise<void> {
  const [way] = target.ways;
  using strays = new Strays(target.isForeign);
  await site.server.kill();
  const opened = await way.open(site.server.url, namespace(), SHORT_MS);
  try {
    const answers = await new Probe(opened.stores[0] as SessionStore, 'probe').ask();
    assertAnswers(answers, { title: '', codes: AWAY, begin: () => Promise.reject(new Error('it has begun')) });
    await site.server.start();
    const recoveryMs = await recovery(opened.stores);
    await serves(opened.stores);
    records.add('is away at first', way.title, answers, recoveryMs);
  } finally {
    await closed(opened);
  }
  expect(strays.found).toEqual([]);
}
