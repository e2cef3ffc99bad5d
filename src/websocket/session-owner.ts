/** What a session needs of the objects above it: its WebSocket and its server. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { DropReason } from '../connection/channels.js';
import type { CloseInfo } from '../connection/close-info.js';
import type { SocketOptions } from '../connection/options.js';
import type { SharedBudget } from '../connection/send-limit.js';
import type { EventSource } from './events.js';
import type { ServerTopics } from './server-topics.js';

/** What a session needs of its WebSocket. Programs override these methods in subclasses. */
export interface SessionOwner extends EventSource {
  closeInfo: CloseInfo | undefined;
  setSocket(socket: Duplex, head: Buffer, options?: SocketOptions): void;
  emitClose(): void;
}

/** The server that accepted a connection. */
export interface SessionServer {
  /** The server, as programs see it. */
  readonly owner: object;
  /** Whether a connection keeps the request that it came from. */
  readonly keepsRequests: boolean;
  /** Its `memoryBudget`; undefined if there is none. */
  readonly budget: SharedBudget | undefined;
  /** Its topics. They are made when they are read first. */
  readonly topics: ServerTopics;
  /** A connection is closed. It is called before the listeners of 'close'. */
  onClientEnd(client: object, closeInfo: CloseInfo): void;
  /** A connection measured a round-trip time, in milliseconds. */
  onRoundTrip(milliseconds: number): void;
  /** One of its connections dropped a message. */
  onDrop(reason: DropReason): void;
  /**
   * A connection had an error that no listener of its own hears.
   * @returns whether the server has a listener for it
   */
  onSocketError(error: Error, client: object, request: IncomingMessage | undefined): boolean;
}
