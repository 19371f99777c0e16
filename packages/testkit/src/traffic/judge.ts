/** What a store must never do, whatever happens to its server. */
export type Breach =
  | 'late answer'
  | 'wrong error'
  | 'wrong data'
  | 'missing session'
  | 'lost write'
  | 'done twice'
  | 'came back'
  | 'not listed'
  | 'wrong count'
  | 'no recovery'
  | 'unhandled'
  | 'memory';

/** What a call came to. A failure was looked at already. */
export type Outcome<R> = { readonly value: R; readonly failed: false } | { readonly value: undefined; readonly failed: true };

/** The codes of failures that may be gone at the next try: docs/errors.md. */
const RETRYABLE: ReadonlySet<unknown> = new Set(['ERR_STORE_UNAVAILABLE', 'ERR_STORE_TIMEOUT', 'ERR_STORE_CONFLICT']);

/** What an outage of a server or a network looks like. */
export const AWAY: readonly string[] = ['ERR_STORE_UNAVAILABLE', 'ERR_STORE_TIMEOUT'];

/** What may also run out of time because another writer came first. */
const CONTENDED: ReadonlySet<string> = new Set(['set', 'touch', 'update']);

/** For a busy machine: what a call may take beyond its time. A call that hangs takes far more. */
const GRACE_MS = 1500;
const KEPT = 20;

/** Watches calls of a store under `timeoutMs`, and keeps what must not be. */
export class Judge {
  readonly timeoutMs: number;
  /** The codes with which calls may fail. */
  allowed: readonly string[];
  calls = 0;
  failed = 0;
  /** The longest time that a call took, ms. */
  slowestMs = 0;
  /** The last failure, in words. */
  lastFailure = 'none';
  readonly codes = new Map<string, number>();
  readonly breaches = new Map<Breach, number>();
  /** The first of them, in words. */
  readonly findings: string[] = [];

  readonly #ignored: readonly Breach[];

  /** @param ignored what this server does by itself: one that forgets has no sessions after a restart. */
  constructor(timeoutMs: number, allowed: readonly string[] = AWAY, ignored: readonly Breach[] = []) {
    this.timeoutMs = timeoutMs;
    this.allowed = allowed;
    this.#ignored = ignored;
  }

  /** Makes a call, and looks at how long it takes and what it fails with. */
  async call<R>(verb: string, work: () => Promise<R>): Promise<Outcome<R>> {
    this.calls += 1;
    const begun = performance.now();
    try {
      return { value: await work(), failed: false };
    } catch (error) {
      this.#failure(verb, error);
      return { value: undefined, failed: true };
    } finally {
      this.#took(verb, performance.now() - begun);
    }
  }

  breach(kind: Breach, what: string): void {
    if (this.#ignored.includes(kind)) return;
    this.breaches.set(kind, (this.breaches.get(kind) ?? 0) + 1);
    if (this.findings.length < KEPT) this.findings.push(`${kind}: ${what}`);
  }

  #took(verb: string, ms: number): void {
    this.slowestMs = Math.max(this.slowestMs, ms);
    if (ms > this.timeoutMs + GRACE_MS) this.breach('late answer', `${verb} took ${Math.round(ms)} ms of ${this.timeoutMs}`);
  }

  #failure(verb: string, error: unknown): void {
    this.failed += 1;
    this.lastFailure = `${verb}: ${String(error)}`;
    const { name, code, retryable, store, operation } = (error ?? {}) as Record<string, unknown>;
    this.codes.set(String(code), (this.codes.get(String(code)) ?? 0) + 1);
    const isKnown = this.allowed.includes(String(code)) || (code === 'ERR_STORE_CONFLICT' && CONTENDED.has(verb));
    const isNamed = name === 'StoreError' && typeof store === 'string' && operation !== undefined;
    if (isKnown && isNamed && retryable === RETRYABLE.has(code)) return;
    this.breach(
      'wrong error',
      `${verb} failed with ${String(code)}, retryable ${String(retryable)}, by ${String(store)}: ${String(error)}`,
    );
  }
}
