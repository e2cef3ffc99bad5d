/** The interface of a server for opening handshakes, and the report of failed callbacks. */

import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { toError, warnOfError } from '../connection/callbacks.js';
import { hasConnection } from '../connection/connection.js';
import type { PerMessageDeflate } from '../permessage-deflate/codec.js';
import type { EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import type { AnySocketClass, ServerOptions } from './options.js';
import { refuse } from './refusal.js';
import type { Upgrade } from './upgrade-request.js';

/** The extensions of a connection, by name. */
export type NegotiatedExtensions = { [EXTENSION_NAME]?: PerMessageDeflate };

/** The members of a server that a handshake uses. Programs may override the methods. */
export interface UpgradeServer extends EventEmitter {
  readonly options: ServerOptions<AnySocketClass>;
  readonly clients: Set<object> | undefined;
  shouldHandle(request: IncomingMessage): unknown;
  completeUpgrade(
    extensions: NegotiatedExtensions,
    key: string,
    subprotocols: Set<string>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: Accepted,
  ): void;
}

/** Receives the new connection. */
export type Accepted = (client: object, request: IncomingMessage) => void;

/** Answers 500 and reports the exception of a callback. RFC 9110 §15.6.1. */
export function failHandshake(
  server: EventEmitter,
  thrown: unknown,
  { request, socket }: Pick<Upgrade, 'request' | 'socket'>,
): void {
  refuse(socket, 500);
  reportCallbackError(server, thrown, request);
}

/** Emits 'callbackError'; without a listener, a process warning. */
export function reportCallbackError(
  server: EventEmitter,
  thrown: unknown,
  request: IncomingMessage,
): void {
  const error = toError(thrown);
  if (server.listenerCount('callbackError') > 0) {
    server.emit('callbackError', error, request);
    return;
  }
  warnOfError("A callback of a WebSocketServer failed, and 'callbackError' has no listener", error);
}

/** Runs a step that calls the program. If the step throws, the socket is destroyed. */
export function destroyOnThrow(socket: Duplex, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!hasConnection(socket) && !socket.writableEnded) socket.destroy();
    throw error;
  }
}

/** The listener of 'error' on a socket whose handshake is in progress. */
export function ignore(): void {}
