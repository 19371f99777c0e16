import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Message, Order, TargetFacts } from './messages.js';

const CHILD = fileURLToPath(new URL('child.js', import.meta.url));
const TICK_MS = 250;
const LOAD_MS = 60_000;
/** What a process that ended has still to say. A grandchild that holds its pipes must not hold us. */
const LAST_WORDS_MS = 500;
const LEAVE_MS = 2000;
/** What Node writes when it runs out of memory is longer than what a person reads. */
const TAIL_LENGTH = 16_000;
const WORDS_LENGTH = 1000;

/** How a process ended, in words. */
export interface Death {
  readonly got: string;
  readonly cause: 'ended' | 'blocked';
}

/** The module gives no target. */
export class UnusableTarget extends Error {
  override readonly name = 'UnusableTarget';
}

/** What the process of a target does. */
export interface WorkerOptions {
  readonly file: string;
  /** A silence longer than this is a blocked event loop. */
  readonly blockedMs: number;
  /** What the store writes to its standard output and error. */
  readonly onOutput: (text: string) => void;
}

/** One process that runs checks. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #child: ChildProcess;
  readonly #death: Promise<Death>;
  #targets: readonly TargetFacts[] = [];
  #hear: (message: Message) => void = () => undefined;
  #isLoaded = false;
  #silentMs = 0;
  #blocked = false;
  #uncaught = '';
  #tail = '';

  private constructor(options: WorkerOptions) {
    this.#options = options;
    this.#child = fork(CHILD, [options.file], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#child.on('message', (message: Message) => this.#onMessage(message));
    // It cannot be told anything any more.
    this.#child.on('disconnect', () => this.#child.kill('SIGKILL'));
    this.#child.on('error', () => undefined);
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.setEncoding('utf8').on('data', (text) => this.#onOutput(text));
    this.#death = this.#watch();
  }

  /**
   * Starts a process and waits until it has loaded the targets.
   *
   * @throws UnusableTarget when it cannot.
   */
  static async start(options: WorkerOptions): Promise<Worker> {
    const worker = new Worker(options);
    try {
      await worker.#load();
    } catch (error) {
      worker.kill();
      throw error;
    }
    return worker;
  }

  get targets(): readonly TargetFacts[] {
    return this.#targets;
  }

  /**
   * Has the process run checks.
   *
   * @param onMessage told of each start and each result.
   * @returns how the process ended, where it did before it was done.
   */
  async run(order: Order, onMessage: (message: Message) => void): Promise<Death | undefined> {
    const done = new Promise<undefined>((resolve) => {
      this.#hear = (message) => (message.type === 'done' ? resolve(undefined) : onMessage(message));
    });
    this.#child.send(order, () => undefined);
    return Promise.race([done, this.#death]);
  }

  /** Lets it go, and sees that it goes. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.removeAllListeners('disconnect').disconnect();
    await Promise.race([this.#death, sleep(LEAVE_MS, undefined, { ref: false })]);
    this.kill();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #load(): Promise<void> {
    const loaded = new Promise<Message>((resolve) => (this.#hear = resolve));
    const tooLate = sleep(LOAD_MS, { got: `it was not loaded after ${LOAD_MS / 1000} s` }, { ref: false });
    const outcome = await Promise.race([loaded, this.#death, tooLate]);
    if ('got' in outcome) throw new UnusableTarget(outcome.got);
    if (outcome.type === 'unusable') throw new UnusableTarget(outcome.reason);
    if (outcome.type === 'ready') this.#targets = outcome.targets;
    this.#isLoaded = true;
    this.#silentMs = 0;
  }

  #onMessage(message: Message): void {
    this.#silentMs = 0;
    if (message.type === 'uncaught') this.#uncaught = message.error;
    else if (message.type !== 'beat') this.#hear(message);
  }

  #onOutput(text: string): void {
    this.#tail = (this.#tail + text).slice(-TAIL_LENGTH);
    this.#options.onOutput(text);
  }

  async #watch(): Promise<Death> {
    const watchdog = setInterval(() => this.#tick(), TICK_MS);
    const [code, signal] = await ended(this.#child);
    clearInterval(watchdog);
    await Promise.race([once(this.#child, 'close'), sleep(LAST_WORDS_MS)]);
    return this.#blocked ? this.#blockedDeath() : { cause: 'ended', got: this.#describe(code, signal) };
  }

  /** Counts its own ticks, not the clock: a computer that slept is no store that blocks. */
  #tick(): void {
    this.#silentMs += TICK_MS;
    // What modules take to load is not the store's: that has a limit of its own.
    if (!this.#isLoaded || this.#silentMs <= this.#options.blockedMs) return;
    this.#blocked = true;
    this.kill();
  }

  #blockedDeath(): Death {
    const seconds = Math.round(this.#options.blockedMs / 100) / 10;
    return { cause: 'blocked', got: `it blocked the event loop for more than ${seconds} s, and was killed` };
  }

  #describe(code: number | null, signal: string | null): string {
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const tail = this.#uncaught || lastWords(this.#tail);
    const said = this.#uncaught ? 'an error that nobody caught' : 'it last wrote';
    return `the process ended (${how}) during this check${tail && `; ${said}: ${tail}`}`;
  }
}

/** Node's own reason, where it gave one, stands above a long trace. */
function lastWords(tail: string): string {
  return /^FATAL ERROR: .*$/m.exec(tail)?.[0] ?? tail.trim().slice(-WORDS_LENGTH);
}

/** A process that could not even be started has ended too. */
function ended(child: ChildProcess): Promise<[number | null, string | null]> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve([code, signal]));
    child.once('error', () => resolve([null, 'none: it could not be started']));
  });
}
