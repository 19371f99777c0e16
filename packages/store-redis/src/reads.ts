import type { Stored } from '@sessile/core/driver';
import { type Connection, evaluate } from './connection.js';
import type { Link } from './link.js';
import { LIVES, living, READ, storedOf } from './scripts.js';

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
  async many(keys: readonly string[]): Promise<(Read | Error)[]> {
    if (!this.#connection.link.inOrder) {
      const tasks = keys.map((key) => ({ key, args: [] }));
      return this.#connection.runEach(READ, tasks, storedOf);
    }
    const [texts, lives] = await this.#connection.with((link) => textsAndLives(link, keys));
    const answers = keys.map((_, index) => found(texts[index] ?? null, lives[index]));
    if (!answers.includes(undefined)) return answers as Read[];
    return Promise.all(answers.map(async (answer, index) => (answer === undefined ? this.#alone(keys[index] as string) : answer)));
  }

  #alone(key: string): Promise<Read | Error> {
    return this.one(key).catch((error: unknown) => error as Error);
  }
}

function textsAndLives(link: Link, keys: readonly string[]): Promise<[(string | null)[], unknown[]]> {
  const texts = link.send({ name: 'mget', args: keys, key: keys[0] ?? '' });
  return Promise.all([texts, evaluate(link, LIVES, keys, [])]) as Promise<[(string | null)[], unknown[]]>;
}

/** MGET has no text for a key that holds something else than a text, where GET fails: undefined, to be asked for alone. */
function found(text: string | null, left: unknown): Read | undefined {
  if (text !== null) return living(text, left);
  return Number(left) === -2 ? null : undefined;
}
