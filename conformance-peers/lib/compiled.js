/**
 * Packages with a native part that is compiled when they are installed. They have a folder of their own, so that nobody else's
 * `npm ci` waits for a compiler.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../compiled/', import.meta.url);
const TAIL_LENGTH = 4000;

/** Finds what is installed in that folder. */
export const requireCompiled = createRequire(new URL('package.json', FOLDER));

/**
 * Installs the packages where they are missing.
 *
 * @param {(text: string) => void} say told what takes so long.
 * @returns {Promise<string | undefined>} why they cannot be used, or undefined where they can.
 */
export async function whyNotCompiled(say) {
  if (loads()) return undefined;
  const names = Object.keys(manifest().dependencies).join(', ');
  say(`    installs ${names} into conformance-peers/compiled: 1 to 3 minutes, with Python and a C++ compiler ...\n`);
  const failure = await install();
  return loads() ? undefined : `its packages could not be installed: ${failure || 'they are there, and cannot be loaded'}`;
}

function manifest() {
  return JSON.parse(readFileSync(new URL('package.json', FOLDER), 'utf8'));
}

/** The native part is loaded too. */
function loads() {
  try {
    for (const name of Object.keys(manifest().dependencies)) requireCompiled(name);
    return true;
  } catch {
    return false;
  }
}

/** @returns {Promise<string>} the last words of npm where it failed, else nothing. */
async function install() {
  const child = spawn('npm', ['ci', '--no-audit', '--no-fund'], { cwd: fileURLToPath(FOLDER), stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-TAIL_LENGTH)));
  try {
    const [code] = await once(child, 'close');
    return code === 0 ? '' : lastWords(said, code);
  } catch (error) {
    return error.message;
  }
}

function lastWords(said, code) {
  const line = said.split('\n').find((text) => /\berr(or)?!? /i.test(text)) ?? '';
  return `npm ended with exit code ${code}. ${line.trim()}`.trim();
}
