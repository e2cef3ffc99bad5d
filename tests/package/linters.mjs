/** Two linters that know how packages are resolved; neither finds anything. */
import { result } from '../interop/support/results.mjs';
import { at, node } from './commands.mjs';

const PUBLINT = at('node_modules/publint/src/cli.js');
const ATTW = at('node_modules/@arethetypeswrong/cli/dist/index.js');

export async function checkLinters(tarball) {
  await result('linters: publint', () => {
    const report = node([PUBLINT, 'run', tarball, '--strict']);
    if (!report.includes('All good!')) throw new Error(report);
  });
  await result('linters: are the types wrong?', () =>
    node([ATTW, tarball, '--no-definitely-typed', '--no-color']),
  );
}
