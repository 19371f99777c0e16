/** Removes what the build makes. */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
for (const folder of ['packages', 'examples']) {
  for (const name of readdirSync(join(root, folder))) rmSync(join(root, folder, name, 'dist'), { recursive: true, force: true });
}
rmSync(join(root, 'node_modules', '.sessile-built'), { force: true });
