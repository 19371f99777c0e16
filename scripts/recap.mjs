#!/usr/bin/env node
// Tells of the last run of `npm test`: `count` prints how many tests passed and failed, `failures` prints each one that failed.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const REPORT = new URL('../node_modules/.cache/vitest.json', import.meta.url);
const MESSAGE_LINES = 12;

const report = JSON.parse(readFileSync(REPORT, 'utf8'));

/** A file that fails as a whole, at its loading or its set-up, holds no failed test: it counts as one. */
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
);

/** @param {string} text */
const firstLines = (text) => text.split('\n').slice(0, MESSAGE_LINES).join('\n');

if (process.argv[2] === 'count') {
  console.log(report.numPassedTests, report.numFailedTests + brokenFiles.length);
} else {
  for (const file of report.testResults) {
    const name = relative(process.cwd(), file.name);
    for (const test of file.assertionResults.filter(({ status }) => status === 'failed')) {
      console.log(`test that failed: ${name} > ${test.fullName}\n${firstLines(test.failureMessages.join('\n'))}`);
    }
  }
  for (const file of brokenFiles) console.log(`file that failed: ${relative(process.cwd(), file.name)}\n${firstLines(file.message)}`);
}
