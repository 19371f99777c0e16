import { StoreError } from '@sessile/core';
import type { FoundSession, Replacement, StoredSession, StoredSessions } from '@sessile/core/stored';
import { CliError } from '../errors.js';
import type { Match } from '../match.js';
import { type Entry, type Ledger, NOTHING_BEFORE } from './ledger.js';
import type { Fingerprint } from './fingerprint.js';
import { isNear, isOurs, isUnused, type Plan, planFor, type Rules, type Version } from './plan.js';
import type { Counts, Tally } from './tally.js';

const DAY_MS = 86_400_000;
/** A session that others write all the time is left to the next pass. */
const ROUNDS = 5;
const MAX_FAILURES = 1000;

/** Plans by which nothing is written. */
const LEFT: ReadonlySet<Plan> = new Set<Plan>(['same', 'kept', 'ended']);

const COUNTED: Readonly<Record<Plan, keyof Counts>> = {
  put: 'put',
  replace: 'replaced',
  lengthen: 'lengthened',
  shorten: 'shortened',
  same: 'same',
  kept: 'kept',
  ended: 'endedInTarget',
};

/** What a copy works with. */
export interface CopyJob {
  readonly source: Pick<StoredSessions, 'traits' | 'pages' | 'read'>;
  readonly target: Pick<StoredSessions, 'ids' | 'read' | 'write' | 'replace'>;
  readonly ledger: Ledger;
  readonly fingerprint: Fingerprint;
  readonly match: Match | undefined;
  readonly rules: Rules;
  readonly dryRun: boolean;
  readonly tally: Tally;
  /** Looked at between batches. */
  readonly signal: AbortSignal;
  readonly onProgress: (count: number) => void;
}

const NAMELESS = new StoreError(
  'ERR_STORE_UNSUPPORTED',
  'Of an id that is too long for it, memcached keeps a hash alone, by which no other store finds the session.',
);

/** A session of the source, and what this copy knows of it. */
interface Candidate extends Version {
  readonly id: string;
  readonly payload: string;
  readonly endsAt: number;
  readonly known: Entry | undefined;
}

/** A candidate, what stands in the target, and what is to be done. */
interface Step {
  readonly candidate: Candidate;
  readonly found: FoundSession | null;
  readonly plan: Plan;
}

/** Brings sessions of one store into another, a batch at a time. */
export class Copier {
  readonly #job: CopyJob;

  constructor(job: CopyJob) {
    this.#job = job;
  }

  /** Goes through the source once. */
  async pass(): Promise<void> {
    for await (const page of ahead(this.#job.source.pages())) {
      this.#job.signal.throwIfAborted();
      await this.#bring(page);
      this.#job.onProgress(page.length);
    }
  }

  /**
   * Goes through the target, and removes what this copy put there and the source has no more. What the target changed or used itself
   * since then stays.
   */
  async removeEnded(): Promise<void> {
    for await (const ids of ahead(this.#job.target.ids())) {
      this.#job.signal.throwIfAborted();
      await this.#removeEnded(ids);
      this.#job.onProgress(ids.length);
    }
  }

  async #bring(page: readonly FoundSession[]): Promise<void> {
    let candidates = page.flatMap((session) => this.#candidate(session) ?? []).filter((candidate) => !this.#isSettled(candidate));
    for (let round = 1; candidates.length > 0; round += 1) {
      const steps = await this.#plan(candidates);
      const again = this.#job.dryRun ? this.#pretend(steps) : await this.#take(steps);
      if (round === ROUNDS) this.#job.tally.add('kept', again.length);
      candidates = round === ROUNDS ? [] : again;
    }
  }

  /** Undefined where this session is not meant, or cannot be. What this copy has put there is followed, whatever it matches now. */
  #candidate({ id, payload, expiresAt }: FoundSession): Candidate | undefined {
    const { match, ledger, tally, fingerprint } = this.#job;
    const known = ledger.find(id);
    if (match !== undefined && known === undefined && !this.#isMeant(match(payload))) return undefined;
    tally.add('read');
    if (id.startsWith('~h:') && this.#job.source.traits.name === 'memcached') {
      this.#fail(NAMELESS);
      return undefined;
    }
    if (expiresAt === undefined) tally.add('guessed');
    return { id, payload, fingerprint: fingerprint(payload), endsAt: expiresAt ?? Date.now() + DAY_MS, known };
  }

  #isMeant(answer: boolean | undefined): boolean {
    if (answer === undefined) this.#job.tally.add('unreadable');
    return answer === true;
  }

  /** What the source has not changed since this copy put it there needs no look at the target. */
  #isSettled({ id, fingerprint, endsAt, known }: Candidate): boolean {
    const { ledger, tally, rules } = this.#job;
    if (known === undefined || known.before !== undefined) return false;
    if (!fingerprint.equals(known.fingerprint) || !isNear(endsAt, known.endsAt, rules.toleranceMs)) return false;
    if (known.pass !== ledger.pass) ledger.note(id, { ...known, pass: ledger.pass });
    tally.add('same');
    return true;
  }

  async #plan(candidates: readonly Candidate[]): Promise<Step[]> {
    const { target, rules } = this.#job;
    const found = await target.read(candidates.map(({ id }) => id));
    return candidates.map((candidate, at): Step => {
      const session = found[at] ?? null;
      const version = session === null ? undefined : this.#versionOf(session);
      return { candidate, found: session, plan: planFor(candidate, version, candidate.known, rules, Date.now()) };
    });
  }

  #versionOf({ payload, expiresAt }: FoundSession): Version {
    return { fingerprint: this.#job.fingerprint(payload), endsAt: expiresAt };
  }

  /** @returns those that are to be looked at again: others wrote them meanwhile. */
  async #take(steps: readonly Step[]): Promise<Candidate[]> {
    const now = Date.now();
    const alive = steps.filter(({ candidate, plan }) => plan === 'same' || candidate.endsAt > now);
    this.#job.tally.add('expired', steps.length - alive.length);
    for (const step of alive) if (LEFT.has(step.plan)) this.#leave(step);
    await this.#put(alive.filter(({ plan }) => plan === 'put').map(({ candidate }) => candidate));
    return this.#replace(alive.filter(({ plan }) => plan !== 'put' && !LEFT.has(plan)));
  }

  /** Nothing is to be written. The same session with the same end is as good as put there by this copy. */
  #leave({ candidate, plan, found }: Step): void {
    const { ledger, rules } = this.#job;
    this.#count(plan);
    const isTwin = plan === 'same' && found?.expiresAt !== undefined && isNear(found.expiresAt, candidate.endsAt, rules.toleranceMs);
    if (isTwin) this.#know(candidate);
    // It is still in the source: it has not ended there.
    else if (candidate.known !== undefined) ledger.note(candidate.id, { ...candidate.known, pass: ledger.pass });
  }

  async #put(candidates: readonly Candidate[]): Promise<void> {
    const { target, tally } = this.#job;
    for (const candidate of candidates) this.#know(candidate, NOTHING_BEFORE);
    const outcomes = await target.write(candidates.map(toStore));
    for (const [at, candidate] of candidates.entries()) {
      const failure = outcomes[at];
      if (failure !== undefined) this.#fail(failure);
      else {
        this.#know(candidate);
        tally.add('put');
      }
    }
  }

  async #replace(steps: readonly Step[]): Promise<Candidate[]> {
    const { target, ledger } = this.#job;
    for (const { candidate, plan, found } of steps)
      if (plan === 'replace' && found !== null) this.#know(candidate, this.#versionOf(found).fingerprint);
    const outcomes = await target.replace(steps.map(replacementOf));
    return steps.flatMap(({ candidate, plan }, at) => {
      const outcome = outcomes[at];
      if (outcome instanceof Error) this.#fail(outcome);
      if (outcome !== 'changed' && outcome !== 'missing') return this.#done(candidate, plan, outcome);
      // As it was known before.
      if (candidate.known !== undefined) ledger.note(candidate.id, candidate.known);
      return [candidate];
    });
  }

  #done(candidate: Candidate, plan: Plan, outcome: unknown): [] {
    if (outcome === 'replaced') {
      this.#know(candidate);
      this.#count(plan);
    }
    return [];
  }

  #count(plan: Plan): void {
    this.#job.tally.add(COUNTED[plan]);
  }

  #pretend(steps: readonly Step[]): [] {
    for (const { plan } of steps) this.#count(plan);
    return [];
  }

  #know({ id, fingerprint, endsAt }: Candidate, before?: Buffer): void {
    const { ledger } = this.#job;
    ledger.note(id, { fingerprint, endsAt, pass: ledger.pass, before });
  }

  #fail(error: StoreError): void {
    const { tally } = this.#job;
    tally.fail(error);
    if (tally.counts.failed >= MAX_FAILURES)
      throw new CliError(`${MAX_FAILURES} sessions could not be stored. The last of them: ${error.message}`);
  }

  async #removeEnded(ids: readonly string[]): Promise<void> {
    const { source, ledger } = this.#job;
    const unseen = ids.filter((id) => isUnseen(ledger.find(id), ledger.pass));
    if (unseen.length === 0) return;
    const there = await source.read(unseen);
    // It may have come back, or have been passed over while the source moved its sessions about.
    if (!this.#job.dryRun) await this.#bring(there.filter((session) => session !== null));
    await this.#end(unseen.filter((_, at) => there[at] === null));
  }

  /** By compare-and-set with the shortest life: one that the target changes at the same moment stays. */
  async #end(ids: readonly string[]): Promise<void> {
    const { target, ledger, tally, rules, dryRun } = this.#job;
    const found = (await target.read(ids)).filter((session) => session !== null);
    const ours = found.filter((session) => {
      const [version, known] = [this.#versionOf(session), ledger.find(session.id)];
      return isOurs(version, known) && isUnused(version, known, rules);
    });
    tally.add('kept', found.length - ours.length);
    if (dryRun) return tally.add('removed', ours.length);
    const outcomes = await target.replace(ours.map((session) => ({ found: session, payload: session.payload, expiresAt: 0 })));
    for (const [at, { id }] of ours.entries()) {
      const outcome = outcomes[at];
      if (outcome instanceof Error) this.#fail(outcome);
      if (outcome === 'changed') tally.add('kept');
      if (outcome === 'replaced') this.#removed(id);
    }
  }

  /** Should the source have one with this id again, it is a new one. */
  #removed(id: string): void {
    const { ledger, tally } = this.#job;
    const known = ledger.find(id);
    if (known !== undefined) ledger.note(id, { ...known, endsAt: 0, before: undefined });
    tally.add('removed');
  }
}

function isUnseen(known: Entry | undefined, pass: number): boolean {
  return known !== undefined && known.pass !== pass;
}

function toStore({ id, payload, endsAt }: Candidate): StoredSession {
  return { id, payload, expiresAt: endsAt };
}

/** Where the data is the same, the target's own text stays. */
function replacementOf({ candidate, found, plan }: Step): Replacement {
  const session = found as FoundSession;
  return {
    found: session,
    payload: plan === 'replace' ? candidate.payload : session.payload,
    expiresAt: candidate.endsAt,
    onlyLonger: plan === 'lengthen',
  };
}

/** Asks for the next page while this one is worked on. */
async function* ahead<P>(pages: AsyncIterable<P>): AsyncGenerator<P> {
  const iterator = pages[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (let result = await next; result.done !== true; result = await next) {
      next = iterator.next();
      next.catch(() => undefined);
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}
