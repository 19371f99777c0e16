import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { answer, type Context, placeIn, withStore } from '../context.js';
import { UsageError } from '../errors.js';
import { sessions as inWords } from '../format.js';

/** `sessile clear URL` */
export function clear(context: Context): Promise<number> {
  const { request, progress, streams } = context;
  const place = placeIn(context, request.words[0]);
  const mayAsk = streams.stdin.isTTY && streams.stderr.isTTY;
  if (!request.yes && !request.dryRun && !mayAsk) {
    throw new UsageError('sessile clear asks before it logs everyone out, and here is no terminal to ask on. Add --yes, or --dry-run.');
  }
  return withStore(context, place, request.dryRun ? 'read' : 'change', async ({ sessions }) => {
    progress.begin('counting');
    const found = await sessions.count();
    progress.end();
    if (request.dryRun) return answer(context, { cleared: found, dryRun: true }, `Would remove ${inWords(found)}.`);
    if (!request.yes && !(await isSure(`Remove all ${inWords(found)} of ${place.label}? Everyone is logged out. Type yes: `, context))) {
      return answer(context, { cleared: 0, dryRun: false }, 'Nothing was removed.');
    }
    progress.begin('removing');
    await sessions.clear();
    progress.end();
    return answer(context, { cleared: found, dryRun: false }, `Removed ${inWords(found)}.`);
  });
}

async function isSure(question: string, { streams, signal }: Context): Promise<boolean> {
  const terminal = createInterface({ input: streams.stdin, output: streams.stderr });
  try {
    // A Ctrl-C at the question is one like any other: readline would keep it.
    terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    const answer = await Promise.race([terminal.question(question, { signal }), once(terminal, 'close').then(() => '')]);
    return /^\s*yes\s*$/i.test(answer);
  } catch {
    signal.throwIfAborted();
    // Ctrl-D.
    return false;
  } finally {
    terminal.close();
  }
}
