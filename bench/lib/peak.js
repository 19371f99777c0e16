/** Loaded into a process that is measured (`--import`): leaves its highest resident set, in bytes, in a file when it ends. */
import { writeFileSync } from 'node:fs';

const file = process.env.SESSILE_BENCH_PEAK;
if (file !== undefined) process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS * 1024)));
