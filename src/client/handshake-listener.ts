/** The interface through which a client's opening handshake reports to its WebSocket. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Extension } from '../protocol/extension.js';

/** The result of a successful opening handshake. */
export interface Negotiated {
  /** The subprotocol; '' if there is none. */
  readonly subprotocol: string;
  readonly extension: Extension | undefined;
}

/** Listens to an opening handshake. */
export interface HandshakeListener {
  /** A request is sent to this URL, after so many redirects. */
  onAddress(url: string, redirects: number): void;
  /** A redirect is about to be followed. */
  onRedirect(url: string, request: ClientRequest): void;
  /** Whether the program decides which header fields a redirected request has. */
  hasRedirectListener(): boolean;
  /** Calls the option `finishRequest`. @returns what it returns */
  finishRequest(request: ClientRequest): unknown;
  /** A response with status 101 was received. It is not validated yet. */
  onUpgrade(response: IncomingMessage): void;
  /** A response with another status was received. @returns whether the application handles it */
  onUnexpectedResponse(request: ClientRequest, response: IncomingMessage): boolean;
  onEstablished(socket: Duplex, head: Buffer, negotiated: Negotiated): void;
  /** The handshake fails. `onHandshakeFailed` follows in the next tick. */
  onFailing(): void;
  onHandshakeFailed(error: Error): void;
}
