/** The interface of ReconnectingWebSocket: that of the web's WebSocket, and what is beside it. */

import type { Blob, Buffer } from 'node:buffer';
import type { MessageEvent, WebSocket } from '../standard/interface.js';
import type { PerAttempt, ReconnectOptions } from './options.js';
import type { SendBufferOptions } from './send-buffer.js';

/** The options of a ReconnectingWebSocket. */
export interface ReconnectingWebSocketOptions<Socket = unknown> extends ReconnectOptions<Socket> {
  /** Keeps messages that are sent while there is no connection. Default: none are, and `send` throws. */
  buffer?: SendBufferOptions | undefined;
  /** The class of the connections, which `resume` gets: `WebSocket` of `ws6455`, or a subclass. */
  // biome-ignore lint/suspicious/noExplicitAny: a subclass may need other arguments
  WebSocket?: (new (address: string | URL, ...rest: any[]) => object) | undefined;
}

/** A WebSocket, as browsers have it, that connects again after each end. */
export interface ReconnectingWebSocket extends WebSocket {
  /** The URL of the latest attempt; before the first one, what the constructor was given, or ''. */
  readonly url: string;
  /**
   * The state: `OPEN` if there is a connection and messages can be sent; `CONNECTING` if there is none
   * yet or no more, and another one follows; `CLOSING` while the last connection is closed, and `CLOSED`
   * after its end: no other one follows.
   */
  readonly readyState: 0 | 1 | 2 | 3;
  /**
   * The payload bytes given to `send` that wait: in the buffer, and those that the operating system did
   * not take yet. After `close()`, what is given to `send` is added.
   */
  readonly bufferedAmount: number;
  /** Listener of 'open': there is a connection, and `resume` is done. */
  onopen: WebSocket['onopen'];
  /**
   * Listener of 'close': a connection that was open has ended. In the state `CLOSED` it is the last
   * event, which comes once. Else another attempt follows.
   */
  onclose: WebSocket['onclose'];
  /**
   * Listener of 'error': a connection or an attempt has failed; `error` of the event says why. It needs
   * no listener.
   */
  onerror: WebSocket['onerror'];
  /** Listener of 'overflow': the buffer was full, and dropped its oldest message, `data`. */
  // biome-ignore lint/suspicious/noExplicitAny: as `dom` has it; the result is ignored
  onoverflow: ((event: MessageEvent<string | Buffer | Blob>) => any) | null;
  /**
   * Sends a string as text, other data as a binary message. RFC 6455 §5.6. The bytes are copied. While there is
   * no connection, the message goes to the buffer. After `close()` nothing is sent.
   * @throws DOMException InvalidStateError in the state `CONNECTING` if there is no buffer, and
   * QuotaExceededError if the buffer has no room; TypeError for shared memory, and for an ArrayBuffer
   * that can be resized
   */
  send(data: Parameters<WebSocket['send']>[0]): void;
  /**
   * Closes the connection, if there is one, and makes no other one. RFC 6455 §7.1.2. The arguments and
   * the exceptions are those of the web's WebSocket.
   */
  close(code?: number, reason?: string): void;
  /**
   * Returns messages that were given to `send` and did not reach the operating system, oldest first:
   * those of the last connection that has ended, and then those in the buffer. The former are not sent
   * again, the latter are. In a listener of 'open' the buffer is empty.
   */
  unsent(): (string | Buffer | Blob)[];
}

type ProtocolsOrOptions<Socket> =
  | PerAttempt<string | string[] | undefined>
  | ReconnectingWebSocketOptions<Socket>;

/** The class ReconnectingWebSocket. */
export interface ReconnectingWebSocketConstructor<Socket> {
  readonly prototype: ReconnectingWebSocket;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
  /**
   * Makes the first attempt. Another one follows each failure and each end of a connection, until
   * `close()`, a fatal failure, or a peer that closes with 1000.
   * @param url the URL of the server, or a function that returns it for each attempt
   * @param protocols the subprotocols to request, a function that returns them, or the options
   * @throws DOMException SyntaxError if the URL or a subprotocol cannot be used; TypeError or RangeError
   * for a wrong option
   */
  new (
    url: PerAttempt<string | URL>,
    protocols?: ProtocolsOrOptions<Socket>,
    options?: ReconnectingWebSocketOptions<Socket>,
  ): ReconnectingWebSocket;
  /**
   * Returns a subclass whose objects have these options, for libraries that call the constructor with
   * a URL and subprotocols only. Options that the constructor is given replace them.
   */
  withOptions(
    options: ReconnectingWebSocketOptions<Socket>,
  ): ReconnectingWebSocketConstructor<Socket>;
}
