/** What `await using` does at its end. */

import { Buffer } from 'node:buffer';
import type { EventEmitter } from 'node:events';
import { CloseCode } from '../protocol/close.js';
import { onClosing } from './inboxes.js';
import { CLOSED, CONNECTING, OPEN, type Session } from './session.js';
import { whenClosed } from './when-closed.js';

const NORMAL = { code: CloseCode.NORMAL, reason: Buffer.alloc(0) };

/**
 * Closes a WebSocket and waits for 'close'. The opening handshake is aborted without an 'error' that
 * could end the process. A paused connection is read again: it would not receive the peer's Close.
 */
export function dispose(ws: EventEmitter, session: Session | undefined): Promise<void> {
  return new Promise((resolve) => {
    const readyState = session?.readyState;
    if (session === undefined || readyState === undefined || readyState === CLOSED) {
      resolve();
      return;
    }
    whenClosed(session, resolve);
    if (readyState === CONNECTING) {
      ws.on('error', () => {});
      session.abort();
      return;
    }
    if (readyState === OPEN) session.connection?.endpoint.startClosingHandshake(NORMAL);
    onClosing(session);
    session.resume();
  });
}
