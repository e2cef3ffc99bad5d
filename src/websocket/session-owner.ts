/** What a session needs of the objects above it: its WebSocket and its server. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { CloseInfo } from '../connection/close-info.js';
import type { SocketOptions } from '../connection/options.js';
import type { SharedBudget } from '../connection/send-limit.js';
import type { EventSource } from './events.js';

/** What a session needs of its WebSocket. Programs override these methods in subclasses. */
export interface SessionOwner extends EventSource {
  closeInfo: CloseInfo | undefined;
  setSocket(socket: Duplex, head: Buffer, options?: SocketOptions): void;
  emitClose(): void;
}

/** The server that accepted a connection. */
export interface SessionServer {
  /** Its `memoryBudget`; undefined if there is none. */
  readonly budget: SharedBudget | undefined;
  /** A connection is closed. It is called before the listeners of 'close'. */
  onClientEnd(client: object): void;
  /**
   * A connection had an error that no listener of its own hears.
   * @returns whether the server has a listener for it
   */
  onSocketError(error: Error, client: object, request: IncomingMessage | undefined): boolean;
}
