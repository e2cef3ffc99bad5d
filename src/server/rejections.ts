/** Promises that listeners of a server return, and that are rejected. */

import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { toError, warnOfError } from '../connection/callbacks.js';
import { sessionOf } from '../websocket/websocket.js';
import { reportCallbackError } from './upgrade-server.js';

/**
 * A listener of 'connection' costs its own connection; one of a handshake is reported as if it had
 * thrown; of the others the process is warned.
 * @param args what the listener was called with
 */
export function reportRejection(
  server: EventEmitter,
  reason: unknown,
  event: string | symbol,
  args: readonly unknown[],
): void {
  const error = toError(reason);
  const request = args.at(-1) as IncomingMessage; // so of 'connection', 'headers', 'wsClientError'
  if (event === 'connection') {
    const session = sessionOf(args[0] as object);
    if (session !== undefined) {
      session.onRejection(error, request);
      return;
    }
  }
  if (event === 'headers' || event === 'wsClientError') reportCallbackError(server, error, request);
  else warnOfError(`A listener of '${String(event)}' of a WebSocketServer was rejected`, error);
}
