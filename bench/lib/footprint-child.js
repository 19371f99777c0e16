/** Fills one contestant and sends what its sessions take. Arguments: backend, contestant, count. */
import { loadBackend } from './backends.js';
import { collect } from './collect.js';
import { fill } from './fill.js';
import { freshSids, Pool } from './sessions.js';

const CHUNK = 10_000;

const [backendName = '', contestantName, countText] = process.argv.slice(2);
const count = Number(countText);
const backend = await loadBackend(backendName);
const contestant = backend.contestants.find(({ name }) => name === contestantName);
await backend.setUp?.();
const subject = await contestant?.open();
const pool = new Pool(2000);
const before = usage();
for (let filled = 0; filled < count; filled += CHUNK) await fill(subject, freshSids(CHUNK), (index) => pool.session(filled + index));
const after = usage();
const start = performance.now();
collect();
const collectMs = performance.now() - start;
const length = await subject.length();
if (length !== count) throw new Error(`${contestantName} holds ${length} sessions of ${count}.`);
process.send?.({
  heapBytes: (after.heapUsed + after.external - before.heapUsed - before.external) / count,
  rssBytes: (after.rss - before.rss) / count,
  collectMs,
});
await subject.close();
await backend.tearDown?.();
process.disconnect();

function usage() {
  collect();
  collect();
  return process.memoryUsage();
}
