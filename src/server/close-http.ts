/** The end of an http server that a WebSocketServer created. */

import type * as http from 'node:http';
import { type Timer, time } from '../connection/time.js';

/**
 * Closes an own http server, which waits for its connections. A closing server does not check for late
 * requests, so a client that sends nothing would keep it open.
 */
export function closeOwn(server: http.Server, requestTimeout: number, onClosed: () => void): void {
  const timer: Timer = time.setTimeout(() => server.closeAllConnections(), requestTimeout);
  timer.unref();
  server.close(() => {
    time.clearTimeout(timer);
    onClosed();
  });
}
