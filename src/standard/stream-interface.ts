/** WebSocketStream draft §2: the interface WebSocketStream. */

import type { MessageStreams } from '../websocket/iteration-api.js';
import type { WebSocketStreamInit } from './stream-options.js';
import type { WebSocketCloseInfo } from './websocket-error.js';

/** An open connection. */
export interface WebSocketConnection extends MessageStreams {
  /** The agreed extensions, as the response has them; '' without any. RFC 6455 §9.1. */
  readonly extensions: string;
  /** The agreed subprotocol; '' without one. RFC 6455 §1.9. */
  readonly protocol: string;
}

/** How a connection was closed. */
export interface StreamClose {
  /** The close code of the peer; 1005 if its Close had none. RFC 6455 §7.1.5. */
  readonly closeCode: number;
  /** What the peer gave as its reason; may be empty. RFC 6455 §7.1.6. */
  readonly reason: string;
}

/** A WebSocket as streams with backpressure. */
export interface WebSocketStream {
  /** The serialised URL, with ws: or wss:; '' for a WebSocket of a server. */
  readonly url: string;
  /**
   * The streams, when the opening handshake is complete. It is rejected with a WebSocketError if it
   * fails, and with the reason of the signal.
   */
  readonly opened: Promise<WebSocketConnection>;
  /**
   * What the peer closed with, after a closing handshake. It is rejected with a WebSocketError if the
   * connection failed, or was closed before all writes were done.
   */
  readonly closed: Promise<StreamClose>;
  /**
   * Starts the closing handshake; aborts an opening handshake. RFC 6455 §7.1.2.
   * @throws DOMException InvalidAccessError for a code other than 1000 and 3000 to 4999; SyntaxError for a
   * reason of more than 123 bytes
   */
  close(info?: WebSocketCloseInfo): void;
}

/** A WebSocket of the class of `ws6455`. */
export interface ConvertibleSocket {
  readonly readyState: number;
  toStream(): MessageStreams;
}

/** The class WebSocketStream. */
export interface WebSocketStreamConstructor {
  readonly prototype: WebSocketStream;
  /**
   * Begins to connect.
   * @param url as for a WebSocket
   * @throws as the constructor of WebSocket; TypeError if `protocols` is not a list
   */
  new (url: string | URL, options?: WebSocketStreamInit<WebSocketStream>): WebSocketStream;
  /**
   * Returns the streams of an open WebSocket of `ws6455`, of a server or a client. `opened` is resolved.
   * @throws TypeError for another object; WebSocketError of `ws6455` with the code WS_ERR_LOCKED or
   * WS_ERR_NOT_OPEN, and TypeError, as `toStream` of the WebSocket
   */
  from(socket: ConvertibleSocket): WebSocketStream;
}
