/** What a client's opening handshake reports, and what it asks for. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Extension } from '../protocol/extension.js';

/** What the two ends agreed on. */
export interface Negotiated {
  /** '' if there is none */
  readonly subprotocol: string;
  readonly extension: Extension | undefined;
}

/** What is listener of an opening handshake. */
export interface HandshakeListener {
  /** The URL in use, and how many redirects led to it. */
  onAddress(url: string, redirects: number): void;
  /** A redirect is about to be followed. */
  onRedirect(url: string, request: ClientRequest): void;
  /** Whether somebody will decide what headers a redirect carries. */
  watchesRedirects(): boolean;
  /** Calls the option `finishRequest`. @returns what it returns */
  finishRequest(request: ClientRequest): unknown;
  /** A response with 101 came; it is not judged yet. */
  onUpgrade(response: IncomingMessage): void;
  /** Another response came. @returns whether the application takes it over */
  onUnexpectedResponse(request: ClientRequest, response: IncomingMessage): boolean;
  onEstablished(socket: Duplex, head: Buffer, agreed: Negotiated): void;
  /** It fails; `onHandshakeFailed` follows in the next tick. */
  onFailing(): void;
  onHandshakeFailed(error: Error): void;
}
