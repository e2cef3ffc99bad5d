/** Two linters that know how packages are resolved; neither finds a fault. */
import { result } from '../interop/support/results.mjs';
import { at, node } from './commands.mjs';

const PUBLINT = at('node_modules/publint/src/cli.js');
const ATTW = at('node_modules/@arethetypeswrong/cli/dist/index.js');

/** A suggestion to drop the field. It is for bundlers that do not read `exports`, which has it too. */
const BROWSER = /^1\. pkg\.browser with a string value can be refactored to use pkg\.exports/;

export async function checkLinters(tarball) {
  await result('linters: publint', () => {
    const report = node([PUBLINT, 'run', tarball, '--strict']);
    const findings = (report.match(/^\d+\. .*/gm) ?? []).filter((line) => !BROWSER.test(line));
    if (!/All good!|Suggestions:/.test(report) || findings.length > 0) throw new Error(report);
  });
  await result('linters: are the types wrong?', () =>
    node([ATTW, tarball, '--no-definitely-typed', '--no-color']),
  );
}
