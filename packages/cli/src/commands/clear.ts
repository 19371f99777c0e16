import { createInterface } from 'node:readline/promises';
import { answer, type Context, placeIn, withStore } from '../context.js';
import { UsageError } from '../errors.js';
import { sessions as inWords } from '../format.js';

/** `sessile clear URL` */
export function clear(context: Context): Promise<number> {
  const { request, progress } = context;
  const place = placeIn(context, request.words[0]);
  const mayAsk = process.stdin.isTTY && process.stderr.isTTY;
  if (!request.yes && !request.dryRun && !mayAsk) {
    throw new UsageError('sessile clear asks before it logs everyone out, and here is no terminal to ask on. Add --yes, or --dry-run.');
  }
  return withStore(context, place, request.dryRun ? 'read' : 'change', async ({ sessions }) => {
    progress.begin('counting');
    const found = await sessions.count();
    progress.end();
    if (request.dryRun) return answer(context, { cleared: found, dryRun: true }, `Would remove ${inWords(found)}.`);
    if (!request.yes && !(await isSure(`Remove all ${inWords(found)} of ${place.label}? Everyone is logged out. Type yes: `))) {
      return answer(context, { cleared: 0, dryRun: false }, 'Nothing was removed.');
    }
    progress.begin('removing');
    await sessions.clear();
    progress.end();
    return answer(context, { cleared: found, dryRun: false }, `Removed ${inWords(found)}.`);
  });
}

async function isSure(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // A Ctrl-C at the question is one like any other: readline would keep it.
    terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    return /^\s*yes\s*$/i.test(await terminal.question(question));
  } finally {
    terminal.close();
  }
}
