import { StoreError } from '@sessile/core';
import type { FoundSession, Replacement, ReplaceOutcome, StoredSession, StoredSessions } from '@sessile/core/stored';
import { CliError } from '../errors.js';
import type { Match } from '../match.js';
import { type Entry, type Ledger, NOTHING_BEFORE } from './ledger.js';
import type { Fingerprint } from './fingerprint.js';
import { patiently } from './patience.js';
import { isNear, isOurs, isUnused, type Plan, planFor, type Rules, type Version } from './plan.js';
import type { Counts, Tally } from './tally.js';

const DAY_MS = 86_400_000;
/** A session that others write again and again is left to the next pass. */
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

/** Those of a batch about which something is still to be done, by id. */
type Open = Map<string, Candidate>;

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
    const { tally, dryRun, signal } = this.#job;
    const candidates = page.flatMap((session) => this.#candidate(session) ?? []).filter((candidate) => !this.#isSettled(candidate));
    const open: Open = new Map(candidates.map((candidate) => [candidate.id, candidate]));
    for (let round = 0; open.size > 0 && round < ROUNDS; round += 1) {
      // Planned anew each time: a write without an answer may have been made, and changed by the app since.
      await patiently(() => (dryRun ? this.#pretend(open) : this.#take(open)), signal);
    }
    tally.add('kept', open.size);
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

  async #plan(open: Open): Promise<Step[]> {
    const { target, rules } = this.#job;
    const candidates = [...open.values()];
    const found = await target.read([...open.keys()]);
    return candidates.map((candidate, at): Step => {
      const session = found[at] ?? null;
      const version = session === null ? undefined : this.#versionOf(session);
      return { candidate, found: session, plan: planFor(candidate, version, candidate.known, rules, Date.now()) };
    });
  }

  #versionOf({ payload, expiresAt }: FoundSession): Version {
    return { fingerprint: this.#job.fingerprint(payload), endsAt: expiresAt };
  }

  /** Does what is to be done. What others write meanwhile stays open, to be looked at again. */
  async #take(open: Open): Promise<void> {
    const steps = await this.#plan(open);
    const now = Date.now();
    for (const step of steps) {
      const isOver = step.plan !== 'same' && step.candidate.endsAt <= now;
      if (isOver) this.#settle(open, step, 'expired');
      else if (LEFT.has(step.plan)) this.#leave(open, step);
    }
    const [puts, others] = [steps.filter(({ plan }) => plan === 'put'), steps.filter(({ plan }) => plan !== 'put')].map((some) =>
      some.filter(({ candidate }) => open.has(candidate.id)),
    ) as [Step[], Step[]];
    await this.#put(open, puts);
    await this.#replace(open, others);
  }

  async #pretend(open: Open): Promise<void> {
    for (const step of await this.#plan(open)) this.#settle(open, step);
  }

  #settle(open: Open, { candidate, plan }: Step, count: keyof Counts = COUNTED[plan]): void {
    open.delete(candidate.id);
    this.#job.tally.add(count);
  }

  /** Nothing is to be written. The same session with the same end is as good as put there by this copy. */
  #leave(open: Open, step: Step): void {
    const { ledger, rules } = this.#job;
    const { candidate, plan, found } = step;
    const isTwin = plan === 'same' && found?.expiresAt !== undefined && isNear(found.expiresAt, candidate.endsAt, rules.toleranceMs);
    if (isTwin) this.#know(candidate);
    // It is still in the source: it has not ended there.
    else if (candidate.known !== undefined) ledger.note(candidate.id, { ...candidate.known, pass: ledger.pass });
    this.#settle(open, step);
  }

  async #put(open: Open, steps: readonly Step[]): Promise<void> {
    if (steps.length === 0) return;
    for (const { candidate } of steps) this.#know(candidate, NOTHING_BEFORE);
    const outcomes = await this.#job.target.write(steps.map(({ candidate }) => toStore(candidate)));
    for (const [at, step] of steps.entries()) this.#done(open, step, outcomes[at] ?? 'replaced');
  }

  async #replace(open: Open, steps: readonly Step[]): Promise<void> {
    if (steps.length === 0) return;
    for (const { candidate, plan, found } of steps)
      if (plan === 'replace' && found !== null) this.#know(candidate, this.#versionOf(found).fingerprint);
    const outcomes = await this.#job.target.replace(steps.map(replacementOf));
    for (const [at, step] of steps.entries()) this.#done(open, step, outcomes[at] ?? 'changed');
  }

  #done(open: Open, step: Step, outcome: ReplaceOutcome): void {
    const { candidate } = step;
    if (outcome instanceof Error) {
      open.delete(candidate.id);
      this.#fail(outcome);
    } else if (outcome === 'replaced') {
      this.#know(candidate);
      this.#settle(open, step);
    } else if (candidate.known !== undefined) {
      // As it was known before.
      this.#job.ledger.note(candidate.id, candidate.known);
    }
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
    const gone = unseen.filter((_, at) => there[at] === null);
    await patiently(() => this.#end(gone), this.#job.signal);
  }

  /** By compare-and-set with the shortest life: one that the target changes at the same moment stays. */
  async #end(ids: readonly string[]): Promise<void> {
    const { target, tally, dryRun } = this.#job;
    const found = (await target.read(ids)).filter((session) => session !== null);
    const ours = found.filter((session) => this.#isUntouched(session));
    const ended = dryRun ? ours.map(() => 'replaced' as const) : await target.replace(ours.map(atOnce));
    tally.add('kept', found.length - ours.length + ended.filter((outcome) => outcome === 'changed').length);
    for (const [at, { id }] of ours.entries()) {
      const outcome = ended[at];
      if (outcome instanceof Error) this.#fail(outcome);
      if (outcome === 'replaced') this.#removed(id);
    }
  }

  /** Whether it is as this copy has left it. */
  #isUntouched(session: FoundSession): boolean {
    const { ledger, rules } = this.#job;
    const [version, known] = [this.#versionOf(session), ledger.find(session.id)];
    return isOurs(version, known) && isUnused(version, known, rules);
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

function atOnce(found: FoundSession): Replacement {
  return { found, payload: found.payload, expiresAt: 0 };
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
