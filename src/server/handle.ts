/** `handle` of a server: each connection has a handler that is awaited. */

import { Buffer } from 'node:buffer';
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { callProgram, toError } from '../connection/callbacks.js';
import { describeValue } from '../connection/check-options.js';
import { CloseCode } from '../protocol/close.js';
import { CloseError } from '../websocket/close-error.js';
import { Inbox } from '../websocket/inbox.js';
import { onClosing } from '../websocket/inboxes.js';
import type { Session } from '../websocket/session.js';
import { sessionOf, type WebSocket } from '../websocket/websocket.js';

type Handler = (socket: WebSocket, request: IncomingMessage) => unknown;

const NORMAL = { code: CloseCode.NORMAL, reason: Buffer.alloc(0) };

/** The servers that have a handler for 'connection'. */
const handled = new WeakSet<EventEmitter>();

/** A server, as far as it is used here. */
interface Routed extends EventEmitter {
  route(path: string, options: object, listener: (...args: never[]) => void): unknown;
}

/**
 * Implements `handle` of a server.
 * @param given the handler; or the path of a route, its options or none, and the handler
 * @throws as documented there
 */
export function handleConnections(server: Routed, given: readonly unknown[]): void {
  const handler = given.at(-1);
  if (typeof handler !== 'function') {
    throw new TypeError(
      `The handler must be a function, usually an async one: ${describeValue(handler)} was given`,
    );
  }
  const listener = (socket: WebSocket, request: IncomingMessage): void => {
    run(handler as Handler, socket, request);
  };
  if (given.length > 1) {
    const [path, options] = given.length > 2 ? given : [given[0], {}];
    server.route(path as string, options as object, listener); // it checks both
    return;
  }
  if (handled.has(server)) {
    throw new Error('The server has a handler already: two could not share the messages');
  }
  handled.add(server);
  server.on('connection', listener);
}

/** Calls the handler for one connection, and closes the connection when it has ended. */
function run(handler: Handler, socket: WebSocket, request: IncomingMessage): void {
  const session = sessionOf(socket as Partial<WebSocket> as WebSocket) as Session | undefined;
  // Tests emit 'connection' with objects of their own.
  const inbox = session && Inbox.of(socket, session);
  callProgram(
    () => handler(socket, request),
    () => {
      if (session?.connection?.endpoint.state === 'OPEN') {
        session.connection.endpoint.startClosingHandshake(NORMAL);
        onClosing(session);
      }
      inbox?.endHold();
    },
    (reason) => {
      const error = toError(reason);
      try {
        if (!isOwnEnd(error, socket)) session?.onRejection(error, request);
      } finally {
        inbox?.endHold();
      }
    },
  );
}

/**
 * The iteration of a connection that was lost throws, and so the handler does. That is no fault of the
 * program, and `closeInfo` has it.
 */
function isOwnEnd(error: Error, { closeInfo }: WebSocket): boolean {
  return error instanceof CloseError && error.closeInfo === closeInfo;
}
