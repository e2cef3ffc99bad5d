/** RFC 6455 §4.2.2: accepts an opening handshake: subprotocol, response, client. */

import type { IncomingMessage } from 'node:http';
import { callProgram, isThenable } from '../connection/callbacks.js';
import { describeValue } from '../connection/check-options.js';
import { hasConnection } from '../connection/connection.js';
import { DEFAULTS, toLimit } from '../connection/options.js';
import { formatExtension } from '../handshake/fields.js';
import { acceptLines, formatMessage } from '../handshake/server.js';
import type { PerMessageDeflate } from '../permessage-deflate/codec.js';
import type { SessionServer } from '../websocket/session-owner.js';
import { setRemoteAddress } from '../websocket/stats.js';
import { sessionOf, WebSocket } from '../websocket/websocket.js';
import { addressOnce } from './address.js';
import type { Admission } from './admission.js';
import type { ServerCounters } from './counters.js';
import { handshakeStateOf } from './handshake-state.js';
import type { AnySocketClass, ServerOptions } from './options.js';
import { checkLines } from './refusal.js';
import type { Upgrade } from './upgrade-request.js';
import { ignore, reportCallbackError, type UpgradeServer } from './upgrade-server.js';

/** A new client, and the lines of its response. */
export interface Acceptance {
  readonly client: WebSocket;
  readonly lines: string[];
  /** Those of the server or of a route. */
  readonly options: ServerOptions<AnySocketClass>;
}

/** What a server counts of its clients. */
interface ClientCounts {
  readonly admission: Admission;
  readonly counters: ServerCounters;
}

/**
 * Creates the client and the response. RFC 6455 §4.2.2 MUST: these are the steps to accept.
 * @param owner is notified of the end of the connection, and of errors without a listener
 * @throws any exception of a callback; TypeError for an invalid result of one
 */
export function accept(
  server: UpgradeServer,
  extension: PerMessageDeflate | undefined,
  key: string,
  subprotocols: Set<string>,
  request: IncomingMessage,
  owner: SessionServer,
): Acceptance {
  const state = handshakeStateOf(request);
  const options = state?.options ?? server.options;
  const subprotocol = chooseSubprotocol(server, options, subprotocols, request);
  const response = extension === undefined ? '' : formatExtension(extension.response);
  // RFC 6455 §4.2.2 MUST NOT: without a subprotocol the field is not sent.
  const lines = acceptLines(key, subprotocol || false, response);
  server.emit('headers', lines, request);
  checkLines(lines);
  const client = createClient(options);
  if (state !== undefined && 'context' in state) setContext(client, state.context);
  const session = sessionOf(client);
  const { address, trustProxy } = server.options;
  if (address || trustProxy) setRemoteAddress(session, addressOnce(request, server.options));
  session.accept(client, subprotocol, extension, owner, options, request);
  return { client, lines, options };
}

/** Writes the response and opens the connection. */
export function openClient(
  { client, lines, options }: Acceptance,
  { clients }: UpgradeServer,
  { admission, counters }: ClientCounts,
  { socket, head }: Pick<Upgrade, 'socket' | 'head'>,
): void {
  clients?.add(client);
  admission.connections++;
  socket.write(formatMessage(lines));
  let isOpen = false;
  try {
    client.setSocket(socket, head, {
      allowSynchronousEvents: options.allowSynchronousEvents,
      maxPayload: toLimit(options.maxPayload, DEFAULTS.maxPayload),
      maxFragments: toLimit(options.maxFragments, DEFAULTS.maxFragments),
      skipUTF8Validation: options.skipUTF8Validation,
    });
    // A subclass may start the connection on another Duplex: then the socket still needs a listener.
    if (hasConnection(socket)) socket.removeListener('error', ignore);
    isOpen = true;
  } finally {
    // A listener of 'open' or a subclass threw: the program does not receive this client.
    if (!isOpen) {
      clients?.delete(client);
      // With a connection its end is counted, and so it was accepted.
      if (sessionOf(client).connection === undefined) admission.connections--;
      else counters.accepted++;
      socket.destroy();
    }
  }
}

/** RFC 6455 §4.2.2 MUST: the subprotocol is one that the client requested. @returns '' for none */
function chooseSubprotocol(
  server: UpgradeServer,
  options: ServerOptions<AnySocketClass>,
  requested: Set<string>,
  request: IncomingMessage,
): string {
  const { handleProtocols } = options;
  if (requested.size === 0) return '';
  if (!handleProtocols) return [...requested][0] ?? '';
  const chosen: unknown = Reflect.apply(handleProtocols, options, [requested, request]);
  if (isThenable(chosen)) {
    // A promise is not a valid result, but its rejection is reported too.
    callProgram(
      () => chosen,
      ignore,
      (error) => reportCallbackError(server, error, request),
    );
  }
  if (chosen && !requested.has(chosen as string)) throw notRequestedError(chosen);
  return (chosen || '') as string;
}

function notRequestedError(subprotocol: unknown): TypeError {
  const hint = isThenable(subprotocol) ? ', and is not awaited' : '';
  return new TypeError(
    `handleProtocols must return a subprotocol that the client asks for, or false: ` +
      `it returned ${describeValue(subprotocol)}${hint}`,
  );
}

/** Also where a subclass has an accessor with this name. */
function setContext(client: WebSocket, value: unknown): void {
  Object.defineProperty(client, 'context', {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

function createClient(options: ServerOptions<AnySocketClass>): WebSocket {
  const Class = (options.WebSocket || WebSocket) as typeof WebSocket;
  const client: unknown = new Class(null, undefined, options as object);
  if (client instanceof WebSocket) return client;
  throw new TypeError(
    `The option WebSocket must be a class that extends WebSocket: ${describeValue(Class)}`,
  );
}
