#!/usr/bin/env node
import { main } from '../dist/main.js';

// A warning is told by the program, in its own way.
process.removeAllListeners('warning');
// Not process.exit(): what was written to a pipe must get there.
process.exitCode = await main(process.argv.slice(2));
// But an interrupted command may wait for a server that never answers.
if (process.exitCode > 128) process.exit();
