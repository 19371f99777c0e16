import type { StoredSessions } from '@sessile/core/stored';
import type { Request } from './args.js';
import { CliError, EXIT, Interrupted, shown, UsageError } from './errors.js';
import { sessions as inWords } from './format.js';
import type { Output } from './output.js';
import type { Progress } from './progress.js';
import { openStore } from './stores/open.js';
import { explained } from './stores/packages.js';
import type { Purpose, Store } from './stores/types.js';
import { type Place, placeOf } from './url.js';

/** Where a command reads and writes: a process, or what stands for one in a test. */
export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** What every command works with. */
export interface Context {
  readonly request: Request;
  readonly streams: Streams;
  readonly out: Output;
  readonly progress: Progress;
  /** Aborted, with an Interrupted, when the user or the system ends the command. */
  readonly signal: AbortSignal;
  /** What must not be shown, of all URLs so far. */
  readonly secrets: string[];
  /** Lines for people on the standard error: what is not the answer itself. */
  readonly say: (text: string) => void;
}

/** The store that a word of the command names. */
export function placeIn({ secrets }: Context, word: string | undefined): Place {
  const place = placeOf(word ?? '');
  secrets.push(...place.secrets);
  return place;
}

/** Opens a store for a piece of work, and closes it whatever comes of that. A failure names the store. */
export async function withStore<R>(context: Context, place: Place, purpose: Purpose, work: (store: Store) => Promise<R>): Promise<R> {
  return at(place, context, async () => {
    const store = await openStore(place, purpose, context.request.timeoutMs);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  });
}

/** What has its store before it already. */
const NAMED = new WeakSet<object>();

/** A failure of a store's, with the store's URL before it, as far as that may be shown. */
export function named(error: unknown, place: Place, { secrets }: Context): unknown {
  const told = explained(error, place) ?? error;
  if (told instanceof UsageError || told instanceof Interrupted || NAMED.has(told as object)) return told;
  const { code, message } = shown(told, secrets);
  const failure = told instanceof CliError ? told : new StoreFailure(code);
  failure.message = `${place.label}: ${message.replace('The option timeoutMs sets', '--timeout sets')}`;
  NAMED.add(failure);
  return failure;
}

/** Does something with a store, whose failures then name it. */
export async function at<R>(place: Place, context: Context, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    throw named(error, place, context);
  }
}

class StoreFailure extends CliError {
  override readonly name = 'StoreFailure';
  override readonly code: string;

  constructor(code: string) {
    super();
    this.code = code;
  }
}

/** A walk that can be interrupted, and shows how far it is. */
export async function* watched<P extends { length: number }>({ signal, progress }: Context, pages: AsyncIterable<P>): AsyncGenerator<P> {
  for await (const page of pages) {
    signal.throwIfAborted();
    yield page;
    progress.add(page.length);
  }
}

/** How many sessions there are, where somebody looks at the progress; counting costs the store something. */
export async function totalOf({ streams }: Context, sessions: StoredSessions): Promise<number | undefined> {
  return streams.stderr.isTTY ? sessions.count() : undefined;
}

/** The answer of a command, for people or for machines. @returns the exit code. */
export async function answer({ request, out }: Context, document: object, text: string): Promise<number> {
  await (request.json ? out.json(document) : out.line(text));
  return EXIT.ok;
}

/** What `--match` could not tell. */
export function sayUnreadable({ say }: Context, count: number): void {
  if (count > 0) say(`${inWords(count)} could not be looked into for --match: encrypted, or not JSON.`);
}
