/** `ws6455/reconnect`: a client that stays connected. */

import type WebSocket = require('./index.js');

import type { PerAttempt, ReconnectOptions } from './reconnect/options.js';
import { connectionsTo } from './reconnect/reconnect.js';
import { ReconnectingWebSocket as OwnClass } from './reconnect/reconnecting-websocket.js';
import type { UnsentApi } from './reconnect/unsent.js';
import type {
  ReconnectingWebSocket as ReconnectingWebSocketApi,
  ReconnectingWebSocketConstructor,
} from './reconnect/websocket-interface.js';

export type { BackoffOptions } from './reconnect/backoff.js';
export type { AttemptInfo, PerAttempt, ReconnectOptions, ResumeInfo } from './reconnect/options.js';
export type { SendBufferOptions } from './reconnect/send-buffer.js';
export type { UnsentApi, UnsentMessage } from './reconnect/unsent.js';
export type { Ending, Verdict } from './reconnect/verdict.js';
export type {
  ReconnectingWebSocketConstructor,
  ReconnectingWebSocketOptions,
} from './reconnect/websocket-interface.js';

/** A WebSocket of `reconnect`: of the class that was chosen, with `unsent`. */
export type Reconnected<Socket = WebSocket> = Socket & UnsentApi;

/** A class whose WebSockets `reconnect` can give. */
type SocketClass<Socket> = new (
  address: string | URL,
  // biome-ignore lint/suspicious/noExplicitAny: a subclass may need other arguments
  ...rest: any[]
) => Socket;

/**
 * Connects, and connects again after each end: `for await (const socket of reconnect(url)) { … }`. The
 * loop gets one open WebSocket after the other. When its body has ended, the WebSocket is closed if it
 * is not yet, and the next one is made, after a delay. A loop over the messages of such a WebSocket ends without
 * an error. Leaving the loop closes the WebSocket with 1000. The loop ends when the peer closes a
 * connection with 1000.
 * @param url the URL of the server, or a function that returns it for each attempt
 * @param options as for the constructor of WebSocket, and those of {@link ReconnectOptions}; `WebSocket`
 * is the class of the connections
 * @returns an iterator. It throws the error of an ending that is fatal: a HandshakeError, an error of the
 * network or of TLS, a CloseError, what a function of the options throws; an AbortError if `signal`
 * is aborted
 * @throws TypeError or RangeError for an invalid option
 */
export function reconnect<Socket extends WebSocket = WebSocket>(
  url: PerAttempt<string | URL>,
  options?: ReconnectOptions<Reconnected<Socket>> & {
    WebSocket?: SocketClass<Socket> | undefined;
  },
): AsyncIterableIterator<Reconnected<Socket>, undefined> {
  // The class inside has wider types than the public interface.
  return connectionsTo(url, options as never) as AsyncIterableIterator<never, undefined>;
}

/** A WebSocket as the web's class has it, which connects again after each end. */
export const ReconnectingWebSocket: ReconnectingWebSocketConstructor<Reconnected> = OwnClass;
export type ReconnectingWebSocket = ReconnectingWebSocketApi;
