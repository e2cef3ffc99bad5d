/** What the callbacks of `send` are told. */

import { WebSocketError } from '../protocol/errors.js';
import type { WaitingFrame } from '../protocol/send-queue.js';
import type { SendCallback } from '../protocol/write-batch.js';
import { time } from './time.js';

/**
 * Calls each callback, in order. What one throws surfaces in the next tick, unchanged: thrown from
 * here it would break the loop in which Node calls the callbacks of later writes.
 */
export function settle(callbacks: readonly SendCallback[], error: Error | undefined): void {
  for (const callback of callbacks) {
    try {
      callback(error);
    } catch (thrown) {
      time.nextTick(rethrow, thrown);
    }
  }
}

function rethrow(thrown: unknown): never {
  throw thrown;
}

/** The wire closed before the message was on it. */
export function notSent(): WebSocketError {
  return new WebSocketError(
    'The connection was closed before the message was sent',
    'WS_ERR_NOT_SENT',
  );
}

/** The same while its bytes were still being made; in the words that programs for `ws` know. */
export function notReady([first]: readonly WaitingFrame[]): WebSocketError {
  const step =
    first?.progress === 'READING' ? 'the blob was being read' : 'data was being compressed';
  return new WebSocketError(`The socket was closed while ${step}`, 'WS_ERR_NOT_SENT');
}
