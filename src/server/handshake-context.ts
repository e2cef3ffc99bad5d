/** What an opening handshake uses of its server, beside the methods that programs may override. */

import type { IncomingMessage } from 'node:http';
import type { FieldLine } from '../handshake/server.js';
import type { Admission } from './admission.js';
import type { ServerCounters } from './counters.js';
import type { PendingHandshakes } from './pending-handshakes.js';
import type { Routes } from './routes.js';

/** The state of a server that a handshake uses. */
export interface HandshakeContext {
  readonly pending: PendingHandshakes;
  readonly admission: Admission;
  readonly counters: ServerCounters;
  readonly routes: Routes;
  /** Whether `shouldHandle` is the library's. */
  comparesPath(): boolean;
  /** Whether `shouldHandle` has returned true for this request. */
  isClaimed(request: IncomingMessage): boolean;
  /** Whether the option `path` or a route matches the request. */
  matchesPath(request: IncomingMessage): boolean;
  /** Whether the server accepts clients. */
  isAccepting(): boolean;
  /** Further fields of the response when it does not. */
  closingFields(): FieldLine[];
}
