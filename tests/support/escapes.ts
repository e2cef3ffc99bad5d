/** Exceptions and rejections that nobody catches. */

import { runInThisContext } from 'node:vm';
import type { Scope } from './scope.js';

/** The process that jest itself runs in: what it hands to tests is a copy. */
const realProcess = runInThisContext('process') as NodeJS.Process;

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/** Collects them for as long as the test runs: `uncaughtException message`. */
export function escapes(scope: Scope): string[] {
  const seen: string[] = [];
  for (const event of EVENTS) {
    const note = (error: unknown): void => {
      seen.push(`${event} ${error instanceof Error ? error.message : String(error)}`);
    };
    const others = realProcess.listeners(event as 'uncaughtException');
    realProcess.removeAllListeners(event).on(event, note);
    scope.later(() => {
      realProcess.removeListener(event, note);
      for (const other of others) realProcess.on(event as 'uncaughtException', other);
    });
  }
  return seen;
}
