import type { StoredSessions } from '@sessile/core/stored';
import type { Request } from './args.js';
import { CliError, EXIT, shown } from './errors.js';
import { sessions as inWords } from './format.js';
import type { Output } from './output.js';
import type { Progress } from './progress.js';
import { openStore } from './stores/open.js';
import { explained } from './stores/packages.js';
import type { Purpose, Store } from './stores/types.js';
import { type Place, placeOf } from './url.js';

/** What every command works with. */
export interface Context {
  readonly request: Request;
  readonly out: Output;
  readonly progress: Progress;
  /** Asked between batches. @throws Interrupted */
  readonly goOn: () => void;
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
  try {
    const store = await openStore(place, purpose, context.request.timeoutMs);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  } catch (error) {
    throw named(error, place, context);
  }
}

/** An error of a store's, with the store's URL before it, as far as that may be shown. */
export function named(error: unknown, place: Place, { secrets }: Context): unknown {
  const known = explained(error, place);
  if (known instanceof CliError) return known;
  const { code, message } = shown(known, secrets);
  return new StoreFailure(`${place.label}: ${message}`, code);
}

class StoreFailure extends CliError {
  override readonly name = 'StoreFailure';
  override readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** A walk that can be interrupted, and shows how far it is. */
export async function* watched<P extends { length: number }>({ goOn, progress }: Context, pages: AsyncIterable<P>): AsyncGenerator<P> {
  for await (const page of pages) {
    goOn();
    yield page;
    progress.add(page.length);
  }
}

/** How many sessions there are, where somebody looks at the progress; counting costs the store something. */
export async function totalOf(sessions: StoredSessions): Promise<number | undefined> {
  return process.stderr.isTTY ? sessions.count() : undefined;
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
