import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { all, put, sqlite, stored } from './kit.js';

const BIN = fileURLToPath(new URL('../bin/sessile.js', import.meta.url));

/** `script` of util-linux gives a program a terminal; that of BSD takes other arguments. */
const hasScript = (() => {
  try {
    return execFileSync('script', ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] }).includes('util-linux');
  } catch {
    return false;
  }
})();

/** A command on a terminal of its own. */
function onTerminal(...args: string[]) {
  const command = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(' ');
  // The columns are those of the terminal that this is not.
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', `stty cols 80; ${command}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { type: (text: string) => child.stdin.write(text), screen: () => screen, ended };
}

async function some(count: number): Promise<string> {
  const url = sqlite.url();
  await put(
    url,
    Array.from({ length: count }, (_, n) => stored(`sid-${n}`, { n, text: 'x'.repeat(500) })),
  );
  return url;
}

describe.skipIf(!hasScript)('on a terminal', () => {
  it('clear asks: no leaves all there, yes removes it, Ctrl-C ends it', async () => {
    const url = await some(3);
    for (const [typed, code, left] of [
      ['no\r', 0, 3],
      ['\u0003', 130, 3],
      ['\u0004', 0, 3],
      ['yes\r', 0, 0],
    ] as const) {
      const { type, screen, ended } = onTerminal('clear', url);
      await expect.poll(screen, { timeout: 20_000 }).toContain('Type yes:');
      expect(screen()).toContain('Remove all 3 sessions of');
      type(typed);
      expect(await ended).toBe(code);
      expect((await all(url)).size).toBe(left);
    }
  });

  it('copy draws a line that says how far it is, and leaves nothing of it', async () => {
    const from = await some(8000);
    const { screen, ended } = onTerminal('copy', from, sqlite.url());
    expect(await ended).toBe(0);
    const frames = screen().split('\r');
    const drawn = frames.filter((frame) => /copying {2}[━─]+ {2}[\d,]+ of 8,000 {2}\d+ % {2}[\d,]+\/s/.test(frame));
    expect(drawn.length).toBeGreaterThan(0);
    // What stands after the last clearing of the line is the answer alone.
    expect(screen().split('\u001b[2K').at(-1)).toMatch(/^Copied from sqlite:[^━]*8,000 {2}new/);
  });
});
