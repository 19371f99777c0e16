#!/usr/bin/env node
import { main } from '../dist/main.js';

// A warning is told by the program, in its own way.
process.removeAllListeners('warning');
// Not process.exit(): what was written to a pipe must get there.
process.exitCode = await main(process.argv.slice(2));
