/** Loaded into a process that is measured (`--import`): leaves what it took in a file when it ends, as JSON. */
import { writeFileSync } from 'node:fs';

const file = process.env.SESSILE_BENCH_USAGE;
if (file !== undefined) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeFileSync(file, JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakBytes: maxRSS * 1024 }));
  });
}
