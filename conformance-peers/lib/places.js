/** Where the targets keep their files. main.js gives each run a temporary directory of its own, and removes it. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new, empty folder. */
export function newFolder() {
  return mkdtempSync(join(tmpdir(), 'peer-'));
}

/** A file that is not there yet, in a folder of its own. */
export function newFile() {
  return join(newFolder(), 'sessions.sqlite');
}
