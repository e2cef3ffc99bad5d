/** How a server ends its connections: without the methods that a subclass may override. */

import { Buffer } from 'node:buffer';
import type { CloseOrigin } from '../protocol/close-origin.js';
import { onClosing } from '../websocket/inboxes.js';
import { sessionOf, type WebSocket } from '../websocket/websocket.js';

const SHUTDOWN: CloseOrigin = { by: 'us', cause: 'shutdown' };

/**
 * Starts the closing handshake of a connection that is open.
 * @param origin for `closeInfo`
 */
export function closeClient(
  client: object,
  code: number,
  reason: string,
  origin: CloseOrigin = SHUTDOWN,
): void {
  const session = sessionOf(client as Partial<WebSocket>);
  const endpoint = session?.connection?.endpoint;
  endpoint?.startClosingHandshake({ code, reason: Buffer.from(reason) }, origin);
  if (session !== undefined) onClosing(session);
}

/** Drops a connection, without a closing handshake. */
export function dropClient(client: object): void {
  sessionOf(client as Partial<WebSocket>)?.connection?.endpoint.terminate();
}
