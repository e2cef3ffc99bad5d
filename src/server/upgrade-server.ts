/** What an opening handshake needs of its server, and how failing callbacks are reported. */

import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { toError } from '../connection/callbacks.js';
import { hasConnection } from '../connection/connection.js';
import type { PerMessageDeflate } from '../permessage-deflate/codec.js';
import type { EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import type { AnySocketClass, ServerOptions } from './options.js';
import { refuse } from './refusal.js';
import type { Upgrade } from './upgrade-request.js';

/** The negotiated extensions, by name. */
export type NegotiatedExtensions = { [EXTENSION_NAME]?: PerMessageDeflate };

/** What a handshake needs of its server. Programs override these methods. */
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

/** Receives the connection. */
export type Accepted = (client: object, request: IncomingMessage) => void;

/** A callback of the program failed, which is not the client's fault. RFC 9110 §15.6.1. */
export function failHandshake(
  server: EventEmitter,
  thrown: unknown,
  { request, socket }: Pick<Upgrade, 'request' | 'socket'>,
): void {
  refuse(socket, 500);
  reportCallbackError(server, thrown, request);
}

/** Emits 'callbackError', or without a listener a process warning. */
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
  process.emitWarning(
    `A callback of a WebSocketServer failed, and 'callbackError' has no listener: ${error.stack ?? error}`,
    { code: 'WS6455_CALLBACK_ERROR' },
  );
}

/** Runs a step that calls the program. If it throws, the socket is not left open. */
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
