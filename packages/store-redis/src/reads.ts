import type { Stored } from '@sessile/core/driver';
import { type Connection, evaluate, type Task } from './connection.js';
import type { Link } from './link.js';
import { KEEP, LIVES, living, READ, READ_AND_KEEP, type Script, storedOf } from './scripts.js';

type Read = Stored<string> | null;

/**
 * Reads sessions: text and remaining life.
 *
 * Many by two commands where they keep their order, MGET for the texts and a script for the lives: a script that reads the texts
 * copies each into Lua and out again, at three times the price. A session that another client changes between the two is read with
 * its earlier text and its later life; a save that builds on it finds that out by its compare-and-set.
 */
export class Reads {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** GET and PTTL in a script: one command costs less than two. @param key as Redis has it. */
  one(key: string): Promise<Read> {
    return this.#connection.run(READ, { key, args: [] }, storedOf);
  }

  /** MGET, and PTTL in a script; an answer or an error for each. */
  many(keys: readonly string[]): Promise<(Read | Error)[]> {
    const tasks = keys.map((key) => ({ key, args: [] }));
    return this.#connection.link.inOrder ? this.#inTwo(LIVES, tasks) : this.#connection.runEach(READ, tasks, storedOf);
  }

  /** The same, with lives that become longer on the way. @param tasks a life, and the start of the texts that get it. */
  kept(tasks: readonly Task[]): Promise<(Read | Error)[]> {
    const inTwo = this.#connection.link.inOrder && tasks.length > 1;
    return inTwo ? this.#inTwo(KEEP, tasks) : this.#connection.runEach(READ_AND_KEEP, tasks, storedOf);
  }

  async #inTwo(script: Script, tasks: readonly Task[]): Promise<(Read | Error)[]> {
    const [texts, lives] = await this.#connection.with((link) => textsAndLives(link, script, tasks));
    const answers = tasks.map((_, index) => found(texts[index] ?? null, lives[index]));
    if (!answers.includes(undefined)) return answers as Read[];
    return Promise.all(answers.map(async (answer, index) => (answer === undefined ? this.#alone((tasks[index] as Task).key) : answer)));
  }

  #alone(key: string): Promise<Read | Error> {
    return this.one(key).catch((error: unknown) => error as Error);
  }
}

function textsAndLives(link: Link, script: Script, tasks: readonly Task[]): Promise<[(string | null)[], unknown[]]> {
  const keys = tasks.map(({ key }) => key);
  const texts = link.send({ name: 'mget', args: keys, key: keys[0] ?? '' });
  const args = tasks.flatMap((task) => task.args);
  return Promise.all([texts, evaluate(link, script, keys, args)]) as Promise<[(string | null)[], unknown[]]>;
}

/** MGET has no text for a key that holds something else than a text, where GET fails: undefined, to be asked for alone. */
function found(text: string | null, left: unknown): Read | Error | undefined {
  if (left instanceof Error) return undefined;
  if (text !== null) return living(text, left);
  return Number(left) === -2 ? null : undefined;
}
