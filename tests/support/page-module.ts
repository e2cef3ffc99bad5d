/** Loads a module of the inspector's page, which has no document when it starts, for a test. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ts from 'typescript';

const FOLDER = join(__dirname, '../../src/inspect/page');

/** The exports of `name`, an ES module that browsers load, and of those that it imports. */
export function loadPageModule<Exports>(name: string): Exports {
  const source = readFileSync(join(FOLDER, name), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const exports = {} as Exports;
  const load = (path: string) => loadPageModule(path.replace('./', ''));
  new Function('exports', 'require', outputText)(exports, load);
  return exports;
}
