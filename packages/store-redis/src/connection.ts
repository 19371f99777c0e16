import { StoreError } from '@sessile/core';
import { isForgotten, known } from './errors.js';
import type { Command, Link, Server } from './link.js';
import type { Script } from './scripts.js';
import { refusalOf } from './version.js';

type Report = (state: 'up' | 'down', cause?: unknown) => void;
type Parse<R> = (answer: unknown, index: number) => R;

/** One key and what a script is to do with it. */
export interface Task {
  key: string;
  args: readonly string[];
}

/**
 * The way to Redis: made at the first call, watched, and asked for its version and kind once per connection.
 *
 * Nothing is sent while it is known to be away, so nothing piles up in a client's queue.
 */
export class Connection {
  readonly #open: () => Link;
  #link: Link | undefined;
  #unwatch: (() => void) | undefined;
  #report: Report | undefined;
  /** Since when there is no connection, and why. */
  #away: { cause: unknown } | undefined;
  /** How often what was known of the connection has become old: as it does when it is lost. */
  epoch = 0;
  #closed = false;
  /** Whether the server of this connection is known to be one that can be used. */
  #served = false;
  #asking: Promise<StoreError | undefined> | undefined;

  constructor(open: () => Link) {
    this.#open = open;
  }

  set report(report: Report) {
    this.#report = report;
  }

  get link(): Link {
    if (this.#closed) throw closed();
    this.#link ??= this.#watched(this.#open());
    if (this.#away === undefined) return this.#link;
    throw (
      this.#denial() ??
      new StoreError('ERR_STORE_UNAVAILABLE', 'Redis is away. The store works again by itself when it is back.', this.#away)
    );
  }

  /** A server that refuses the password is there: what is wrong with it does not pass by waiting. */
  #denial(): StoreError | undefined {
    const cause = known(this.#away?.cause, false);
    return StoreError.isInstance(cause) && cause.code === 'ERR_STORE_DENIED' ? cause : undefined;
  }

  /** Sends one command. */
  send<R>(command: Command, parse: (answer: unknown) => R): Promise<R> {
    return this.#with((link) => link.send(command)).then(parse, this.#fail);
  }

  /** Does anything with the client; fails with the errors of a store. */
  with<R>(work: (link: Link) => Promise<R>): Promise<R> {
    return this.#with(work).catch(this.#fail);
  }

  /** Sends many commands at once; an answer or an error for each. */
  sendEach<R>(commands: readonly Command[], parse: Parse<R>): Promise<(R | Error)[]> {
    return this.#with((link) => settled(commands.map((command) => link.send(command)))).then(
      (answers) => this.#parsed(answers, parse),
      this.#fail,
    );
  }

  /** Runs a script for one key. */
  run<R>(script: Script, { key, args }: Task, parse: (answer: unknown) => R): Promise<R> {
    const first = (answers: unknown) => {
      const [answer] = answers as unknown[];
      return answer instanceof Error ? this.#fail(answer) : parse(answer);
    };
    return this.#with((link) => link.send(byName(script, [key], args))).then(first, (error: unknown) => {
      if (!isForgotten(error)) return this.#fail(error);
      return this.#with((link) => link.send(byText(script, [key], args))).then(first, this.#fail);
    });
  }

  /** Runs a script for many keys: as one command, or on a cluster as one per key, those of a primary together. */
  runEach<R>(script: Script, tasks: readonly Task[], parse: Parse<R>): Promise<(R | Error)[]> {
    const all = (link: Link) => (link.sharded ? evaluateEach(link, script, tasks) : evaluateAll(link, script, tasks));
    return this.#with(all).then((answers) => this.#parsed(answers as unknown[], parse), this.#fail);
  }

  /** Every primary. */
  servers(): Promise<readonly Server[]> {
    return this.#with((link) => link.servers()).catch(this.#fail);
  }

  /** Sends one of them a command that names no key. */
  ask(server: Server, name: string, args: readonly string[] = []): Promise<unknown> {
    return this.#with(() => server.send(name, args)).catch(this.#fail);
  }

  /** Ends nothing but what the store has opened. */
  close(own: boolean): void {
    this.#closed = true;
    this.#unwatch?.();
    if (own) this.#link?.close();
    this.#unwatch = undefined;
    this.#link = undefined;
  }

  #watched(link: Link): Link {
    this.#unwatch = link.watch({
      up: () => this.#tell('up'),
      down: (cause) => this.#tell('down', cause),
      changed: () => {
        this.epoch += 1;
        this.#served = false;
        this.#asking = undefined;
      },
    });
    return link;
  }

  #tell(state: 'up' | 'down', cause?: unknown): void {
    this.#away = state === 'down' ? { cause } : undefined;
    this.#report?.(this.#denial() === undefined ? state : 'up', cause);
  }

  #with<R>(work: (link: Link) => Promise<R>): Promise<R> {
    const { link } = this;
    return this.#served ? work(link) : this.#ask(link).then(() => work(link));
  }

  /** Asks once for all calls that come meanwhile. An answer is kept while the connection lasts; no answer is asked for again. */
  async #ask(link: Link): Promise<void> {
    const asking = (this.#asking ??= refusalOf(link));
    try {
      const refusal = await asking;
      if (refusal !== undefined) throw refusal;
      if (this.#asking === asking) this.#served = true;
    } catch (error) {
      if (!StoreError.isInstance(error) && this.#asking === asking) this.#asking = undefined;
      throw error;
    }
  }

  #parsed<R>(answers: readonly unknown[], parse: Parse<R>): (R | Error)[] {
    return answers.map((answer, index) => (answer instanceof Error ? this.#named(answer) : parse(answer, index)));
  }

  #named(error: unknown): Error {
    const named = known(error, this.#link?.sharded === true) as Error;
    const isLost = StoreError.isInstance(named) && named.code === 'ERR_STORE_UNAVAILABLE';
    return (isLost ? this.#denial() : undefined) ?? named;
  }

  readonly #fail = (error: unknown): never => {
    throw this.#closed ? closed() : this.#named(error);
  };
}

function closed(): StoreError {
  return new StoreError('ERR_STORE_CLOSED', 'The store was closed meanwhile.');
}

async function evaluateEach(link: Link, script: Script, tasks: readonly Task[]): Promise<unknown[]> {
  const answers = await settled(tasks.map(({ key, args }) => evaluate(link, script, [key], args)));
  return answers.map((answer) => (Array.isArray(answer) ? (answer[0] as unknown) : answer));
}

/** Waits for all; for each its answer or its error. */
function settled(answers: readonly Promise<unknown>[]): Promise<unknown[]> {
  return Promise.all(answers.map((answer) => answer.catch(asError)));
}

function evaluateAll(link: Link, script: Script, tasks: readonly Task[]): Promise<unknown> {
  const keys = tasks.map(({ key }) => key);
  const args = tasks.flatMap(({ args }) => args);
  return evaluate(link, script, keys, args);
}

/** Runs a script by its name, and by its text where Redis has forgotten it. */
export function evaluate(link: Link, script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
  return link.send(byName(script, keys, args)).catch((error: unknown) => {
    if (!isForgotten(error)) throw error;
    return link.send(byText(script, keys, args));
  });
}

function byName({ sha }: Script, keys: readonly string[], args: readonly string[]): Command {
  return commandOf('evalsha', sha, keys, args);
}

function byText({ text }: Script, keys: readonly string[], args: readonly string[]): Command {
  return commandOf('eval', text, keys, args);
}

function commandOf(name: string, script: string, keys: readonly string[], args: readonly string[]): Command {
  return { name, args: [script, String(keys.length), ...keys, ...args], key: keys[0] ?? '' };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
