import type { Place } from '../url.js';
import { at, type Context, named, placeIn, sayUnreadable, totalOf, withStore } from '../context.js';
import { checkApart } from '../copy/apart.js';
import { Copier, type CopyJob } from '../copy/copier.js';
import { ofMeaning, ofText } from '../copy/fingerprint.js';
import { Ledger } from '../copy/ledger.js';
import { Tally } from '../copy/tally.js';
import { Absent, CliError, EXIT, Interrupted, UsageError } from '../errors.js';
import { matchOf } from '../match.js';
import type { Store } from '../stores/types.js';
import { summary } from './copy-summary.js';

/** What is between two answers, the clocks of two servers, and rounding. */
const TOLERANCE_MS = 1500;

/** An app that goes on with a session moves its end by more; a busy machine's answers do not. */
const USED_MS = 30_000;

type Target = CopyJob['target'];

/** `sessile copy FROM TO` */
export async function copy(context: Context): Promise<number> {
  const { request } = context;
  const [from, to] = request.words.map((word) => placeIn(context, word)) as [Place, Place];
  checkApart(from, to);
  return withStore(context, from, 'read', async (source) => {
    // Before anything is made in the target.
    await source.sessions.ping();
    return withTarget(context, to, async (target) => {
      const ledger = new Ledger(request.resume, JSON.stringify([identityOf(from), identityOf(to), request.match]), request.dryRun);
      try {
        return await new Copy(context, source, target, to, ledger).run();
      } finally {
        ledger.close();
      }
    });
  });
}

/** Whoever asks, and with whatever password. */
function identityOf({ site, options }: Place): unknown {
  return [site, options];
}

/** The target, opened and reached. A rehearsal makes nothing: what is not there yet is empty. */
async function withTarget(context: Context, to: Place, work: (target: Target) => Promise<number>): Promise<number> {
  const { dryRun } = context.request;
  try {
    return await withStore(context, to, dryRun ? 'read' : 'fill', async ({ sessions }) => {
      await at(to, context, () => sessions.read(['sessile-ping']));
      return work(sessions);
    });
  } catch (error) {
    if (!dryRun || !(error instanceof Absent)) throw error;
    return work(NOWHERE);
  }
}

const NOWHERE = {
  async *ids() {},
  read: (ids: readonly string[]) => Promise.resolve(ids.map(() => null)),
} as Partial<Target> as Target;

async function first(pages: AsyncIterable<unknown>): Promise<unknown> {
  for await (const page of pages) return page;
  return undefined;
}

/** One run of the command. */
class Copy {
  readonly #context: Context;
  readonly #source: Store;
  readonly #target: Target;
  readonly #to: Place;
  readonly #ledger: Ledger;
  readonly #tally = new Tally();
  readonly #startedAt = performance.now();
  #passes = 0;

  constructor(context: Context, source: Store, target: Target, to: Place, ledger: Ledger) {
    this.#context = context;
    this.#source = source;
    this.#target = target;
    this.#to = to;
    this.#ledger = ledger;
  }

  async run(): Promise<number> {
    const { progress, request } = this.#context;
    try {
      await this.#goThrough(new Copier(this.#job()));
    } catch (error) {
      progress.end();
      throw this.#withAdvice(named(error, this.#to, this.#context));
    }
    progress.end();
    await this.#tell();
    sayUnreadable(this.#context, this.#tally.counts.unreadable);
    return this.#tally.counts.failed > 0 && !request.dryRun ? EXIT.failed : EXIT.ok;
  }

  /** A file of a copy that is done makes this run the pass that catches up. */
  async #goThrough(copier: Copier): Promise<void> {
    const { follow, dryRun } = this.#context.request;
    // Whether the target can be listed shows now, and not after hours.
    if (follow) await first(this.#target.ids());
    const isSecond = this.#ledger.isDone;
    if (isSecond) this.#ledger.begin();
    await this.#pass(copier, isSecond ? 'following' : 'copying');
    if (!follow) return this.#ledger.finish();
    if (!isSecond && !dryRun) {
      this.#ledger.finish();
      this.#ledger.begin();
      await this.#pass(copier, 'following');
    }
    this.#context.progress.begin('removing');
    await copier.removeEnded();
    this.#ledger.finish();
  }

  async #pass(copier: Copier, what: string): Promise<void> {
    this.#context.progress.begin(what, await totalOf(this.#context, this.#source.sessions));
    await copier.pass();
    this.#passes += 1;
  }

  #job(): CopyJob {
    const { request, signal, progress } = this.#context;
    return {
      source: this.#tellingSource(),
      target: this.#target,
      ledger: this.#ledger,
      fingerprint: this.#to.kind === 'redis' || this.#to.kind === 'sqlite' ? ofText : ofMeaning,
      match: matchOf(request.match),
      rules: { conflicts: request.conflicts, toleranceMs: this.#toleranceMs(), usedMs: USED_MS },
      dryRun: request.dryRun,
      tally: this.#tally,
      signal,
      onProgress: (count) => progress.add(count),
    };
  }

  /** Its failures name it; all others are the target's. */
  #tellingSource(): CopyJob['source'] {
    const { sessions, place } = this.#source;
    const context = this.#context;
    return {
      traits: sessions.traits,
      read: (ids) => at(place, context, () => sessions.read(ids)),
      async *pages() {
        const pages = sessions.pages();
        for (;;) {
          const { done, value } = await at(place, context, () => pages.next());
          if (done === true) return;
          yield value;
        }
      },
    };
  }

  /** memcached counts in seconds, gives one more than was asked for, and its clock may be one behind. */
  #toleranceMs(): number {
    const isCoarse = this.#to.kind === 'memcached' || this.#source.place.kind === 'memcached';
    return TOLERANCE_MS + (isCoarse ? 3000 : 0);
  }

  async #tell(): Promise<void> {
    const { request, out } = this.#context;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const [from, to] = [this.#source.place.label, this.#to.label];
    const failures = [...this.#tally.failures].map(([code, failure]) => ({ code, ...failure }));
    const report = { from, to, dryRun: request.dryRun, seconds, passes: this.#passes, ...this.#tally.counts, failures };
    await (request.json ? out.json(report) : out.line(summary(report)));
  }

  #withAdvice(error: unknown): unknown {
    const { request } = this.#context;
    if (request.dryRun || !(error instanceof CliError) || error instanceof UsageError) return error;
    const done = `${this.#ledger.size.toLocaleString('en-US')} sessions are in the target`;
    const advice = `${done}. Run the same command again to go on${request.resume === undefined ? ': what is there already is found, and left alone' : ''}.`;
    if (error instanceof Interrupted)
      return new Interrupted(error.exitCode === EXIT.interrupted ? 'SIGINT' : 'SIGTERM', `Interrupted: ${advice}`);
    error.message = `${error.message} ${advice}`;
    return error;
  }
}
