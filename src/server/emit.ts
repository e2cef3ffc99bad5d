/** Emits events from where an exception of a listener must not stop what has to be done. */

import type { EventEmitter } from 'node:events';
import { time } from '../connection/time.js';

/**
 * Emits an event. An exception of a listener is uncaught, as it is elsewhere, but a tick later.
 * @returns whether there was a listener
 */
export function emitSafely(emitter: EventEmitter, event: string, ...args: unknown[]): boolean {
  try {
    return emitter.emit(event, ...args);
  } catch (error) {
    time.nextTick(rethrow, error);
    return true;
  }
}

function rethrow(error: unknown): never {
  throw error;
}
