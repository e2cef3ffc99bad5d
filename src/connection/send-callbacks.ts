/** Calls the callbacks of `send`, and creates their errors. */

import { WebSocketError } from '../protocol/errors.js';
import type { WaitingFrame } from '../protocol/send-queue.js';
import type { SendCallback } from '../protocol/write-batch.js';
import { time } from './time.js';

/**
 * Calls each callback, in order. An exception is rethrown unchanged in the next tick: thrown here, it
 * would end the loop in which Node calls the callbacks of later writes.
 */
export function callAll(callbacks: readonly SendCallback[], error: Error | undefined): void {
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

/** The connection closed before the message was written. */
export function notSentError(): WebSocketError {
  return new WebSocketError(
    'The connection was closed before the message was sent',
    'WS_ERR_NOT_SENT',
  );
}

/** The connection closed before the message was encoded. The message text is that of `ws`. */
export function notEncodedError([frame]: readonly WaitingFrame[]): WebSocketError {
  const step =
    frame?.progress === 'READING' ? 'the blob was being read' : 'data was being compressed';
  return new WebSocketError(`The socket was closed while ${step}`, 'WS_ERR_NOT_SENT');
}
