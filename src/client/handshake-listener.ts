/** The interface between the opening handshake of a client and its WebSocket. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Extension } from '../protocol/extension.js';

/** The result of a successful opening handshake. */
export interface Negotiated {
  /** The chosen subprotocol, or ''. */
  readonly subprotocol: string;
  readonly extension: Extension | undefined;
}

/** Receives the events of an opening handshake. */
export interface HandshakeListener {
  /** A request is sent to this URL. @param redirects the number of redirects before it */
  onAddress(url: string, redirects: number): void;
  /** A redirect is about to be followed. */
  onRedirect(url: string, request: ClientRequest): void;
  /** Whether the program decides about the header fields of redirected requests. */
  hasRedirectListener(): boolean;
  /** Calls the option `finishRequest`. @returns what it returns */
  finishRequest(request: ClientRequest): unknown;
  /** A response with status 101 was received, not validated. */
  onUpgrade(response: IncomingMessage): void;
  /** Another response was received. @returns whether the program handles it */
  onUnexpectedResponse(request: ClientRequest, response: IncomingMessage): boolean;
  onEstablished(socket: Duplex, head: Buffer, negotiated: Negotiated): void;
  /** The handshake fails. `onHandshakeFailed` follows in the next tick. */
  onFailing(): void;
  onHandshakeFailed(error: Error): void;
}
