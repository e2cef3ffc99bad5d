/** Events of the process during a test: exceptions, rejections and warnings. */

import { runInThisContext } from 'node:vm';
import { beforeEach } from '@jest/globals';
import type { Scope } from './scope.js';

/** The process that jest itself runs in: what it hands to tests is a copy. */
const realProcess = runInThisContext('process') as NodeJS.Process;

type ProcessEvent = 'uncaughtException' | 'unhandledRejection' | 'warning';

interface Warning extends Error {
  readonly code?: string;
}

/** Puts a listener in the place of the others until the test is over. */
function replaceListeners<T>(
  scope: Scope,
  event: ProcessEvent,
  listener: (value: T) => unknown,
): void {
  const name = event as 'uncaughtException'; // the overloads take one name each
  const others = realProcess.listeners(name);
  realProcess.removeAllListeners(name).on(name, listener as (error: Error) => void);
  scope.later(() => {
    realProcess.removeListener(name, listener as (error: Error) => void);
    for (const other of others) realProcess.on(name, other);
  });
}

/** Collects the exceptions that nobody catches, for as long as the test runs. */
export function uncaught(scope: Scope): unknown[] {
  const caught: unknown[] = [];
  replaceListeners(scope, 'uncaughtException', (error) => caught.push(error));
  return caught;
}

/** Collects exceptions and rejections that nobody catches: `uncaughtException message`. */
export function uncaughtOrRejected(scope: Scope): string[] {
  const seen: string[] = [];
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    replaceListeners(scope, event, (error) => {
      seen.push(`${event} ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  return seen;
}

/** @returns the messages of the current test's warnings that have this code */
export function useWarnings(scope: () => Scope): (code: string) => string[] {
  let warnings: Warning[] = [];
  beforeEach(() => {
    const seen: Warning[] = [];
    warnings = seen;
    replaceListeners<Warning>(scope(), 'warning', (warning) => seen.push(warning));
  });
  return (code) => warnings.filter((one) => one.code === code).map(({ message }) => message);
}
