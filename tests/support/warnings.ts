/** The process warnings of a test. */

import { runInThisContext } from 'node:vm';
import { beforeEach } from '@jest/globals';
import type { Scope } from './scope.js';

/** The process that jest itself runs in: what it hands to tests is a copy. */
const realProcess = runInThisContext('process') as NodeJS.Process;

interface Warning extends Error {
  readonly code?: string;
}

/** @returns the messages of the current test's warnings that have this code */
export function useWarnings(scope: () => Scope): (code: string) => string[] {
  let warnings: Warning[] = [];
  beforeEach(() => {
    const seen: Warning[] = [];
    warnings = seen;
    const note = (warning: Warning) => seen.push(warning);
    const others = realProcess.listeners('warning'); // they print it
    realProcess.removeAllListeners('warning').on('warning', note);
    scope().later(() => {
      realProcess.removeListener('warning', note);
      for (const other of others) realProcess.on('warning', other);
    });
  });
  return (code) => warnings.filter((one) => one.code === code).map(({ message }) => message);
}
