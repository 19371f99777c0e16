import { StoreError } from './errors.js';

/** When a backend that no longer answers counts as away. */
export interface CircuitSettings {
  /** So many calls in a row that got no answer in time. */
  afterTimeouts: number;
  /** How often it is asked whether it is back, in ms. */
  probeEveryMs: number;
}

/**
 * Tells that a backend is away which accepts connections and answers nothing: without it each call of each request would wait for
 * the whole `timeoutMs`.
 *
 * It opens when `afterTimeouts` calls in a row, of two sessions at least, got no answer in time. While it is open, one probe at a
 * time asks whether the backend is back. Any answer closes it: a probe's, or a late one of an earlier call.
 *
 * @see ERR-16 in docs/contract.md
 */
export class Circuit {
  readonly #settings: CircuitSettings;
  readonly #probe: () => Promise<unknown>;
  readonly #moved: (isOpen: boolean, cause?: StoreError) => void;
  #late = 0;
  #lateKeys = new Set<string>();
  #isOpen = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param probe asks the backend anything. Only whether it answers in time counts; {@link answered} is told by the call itself.
   * @param moved told when the circuit opens and closes.
   */
  constructor(settings: CircuitSettings, probe: () => Promise<unknown>, moved: (isOpen: boolean, cause?: StoreError) => void) {
    this.#settings = settings;
    this.#probe = probe;
    this.#moved = moved;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** A call that was sent got no answer in time. @param key of its session: one that is locked says nothing of the others. */
  timedOut(key: string): void {
    if (this.#isOpen) return;
    this.#late += 1;
    if (this.#lateKeys.size < 2) this.#lateKeys.add(key);
    if (this.#late < this.#settings.afterTimeouts || this.#lateKeys.size < 2) return;
    this.#isOpen = true;
    this.#schedule();
    this.#moved(true, new StoreError('ERR_STORE_TIMEOUT', `${this.#late} calls in a row got no answer in time.`));
  }

  /** The backend gave an answer, be it an error. */
  answered(): void {
    if (this.#late === 0) return;
    this.stop();
    this.#late = 0;
    this.#lateKeys.clear();
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#moved(false);
  }

  /** Ends the probing. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Jitter: processes that lost the same server do not ask in the same moment. */
  #schedule(): void {
    const delay = this.#settings.probeEveryMs * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.#ask(), delay).unref();
  }

  async #ask(): Promise<void> {
    await this.#probe().catch(ignore);
    if (this.#isOpen && this.#timer !== undefined) this.#schedule();
  }
}

function ignore(): void {}
