import { writeFileSync } from 'node:fs';
import process from 'node:process';

/**
 * A reporter for Jest: writes the coverage of each test file by itself to the file COVERAGE_FILE.
 * Jest's own reports add the test files up.
 */
export default class CoverageByTestFile {
  #byTestFile = {};

  onTestResult(_test, { testFilePath, coverage, numFailingTests, testExecError, failureMessage }) {
    const isFailed = numFailingTests > 0 || testExecError !== undefined;
    const failure = isFailed ? failureMessage : null;
    // A copy: Jest adds the coverage of later files to this object.
    this.#byTestFile[testFilePath] = structuredClone({ coverage: coverage ?? {}, failure });
  }

  onRunComplete() {
    writeFileSync(process.env.COVERAGE_FILE, JSON.stringify(this.#byTestFile));
  }
}
