/** Tells at the end of a test run what was skipped, and why: the default reporter only counts it. */
export default class SkipReporter {
  onTestRunEnd(modules) {
    const reasons = new Map();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const reason = `${module.relativeModuleId}: ${test.result().note ?? 'no reason given'}`;
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
    }
    if (reasons.size === 0) return;
    console.log('\nSkipped:');
    for (const [reason, count] of [...reasons].sort()) console.log(`  ${String(count).padStart(4)}  ${reason}`);
  }
}
