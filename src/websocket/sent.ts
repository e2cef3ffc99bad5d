/** `sent` of a WebSocket: `send` with a promise. RFC 6455 §6.1. */

import { WebSocketError } from '../protocol/errors.js';
import type { SendCallback } from '../protocol/write-batch.js';
import type { MaySendMore, SendOptions } from './api.js';
import type { BufferLike } from './payload.js';
import { OPEN, type Session, STATE_NAMES } from './session.js';

/** `send`, which a subclass may override. */
interface Sending {
  send(data: BufferLike, options: SendOptions, callback: SendCallback): MaySendMore;
}

/**
 * Sends a message. @returns resolves at once if more may be sent, else when the message was written:
 * then all messages before it were written too
 */
export function sendAndWait(
  ws: Sending,
  session: Session,
  data: BufferLike,
  options: SendOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { readyState } = session;
    if (readyState !== OPEN) {
      const state = `readyState ${readyState} (${STATE_NAMES[readyState]})`;
      throw new WebSocketError(`The WebSocket is not open: ${state}`, 'WS_ERR_NOT_OPEN');
    }
    const maySendMore = ws.send(data, options, (error) => {
      if (error) reject(error);
      else resolve();
    });
    // A subclass written for `ws` returns nothing.
    if (maySendMore === true) resolve();
  });
}
