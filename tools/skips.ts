/**
 * The last lines of every test run: what was skipped and why, then `N passed, N failed, N skipped`.
 * With HOLDFAST_SKIPS=fail (set by .ci/run, where everything is installed) a skip is a failure.
 */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export class SkipsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const skipped = tests.filter((test) => test.result().state === 'skipped');
    const failed = tests.filter((test) => test.result().state === 'failed').length;
    const broken = modules.filter((module) => module.errors().length > 0).length;
    const passed = tests.filter((test) => test.result().state === 'passed').length;
    const lines = skipped.map((test) => `skipped: ${test.fullName} (${reasonOf(test)})`);
    const failures = failed + broken + unhandledErrors.length;
    const strict = process.env['HOLDFAST_SKIPS'] === 'fail';
    if (strict && skipped.length > 0) {
      lines.push('A skipped test is a failure here: install what it names, or take it out.');
      process.exitCode = 1;
    }
    lines.push(`${passed} passed, ${failures} failed, ${skipped.length} skipped`);
    process.stdout.write(`\n${lines.join('\n')}\n`);
  }
}

function reasonOf(test: TestCase): string {
  const result = test.result();
  return result.state === 'skipped' && result.note ? result.note : 'no reason given';
}
