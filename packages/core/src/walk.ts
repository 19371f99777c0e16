import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Commands, Token } from './commands.js';
import type { Page } from './driver.js';
import { named } from './errors.js';
import { type Lanes, type Limits, WalkCall } from './lanes.js';

/** What a walk goes through. */
export interface Ground {
  readonly commands: Commands;
  readonly lanes: Lanes;
  readonly limits: Limits;
  /** Throws where the store takes no calls: asked before the walk and before each page. */
  readonly admit: () => void;
}

/** The pages of a walk. `timeoutMs` bounds each of them, not the walk; a backend that blocks gives way between them. */
export async function* pagesOf({ commands, lanes, limits, admit }: Ground, payloads: boolean): AsyncGenerator<Page<Token>> {
  const operation = payloads ? 'entries' : 'ids';
  const { driver } = commands;
  const call = new WalkCall(limits);
  let walk: AsyncIterator<Page<Token>> | undefined;
  try {
    admit();
    // What was asked before is waited for within the first page's own time.
    const settled = lanes.settled();
    walk = driver.scan(payloads, call)[Symbol.asyncIterator]();
    for (const pages = walk; ;) {
      const { done, value } = await lanes.timed(operation, async (page) => {
        await settled;
        if (page.expired) throw page.lateness();
        admit();
        call.serve(page);
        return commands.other(page, () => pages.next());
      });
      if (done === true) return;
      yield value;
      if (driver.traits.blocks) await nextTurn();
    }
  } catch (error) {
    throw named(error, limits.store, operation);
  } finally {
    // Not waited for: a page that is late would hold its end back.
    Promise.resolve(walk?.return?.()).catch(() => undefined);
  }
}
