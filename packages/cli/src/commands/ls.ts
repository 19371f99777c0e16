import type { FoundSession } from '@sessile/core/stored';
import { type Context, placeIn, sayUnreadable, totalOf, watched, withStore } from '../context.js';
import { describe, type Described, endOf, keysOf } from '../describe.js';
import { EXIT } from '../errors.js';
import { bytes, clean } from '../format.js';
import { matchOf } from '../match.js';
import { cut } from '../output.js';

/** `sessile ls URL` */
export function ls(context: Context): Promise<number> {
  const { request, out, progress, say } = context;
  const match = matchOf(request.match);
  return withStore(context, placeIn(context, request.words[0]), 'read', async ({ sessions }) => {
    const table = new Table(context);
    // Lines that come and go would stand in each other's way.
    if (!context.streams.stdout.isTTY) progress.begin('listing', await totalOf(context, sessions));
    let shown = 0;
    let unreadable = 0;
    for await (const page of watched(context, sessions.pages())) {
      for (const session of page) {
        const isMeant = match === undefined || match(session.payload);
        if (isMeant === undefined) unreadable += 1;
        if (isMeant === true) await table.add(session);
        shown += isMeant === true ? 1 : 0;
        if (shown === request.limit || out.isGone) break;
      }
      if (shown === request.limit || out.isGone) break;
    }
    progress.end();
    if (shown === 0 && !request.json) say('There are no such sessions.');
    sayUnreadable(context, unreadable);
    return EXIT.ok;
  });
}

class Table {
  readonly #context: Context;
  #isBegun = false;

  constructor(context: Context) {
    this.#context = context;
  }

  add(session: FoundSession): Promise<void> {
    const { out, request } = this.#context;
    const described = describe(session, request.showIds);
    return request.json ? out.json(described) : this.#line(described);
  }

  async #line(described: Described): Promise<void> {
    const { out } = this.#context;
    if (!this.#isBegun) await out.line(row('REF', 'ENDS (UTC)', 'LEFT', 'SIZE', 'KEYS', this.#context));
    this.#isBegun = true;
    const [when, left] = endOf(described);
    const name = described.id === undefined ? described.ref : clean(described.id);
    await out.line(row(name, when, left, bytes(described.bytes), keysOf(described), this.#context));
  }
}

function row(name: string, when: string, left: string, size: string, keys: string, { out, request }: Context): string {
  const first = name.padEnd(request.showIds ? 32 : 16);
  const line = `${first}  ${when.padEnd(19)}  ${left.padEnd(8)}  ${size.padStart(6)}  ${keys}`;
  // An id is not cut: it is to be copied.
  return out.columns === undefined ? line : cut(line, Math.max(out.columns, name.length));
}
