/** Promises that listeners of a server return, and that are rejected. */

import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { isThenable, toError, warnOfError } from '../connection/callbacks.js';
import { sessionOf } from '../websocket/websocket.js';
import { reportCallbackError } from './upgrade-server.js';

/**
 * A listener of 'connection' or of a route costs its own connection; one of a handshake is reported as
 * if it had thrown; of the others the process is warned.
 * @param args what the listener was called with
 * @param hasConnection whether the first of them is a new connection
 */
export function reportRejection(
  server: EventEmitter,
  reason: unknown,
  event: string | symbol,
  args: readonly unknown[],
  hasConnection: boolean,
): void {
  const error = toError(reason);
  const request = args.at(-1) as IncomingMessage; // so of 'connection', 'headers', 'wsClientError'
  if (hasConnection) {
    const session = sessionOf(args[0] as object);
    if (session !== undefined) {
      session.onRejection(error, request);
      return;
    }
  }
  if (event === 'headers' || event === 'wsClientError') reportCallbackError(server, error, request);
  else warnOfError(`A listener of '${String(event)}' of a WebSocketServer was rejected`, error);
}

/**
 * Returns a listener of a route that reports its own rejections: the server may have no
 * `captureRejections`, and the route have it.
 */
export function withRejections<Args extends unknown[]>(
  server: EventEmitter,
  event: symbol,
  listener: (...args: Args) => unknown,
): (...args: Args) => void {
  return (...args) => {
    const result = Reflect.apply(listener, server, args);
    if (!isThenable(result)) return;
    result.then(undefined, (reason) => reportRejection(server, reason, event, args, true));
  };
}
